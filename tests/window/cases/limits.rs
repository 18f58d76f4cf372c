use window_tests::{App, Desktop, Home, Market, until};

#[tokio::test]
async fn a_service_is_tested_switched_off_and_on_again_and_its_limit_lowered() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.find("chart-price").await?;
    app.click("nav-limits").await?;
    app.text("breaker-state", |text| text.contains("calls pass")).await?;
    app.click("service-test").await?;
    app.text("service-test-outcome", |text| text.contains("It answered in")).await?;

    app.click("service-isolate").await?;
    app.click("confirm-yes").await?;
    app.text("breaker-state", |text| text.contains("switched off")).await?;
    app.click("service-test").await?;
    app.text("service-test-outcome", |text| text.contains("switched off by hand")).await?;
    app.click("service-close").await?;
    app.text("breaker-state", |text| text.contains("calls pass")).await?;
    app.text("breaker-history", |text| text.contains("switched off by hand")).await?;

    let typed = "const field = document.querySelector('[data-testid=\"service-limit\"]'); \
                 field.value = '3'; field.dispatchEvent(new Event('input', { bubbles: true })); return 'typed'";
    app.script(typed).await?;
    app.click("service-limit-set").await?;
    let shown = "return document.querySelector('[data-testid=\"limits\"]')?.textContent ?? ''";
    until("the limit is lower", async || {
        Ok(app.script(shown).await?.as_str().is_some_and(|text| text.contains("of 3 used")).then_some(()))
    })
    .await
}
