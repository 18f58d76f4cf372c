use window_tests::{App, Desktop, Home, Market, until};

#[tokio::test]
async fn the_table_sorts_and_opens_a_token() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.click("nav-markets").await?;
    app.find("row-bitcoin").await?;
    let first = async || {
        app.script("return document.querySelector('[data-testid^=\"row-\"]')?.dataset.testid ?? ''").await
    };
    assert_eq!(first().await?, "row-bitcoin", "the largest comes first");
    app.click_on("th:nth-child(4) button").await?;
    until("the dearest first", async || Ok((first().await? == "row-bitcoin").then_some(()))).await?;
    app.click_on("th:nth-child(4) button").await?;
    until("the cheapest first", async || Ok((first().await? == "row-duckchain-token").then_some(()))).await?;

    app.click_on("[data-testid='row-ethereum'] .name button").await?;
    app.text("token-page", |text| text.contains("Ethereum as the pretended market describes it.")).await?;
    app.drawn("chart-price", 10..).await?;
    Ok(())
}
