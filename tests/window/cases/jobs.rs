use window_tests::{App, Desktop, Home, Market, until};

/// The number of the job that the panel shows.
const SHOWN: &str = "const row = document.querySelector('[data-testid^=\"job-row-\"][aria-selected=\"true\"]'); \
                     return row ? row.dataset.testid.slice(8) : null";

async fn fill(app: &App, testid: &str, text: &str) -> anyhow::Result<()> {
    let script = format!(
        "const field = document.querySelector('[data-testid=\"{testid}\"]'); field.value = {text:?}; \
         field.dispatchEvent(new Event('input', {{ bubbles: true }})); \
         field.dispatchEvent(new Event('change', {{ bubbles: true }})); return 'filled'"
    );
    app.script(&script).await?;
    Ok(())
}

#[tokio::test]
async fn a_job_is_added_waits_with_its_reason_is_cancelled_run_again_and_discarded() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.find("chart-price").await?;
    app.click("nav-jobs").await?;
    app.find("queue-low").await?;
    app.click("queue-low-pause").await?;
    app.text("queue-low", |text| text.contains("paused")).await?;

    app.click("jobs-add").await?;
    fill(&app, "add-job-kind", "RETENTION").await?;
    fill(&app, "add-job-payload", "{ \"more\": 1 }").await?;
    app.click("add-job-submit").await?;
    app.text("add-job-problem", |text| text.contains("RETENTION") && text.contains("more")).await?;
    fill(&app, "add-job-payload", "{}").await?;
    app.click("add-job-submit").await?;
    app.gone("add-job-submit").await?;

    app.text("job-why", |text| text.contains("paused")).await?;
    let id =
        until("the new job is selected", async || Ok(app.script(SHOWN).await?.as_str().map(str::to_owned)))
            .await?;
    app.click("job-cancel").await?;
    app.text("job-state", |text| text.contains("cancelled")).await?;
    app.click("job-retry").await?;
    app.text("job-why", |text| text.contains("paused")).await?;

    app.click("queue-low-pause").await?;
    app.text("job-state", |text| text.contains("done")).await?;
    app.text("job-timeline", |text| text.contains("done")).await?;
    app.click("job-discard").await?;
    app.click("confirm-yes").await?;
    app.gone(&format!("job-row-{id}")).await?;
    Ok(())
}

#[tokio::test]
async fn the_work_of_the_engine_itself_is_in_the_list_and_a_queue_gets_more_places() -> anyhow::Result<()> {
    let (market, desktop) = (Market::start().await?, Desktop::start().await?);
    let home = Home::new(&market)?;
    let app = App::start(&desktop, &home, &[]).await?;
    app.find("chart-price").await?;
    app.click("nav-jobs").await?;
    let rows = "return document.querySelector('[data-testid=\"jobs-table\"]')?.textContent ?? ''";
    until("the first jobs of the engine", async || {
        let text = app.script(rows).await?;
        let known =
            text.as_str().is_some_and(|text| text.contains("PRICE_REFRESH") && text.contains("CACHE_WARM"));
        Ok(known.then_some(()))
    })
    .await?;
    app.click("jobs-filter-failed").await?;
    app.gone("jobs-table").await?;
    app.click("jobs-filter-all").await?;
    app.find("jobs-table").await?;
    app.click("queue-low-more").await?;
    app.click("queue-low-one-more").await?;
    app.text("queue-low", |text| text.contains("/ 3")).await?;
    Ok(())
}
