use window_tests::{App, Desktop, Home, Market};

#[tokio::test]
async fn a_source_that_dies_is_told_with_the_age_of_what_is_shown() -> anyhow::Result<()> {
    let (mut market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.text("price-duckchain-token", |text| text.contains("0.002131")).await?;

    market.die().await;
    app.text("banner-offline", |text| text.contains("old")).await?;
    app.text("price-duckchain-token", |text| text.contains("0.002131")).await?;

    market.come_back().await?;
    app.gone("banner-offline").await
}

#[tokio::test]
async fn a_start_without_the_source_shows_what_is_stored() -> anyhow::Result<()> {
    let (mut market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.drawn("chart-price", 10..).await?;
    app.quit().await?;

    market.die().await;
    let app = App::start(&desktop, &home, &[]).await?;
    app.text("price-duckchain-token", |text| text.contains("0.002131")).await?;
    app.drawn("chart-price", 10..).await?;
    app.find("banner-offline").await?;
    Ok(())
}
