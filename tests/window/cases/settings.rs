use window_tests::{App, Desktop, Home, Market};

#[tokio::test]
async fn a_changed_setting_outlives_a_restart() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.click("nav-settings").await?;
    app.choose("setting-theme", "light").await?;
    app.choose("setting-currency", "eur").await?;
    app.background("app", [0xf6, 0xf8, 0xf9]).await?;
    app.quit().await?;

    let app = App::start(&desktop, &home, &[]).await?;
    app.background("app", [0xf6, 0xf8, 0xf9]).await?;
    app.click("nav-settings").await?;
    let currency = app.find("setting-currency").await?.prop("value").await?;
    assert_eq!(currency.as_deref(), Some("eur"));
    Ok(())
}

#[tokio::test]
async fn a_wrong_value_is_named_and_the_window_opens_all_the_same() -> anyhow::Result<()> {
    let desktop = Desktop::start().await?;
    let home = Home::with_config("profile = \"demo\"\n\n[market]\nrefresh_interval_s = 3\n")?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.click("nav-settings").await?;
    app.text("config-issues", |text| {
        text.contains("market.refresh_interval_s") && text.contains('3') && text.contains("5 to 3600")
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn messages_can_be_turned_off_and_sent_to_a_webhook_whose_address_is_never_shown() -> anyhow::Result<()>
{
    let desktop = Desktop::start().await?;
    let home = Home::with_config("profile = \"demo\"\n")?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.click("nav-settings").await?;
    app.click("setting-desktop").await?;
    app.text("setting-desktop-outcome", |text| text.contains("Nothing is shown")).await?;
    app.type_into("setting-webhook", "ftp://hooks.example/s3cr3t\u{e007}").await?;
    app.text("setting-webhook-outcome", |text| text.contains("http:// or https://")).await?;
    app.type_into("setting-webhook", "http://127.0.0.1:9/s3cr3t\u{e007}").await?;
    app.text("setting-webhook-stored", |text| text.contains("127.0.0.1")).await?;
    app.click("setting-webhook-test").await?;
    app.text("setting-webhook-outcome", |text| text.contains("127.0.0.1 cannot be reached")).await?;
    let page = app.script("return document.documentElement.outerHTML").await?.to_string();
    assert!(!page.contains("s3cr3t"), "the address is in the page");
    let typed = app.find("setting-webhook").await?.prop("value").await?;
    assert_eq!(typed.as_deref(), Some(""), "it stands in the field");
    let file = std::fs::read_to_string(home.config_file())?;
    assert!(file.contains("desktop = false") && file.contains("http://127.0.0.1:9/s3cr3t"), "{file}");
    Ok(())
}

#[tokio::test]
async fn an_api_key_is_taken_but_never_shown() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.click("nav-settings").await?;
    app.type_into("setting-api-key", "CG-secret\u{e007}").await?;
    app.find("setting-api-key-remove").await?;
    let page = app.script("return document.documentElement.outerHTML").await?.to_string();
    assert!(!page.contains("CG-secret"), "the key is in the page");
    let typed = app.find("setting-api-key").await?.prop("value").await?;
    assert_eq!(typed.as_deref(), Some(""), "it stands in the field");
    assert!(std::fs::read_to_string(home.config_file())?.contains("CG-secret"));
    Ok(())
}
