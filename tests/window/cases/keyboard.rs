use window_tests::{App, Desktop, Home, Market};

/// The code points by which WebDriver names keys.
const ESCAPE: char = '\u{e00c}';
const CONTROL: char = '\u{e009}';
const ENTER: char = '\u{e007}';

#[tokio::test]
async fn every_screen_and_the_palette_are_reached_by_keys() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.find("chart-price").await?;
    app.press(&['2']).await?;
    app.find("markets-table").await?;
    app.press(&['3']).await?;
    app.find("queue-critical").await?;
    app.press(&['4']).await?;
    app.find("cache-level-memory").await?;
    app.press(&['5']).await?;
    app.find("limits").await?;
    app.press(&['6']).await?;
    app.find("setting-theme").await?;
    app.press(&['1']).await?;
    app.find("chart-price").await?;

    app.press(&[CONTROL, 'k']).await?;
    app.find("palette").await?;
    app.press(&[ESCAPE]).await?;
    app.gone("palette").await?;

    app.press(&['/']).await?;
    app.find("palette").await?;
    for key in "toncoin".chars() {
        app.press(&[key]).await?;
    }
    app.text("palette", |text| text.contains("TON") && !text.contains("DUCK")).await?;
    app.press(&[ENTER]).await?;
    app.text("token-page", |text| text.contains("Toncoin as the pretended market describes it.")).await?;

    app.press(&['2']).await?;
    app.find("row-bitcoin").await?;
    app.press(&['/']).await?;
    for key in "toncoin".chars() {
        app.press(&[key]).await?;
    }
    app.gone("row-bitcoin").await?;
    app.find("row-the-open-network").await?;
    Ok(())
}
