//! `make shots`: a picture of every screen in both themes, from the real window, in `target/shots/`.

use std::{fs, path::Path};

use anyhow::Context;
use window_tests::{App, Desktop, Home};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let own = std::env::current_exe()?;
    let folder = own.ancestors().nth(2).context("the program lies in target/<profile>")?.join("shots");
    fs::create_dir_all(&folder)?;
    for theme in ["dark", "light"] {
        let desktop = Desktop::start().await?;
        let home = Home::with_config(&format!("profile = \"demo\"\n\n[window]\ntheme = \"{theme}\"\n"))?;
        let app = App::start(&desktop, &home, &[]).await?;
        screens(&app, &folder, theme).await?;
        app.quit().await?;
    }
    println!("{}", folder.display());
    Ok(())
}

async fn screens(app: &App, folder: &Path, theme: &str) -> anyhow::Result<()> {
    let shoot = async |screen: &str| -> anyhow::Result<()> {
        let path = folder.join(format!("{screen}-{theme}.png"));
        println!("{}", path.display());
        Ok(fs::write(path, app.screenshot().await?)?)
    };
    app.drawn("chart-price", 10..).await?;
    for chart in ["chart-cache", "chart-queue", "chart-load"] {
        app.drawn(chart, 3..).await?;
    }
    shoot("overview").await?;
    app.press(&['\u{e009}', 'k']).await?;
    app.find("palette").await?;
    shoot("palette").await?;
    app.press(&['\u{e00c}']).await?;
    app.click("nav-markets").await?;
    app.find("row-bitcoin").await?;
    shoot("markets").await?;
    app.click_on("[data-testid='row-bitcoin'] .name button").await?;
    app.drawn("chart-price", 10..).await?;
    shoot("token").await?;
    app.click("nav-jobs").await?;
    app.click_on("[data-testid^='job-row-'] .state").await?;
    app.find("job-timeline").await?;
    shoot("jobs").await?;
    app.click("nav-cache").await?;
    app.drawn("cache-chart", 3..).await?;
    shoot("cache").await?;
    app.click("nav-limits").await?;
    app.find("breaker-state").await?;
    shoot("limits").await?;
    app.click("nav-settings").await?;
    app.find("setting-theme").await?;
    shoot("settings").await
}
