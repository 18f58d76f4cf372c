use window_tests::{App, Desktop, Home, Market, until};

#[tokio::test]
async fn the_window_remembers_its_size() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.has_size(1280, 800).await?;
    app.resize(1100, 700).await?;
    app.quit().await?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.has_size(1100, 700).await
}

#[tokio::test]
async fn a_hidden_start_waits_for_a_second_one_to_show_the_window() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start_hidden(&desktop, &home).await?;
    let visibility = async || app.script("return document.visibilityState").await;
    assert_eq!(visibility().await?, "hidden");
    home.run(Some(&desktop))?;
    until("the window to be shown", async || Ok((visibility().await? == "visible").then_some(()))).await?;
    app.drawn("chart-price", 10..).await?;
    Ok(())
}

#[tokio::test]
async fn the_page_reaches_its_own_commands_and_nothing_else() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    let outcome = async |call: &str| {
        app.script(&format!("return {call}.then(() => 'allowed', (error) => `refused: ${{error}}`)")).await
    };
    assert_eq!(outcome("__TAURI_INTERNALS__.invoke('settings')").await?, "allowed");
    for call in [
        "__TAURI_INTERNALS__.invoke('plugin:window-state|filename')",
        "__TAURI_INTERNALS__.invoke('plugin:window|close')",
        "__TAURI_INTERNALS__.invoke('plugin:event|emit', { event: 'x', payload: 1 })",
        &format!("fetch('{}/ping')", market.base_url()),
    ] {
        let said = outcome(call).await?;
        assert!(said.as_str().is_some_and(|said| said.starts_with("refused")), "{call}: {said}");
    }
    Ok(())
}
