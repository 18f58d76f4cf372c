use window_tests::{App, Colour, Desktop, Home, Market, until};

const DARK: Colour = [0x0e, 0x13, 0x17];
const LIGHT: Colour = [0xf6, 0xf8, 0xf9];
const PRICE_LINE_DARK: Colour = [0x5f, 0xd0, 0xa5];

#[tokio::test]
async fn prices_of_the_source_appear_and_follow_it() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.text("price-duckchain-token", |text| text.contains("0.002131")).await?;
    app.text("price-the-open-network", |text| text.contains("5.41")).await?;
    market.set_price("the-open-network", 6.25);
    app.text("price-the-open-network", |text| text.contains("6.25")).await?;
    Ok(())
}

#[tokio::test]
async fn the_price_chart_is_drawn_in_every_range() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    for (range, points) in [("24h", 200..400), ("7d", 100..200), ("30d", 500..1000), ("1h", 10..60)] {
        app.click(&format!("range-{range}")).await?;
        let picture = app.drawn("chart-price", points).await?;
        assert!(picture.uniformity() < 0.9, "{range}: almost nothing is drawn");
        let covered = picture.columns_with(PRICE_LINE_DARK);
        assert!(covered > 0.6, "{range}: the line crosses {covered:.2} of the chart");
    }
    Ok(())
}

#[tokio::test]
async fn the_three_live_charts_are_drawn() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    for chart in ["chart-cache", "chart-queue", "chart-load"] {
        // A line begins at the right edge, where "now" is, and grows by a pixel in ten seconds. Those of an idle queue
        // lie on the axis, under the grey one of the lowest priority.
        until(&format!("a line in {chart}"), async || {
            let picture = app.drawn(chart, 3..).await?;
            let line = chart == "chart-queue" || picture.coloured() > 10;
            Ok((line && picture.uniformity() < 0.995).then_some(()))
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_theme_of_the_settings_colours_the_window() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.click("nav-settings").await?;
    for (theme, background) in [("light", LIGHT), ("dark", DARK)] {
        app.choose("setting-theme", theme).await?;
        app.background("app", background).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_demo_is_marked_and_needs_no_network() -> anyhow::Result<()> {
    let desktop = Desktop::start().await?;
    let home = Home::with_config("")?;
    let app = App::start(&desktop, &home, &["--profile", "demo"]).await?;
    app.text("badge-demo", |text| text.contains("DEMO")).await?;
    app.text("price-duckchain-token", |text| text.chars().any(|c| c.is_ascii_digit())).await?;
    let picture = app.drawn("chart-price", 10..).await?;
    assert!(picture.uniformity() < 0.99);
    Ok(())
}
