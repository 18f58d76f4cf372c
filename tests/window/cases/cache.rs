use window_tests::{App, Desktop, Home, Market, until};

#[tokio::test]
async fn the_levels_are_up_and_the_cache_can_be_warmed_and_cleared() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.find("chart-price").await?;
    app.click("nav-cache").await?;
    for level in ["memory", "files", "database"] {
        let state = format!(
            "return document.querySelector('[data-testid=\"cache-level-{level}\"]')?.dataset.state ?? ''"
        );
        until("the level is up", async || Ok((app.script(&state).await? == "up").then_some(()))).await?;
    }
    app.find("cache-region-prices").await?;
    app.drawn("cache-chart", 1..).await?;
    app.click("cache-warm").await?;
    app.text("cache-warm-outcome", |text| !text.trim().is_empty()).await?;
    Ok(())
}
