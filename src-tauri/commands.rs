//! Everything the window may ask for. Each command hands over to the engine and decides nothing.

use engine::{
    Engine,
    api::{
        CacheEntry, CacheView, ExportFormat, Frame, History, Invalidation, JobAdded, JobDetail, JobFilter,
        JobPage, JobsView, LimitsView, MarketTable, MetricsHistory, NewJobRequest, Problem, QueueView,
        Range, ServiceLimits, ServiceTest, Settings, SettingsChange, Token, TokenHit, Warming,
    },
};
use serde::Deserialize;
use specta::Type;
use specta_typescript::Number;
use tauri::{AppHandle, State, WebviewWindow, ipc::Channel};

use crate::{moments::Moments, stream::FrameStream, window};

/// A refusal reaches the window as a rejected promise; every command answers alike, also one that cannot fail.
type Answer<T> = Result<T, Problem>;

/// A link that the window may have opened in the system's browser; it cannot name an address of its own.
#[derive(Debug, Clone, Copy, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Link {
    /// The page that the market source wants named beside its data.
    Attribution,
}

/// A job's number; it stays far below 2^53, so that a number of the page holds it exactly.
#[derive(Debug, Clone, Copy, Deserialize, Type)]
#[serde(transparent)]
pub(crate) struct JobNumber(#[specta(type = Number)] i64);

/// Feeds the window with frames from now on; the first one is whole.
#[tauri::command]
#[specta::specta]
pub(crate) fn open_stream(
    engine: State<'_, Engine>,
    stream: State<'_, FrameStream>,
    channel: Channel<Frame>,
) -> Answer<()> {
    stream.open(&engine, channel);
    Ok(())
}

/// Tells whether anybody can see the window; a hidden one gets no frames.
#[tauri::command]
#[specta::specta]
pub(crate) fn set_visible(stream: State<'_, FrameStream>, visible: bool) -> Answer<()> {
    stream.set_visible(visible);
    Ok(())
}

/// The page has its first content: the window may be shown now.
#[tauri::command]
#[specta::specta]
pub(crate) fn first_paint(window: WebviewWindow, moments: State<'_, Moments>) -> Answer<()> {
    moments.reached("first paint");
    window::show_first(&window);
    Ok(())
}

/// The first chart with data is on the screen.
#[tauri::command]
#[specta::specta]
pub(crate) fn first_chart(moments: State<'_, Moments>) -> Answer<()> {
    moments.reached("first chart drawn");
    Ok(())
}

/// The price of one token over a range.
#[tauri::command]
#[specta::specta]
pub(crate) async fn history(engine: State<'_, Engine>, id: String, range: Range) -> Answer<History> {
    engine.history(&id, range).await
}

/// The machine and the engine over a range.
#[tauri::command]
#[specta::specta]
pub(crate) async fn metrics_history(engine: State<'_, Engine>, range: Range) -> Answer<MetricsHistory> {
    engine.metrics_history(range).await
}

/// The Markets table.
#[tauri::command]
#[specta::specta]
pub(crate) async fn markets(engine: State<'_, Engine>) -> Answer<MarketTable> {
    engine.markets().await
}

/// What is known about one token beside its price history.
#[tauri::command]
#[specta::specta]
pub(crate) async fn token(engine: State<'_, Engine>, id: String) -> Answer<Token> {
    engine.token(&id).await
}

/// Tokens whose name or ticker matches.
#[tauri::command]
#[specta::specta]
pub(crate) async fn search_tokens(engine: State<'_, Engine>, query: String) -> Answer<Vec<TokenHit>> {
    engine.search(&query).await
}

/// Adds a token to the watchlist, or moves it to a position.
#[tauri::command]
#[specta::specta]
pub(crate) async fn watch(engine: State<'_, Engine>, id: String, position: Option<u32>) -> Answer<()> {
    engine.watch(&id, position).await
}

/// Takes a token off the watchlist; its history stays.
#[tauri::command]
#[specta::specta]
pub(crate) async fn unwatch(engine: State<'_, Engine>, id: String) -> Answer<()> {
    engine.unwatch(&id).await
}

/// Asks the source for new prices now, within its limits.
#[tauri::command]
#[specta::specta]
pub(crate) async fn refresh(engine: State<'_, Engine>) -> Answer<()> {
    engine.refresh().await
}

/// The levels, regions and classes of the cache.
#[tauri::command]
#[specta::specta]
pub(crate) fn cache_view(engine: State<'_, Engine>) -> Answer<CacheView> {
    Ok(engine.cache_view())
}

/// What is known of one entry of the cache, never its value.
#[tauri::command]
#[specta::specta]
pub(crate) async fn cache_entry(
    engine: State<'_, Engine>,
    region: String,
    key: String,
) -> Answer<Option<CacheEntry>> {
    engine.cache_entry(&region, &key).await
}

/// Invalidates what carries a tag, or one key.
#[tauri::command]
#[specta::specta]
pub(crate) async fn invalidate_cache(engine: State<'_, Engine>, what: Invalidation) -> Answer<()> {
    engine.invalidate_cache(what).await
}

/// Removes every entry of one region of the cache.
#[tauri::command]
#[specta::specta]
pub(crate) async fn clear_cache_region(engine: State<'_, Engine>, region: String) -> Answer<()> {
    engine.clear_cache_region(&region).await
}

/// Loads what will be asked for.
#[tauri::command]
#[specta::specta]
pub(crate) async fn warm_cache(engine: State<'_, Engine>) -> Answer<Warming> {
    engine.warm_cache().await
}

/// The limits of every outside service.
#[tauri::command]
#[specta::specta]
pub(crate) fn limits_view(engine: State<'_, Engine>) -> Answer<LimitsView> {
    Ok(engine.limits_view())
}

/// Changes how many calls a minute a service may see, within what the configuration allows.
#[tauri::command]
#[specta::specta]
pub(crate) fn set_service_limit(
    engine: State<'_, Engine>,
    name: String,
    limit: u32,
) -> Answer<ServiceLimits> {
    engine.set_service_limit(&name, limit)
}

/// Refuses every call to a service until it is closed again.
#[tauri::command]
#[specta::specta]
pub(crate) fn isolate_service(engine: State<'_, Engine>, name: String) -> Answer<ServiceLimits> {
    engine.isolate_service(&name)
}

/// Lets calls to a service pass again.
#[tauri::command]
#[specta::specta]
pub(crate) fn close_service(engine: State<'_, Engine>, name: String) -> Answer<ServiceLimits> {
    engine.close_service(&name)
}

/// Makes one call to a service, to see whether it answers.
#[tauri::command]
#[specta::specta]
pub(crate) async fn test_service(engine: State<'_, Engine>, name: String) -> Answer<ServiceTest> {
    engine.test_service(&name).await
}

/// The queues, what is in them, and the kinds of jobs that can be added.
#[tauri::command]
#[specta::specta]
pub(crate) async fn jobs_view(engine: State<'_, Engine>) -> Answer<JobsView> {
    engine.jobs_view().await
}

/// Jobs, newest first: those added before one, at most `limit` (1 to 500).
#[tauri::command]
#[specta::specta]
pub(crate) async fn jobs_page(
    engine: State<'_, Engine>,
    filter: JobFilter,
    before: Option<JobNumber>,
    limit: u32,
) -> Answer<JobPage> {
    engine.jobs_page(filter, before.map(|id| id.0), limit as usize).await
}

/// All about one job, and why it waits where it does.
#[tauri::command]
#[specta::specta]
pub(crate) async fn job_detail(engine: State<'_, Engine>, id: JobNumber) -> Answer<JobDetail> {
    engine.job(id.0).await
}

/// Adds a job.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add_job(engine: State<'_, Engine>, request: NewJobRequest) -> Answer<JobAdded> {
    engine.add_job(request, None).await
}

/// Has a job start as soon as it can.
#[tauri::command]
#[specta::specta]
pub(crate) async fn retry_job(engine: State<'_, Engine>, id: JobNumber) -> Answer<JobDetail> {
    engine.retry_job(id.0).await
}

/// Ends a job that is not wanted any more.
#[tauri::command]
#[specta::specta]
pub(crate) async fn cancel_job(engine: State<'_, Engine>, id: JobNumber) -> Answer<JobDetail> {
    engine.cancel_job(id.0).await
}

/// Removes a job that has ended, for good.
#[tauri::command]
#[specta::specta]
pub(crate) async fn discard_job(engine: State<'_, Engine>, id: JobNumber) -> Answer<()> {
    engine.discard_job(id.0).await
}

/// Has every failed job of a queue, or of all, start anew; how many.
#[tauri::command]
#[specta::specta]
pub(crate) async fn retry_failed_jobs(engine: State<'_, Engine>, queue: Option<String>) -> Answer<u32> {
    let retried = engine.retry_failed_jobs(queue.as_deref()).await?;
    Ok(u32::try_from(retried).unwrap_or(u32::MAX))
}

/// Starts no more jobs of a queue.
#[tauri::command]
#[specta::specta]
pub(crate) async fn pause_queue(engine: State<'_, Engine>, name: String) -> Answer<QueueView> {
    engine.pause_queue(&name).await
}

/// Takes a pause and a draining of a queue back.
#[tauri::command]
#[specta::specta]
pub(crate) async fn resume_queue(engine: State<'_, Engine>, name: String) -> Answer<QueueView> {
    engine.resume_queue(&name).await
}

/// Lets a queue finish what it has and take no more.
#[tauri::command]
#[specta::specta]
pub(crate) async fn drain_queue(engine: State<'_, Engine>, name: String) -> Answer<QueueView> {
    engine.drain_queue(&name).await
}

/// Changes how many jobs of a queue run at once.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_queue_concurrency(
    engine: State<'_, Engine>,
    name: String,
    concurrency: u32,
) -> Answer<QueueView> {
    engine.set_queue_concurrency(&name, concurrency).await
}

/// What the Settings screen shows.
#[tauri::command]
#[specta::specta]
pub(crate) async fn settings(engine: State<'_, Engine>) -> Answer<Settings> {
    Ok(engine.settings())
}

/// Validates one change, puts it in force and writes it to the configuration file.
#[tauri::command]
#[specta::specta]
pub(crate) async fn change_setting(
    engine: State<'_, Engine>,
    window: WebviewWindow,
    change: SettingsChange,
) -> Answer<Settings> {
    let settings = engine.change_setting(change).await?;
    window::apply_theme(&window, settings.theme);
    Ok(settings)
}

/// Writes a token's history to the Downloads folder and returns the path.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_history(
    engine: State<'_, Engine>,
    id: String,
    range: Range,
    format: ExportFormat,
) -> Answer<String> {
    engine.export_history(&id, range, format).await
}

/// Opens a link in the system's browser.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_url(_app: AppHandle, engine: State<'_, Engine>, which: Link) -> Answer<()> {
    let url = match which {
        Link::Attribution => engine.attribution_url(),
    };
    let Some(url) = url else { return Ok(()) };
    open::that_detached(&url).map_err(|error| Problem {
        code: "browser_not_opened".into(),
        message: format!("No browser could be opened; the address is {url}."),
        retry_after_ms: None,
        detail: Some(error.to_string()),
    })
}
