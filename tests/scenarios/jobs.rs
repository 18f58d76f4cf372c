//! What the engine does as jobs: over real sockets, and with stand-ins for the desktop and the chain.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use eider_engine::api::{JobDetail, JobFilter, JobItem, JobState, NewJobRequest, SettingsChange};
use eider_engine::{
    Engine, Holding, HoldingError, Holdings, HoldingsSource, Notification, Notifier, Notify, Options, U256,
};
use serde_json::{Value, json};

use crate::provider::{Fault, Provider};
use crate::rig::{PATIENCE, Rig};

/// The machine that runs the tests may be loaded.
const NO_LIMIT: &str = "rate_limit_per_minute = 1000\n[load]\nput_off = false";

/// A server that answers everything alike until it is told otherwise, and keeps what it was sent.
struct Inbox {
    url: String,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    answers: VecDeque<(u16, Vec<u8>)>,
    got: Vec<(HeaderMap, Bytes)>,
}

impl Inbox {
    /// The last of the answers is given again and again.
    async fn start(answers: Vec<(u16, Vec<u8>)>) -> Self {
        let shared = Arc::new(Mutex::new(Shared { answers: answers.into(), got: Vec::new() }));
        let app = Router::new().fallback(take).with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/s3cr3t-path", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, shared }
    }

    fn got(&self) -> Vec<(HeaderMap, Bytes)> {
        self.shared.lock().unwrap().got.clone()
    }
}

async fn take(State(shared): State<Arc<Mutex<Shared>>>, request: Request) -> Response {
    let headers = request.headers().clone();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let mut shared = shared.lock().unwrap();
    shared.got.push((headers, body));
    let next = shared.answers.front().cloned().unwrap();
    if shared.answers.len() > 1 {
        shared.answers.pop_front();
    }
    (StatusCode::from_u16(next.0).unwrap(), next.1).into_response()
}

async fn add(engine: &Engine, kind: &str, payload: Value) -> i64 {
    let request: NewJobRequest = serde_json::from_value(json!({ "kind": kind, "payload": payload })).unwrap();
    engine.add_job(request, None).await.unwrap().id
}

async fn job_when(engine: &Engine, id: i64, holds: impl Fn(&JobDetail) -> bool) -> JobDetail {
    let waited = async {
        loop {
            let job = engine.job(id).await.unwrap();
            if holds(&job) {
                return job;
            }
            tokio::task::yield_now().await;
        }
    };
    match tokio::time::timeout(PATIENCE, waited).await {
        Ok(job) => job,
        Err(_elapsed) => panic!("job {id} is {:#?}", engine.job(id).await),
    }
}

async fn ended(engine: &Engine, id: i64) -> JobDetail {
    let over =
        |job: &JobDetail| matches!(job.job.state, JobState::Done | JobState::Failed | JobState::Cancelled);
    job_when(engine, id, over).await
}

fn brought(job: &JobDetail) -> Value {
    serde_json::from_str(job.result.as_deref().unwrap_or("null")).unwrap()
}

async fn of_kind(engine: &Engine, kind: &str) -> Vec<JobItem> {
    let filter = JobFilter { kinds: vec![kind.to_owned()], ..JobFilter::default() };
    engine.jobs_page(filter, None, 100).await.unwrap().items
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![200; (width * height * 3) as usize]).unwrap();
    writer.finish().unwrap();
    bytes
}

#[tokio::test]
async fn watched_prices_come_through_a_job_that_says_what_it_did() {
    let provider = Provider::start().await;
    let rig = Rig::start(&provider, NO_LIMIT).await;
    rig.quote_when("the-open-network", |quote| quote.price.is_some()).await;
    let first = of_kind(&rig.engine, "PRICE_REFRESH").await.pop().unwrap();
    let job = ended(&rig.engine, first.id).await;
    assert_eq!((job.job.state, brought(&job)["calls"].as_u64()), (JobState::Done, Some(1)), "{job:#?}");
    let warm = of_kind(&rig.engine, "CACHE_WARM").await.pop().expect("the cache is warmed at the start");
    assert_eq!(ended(&rig.engine, warm.id).await.job.state, JobState::Done);
    rig.stop().await;
}

#[tokio::test]
async fn while_the_source_is_down_one_refresh_waits_and_none_fails() {
    let provider = Provider::start().await;
    provider.always("/simple/price", Fault::Reply(500, vec![], "{}".into()));
    let rig =
        Rig::start(&provider, "rate_limit_per_minute = 1000\nattempts = 1\n[load]\nput_off = false").await;
    let waiting = async {
        loop {
            let jobs = of_kind(&rig.engine, "PRICE_REFRESH").await;
            if let Some(job) = jobs.iter().find(|job| job.state == JobState::Snoozed) {
                return job.id;
            }
            tokio::task::yield_now().await;
        }
    };
    let id = tokio::time::timeout(PATIENCE, waiting).await.expect("it is put off");
    let job = rig.engine.job(id).await.unwrap();
    let why = job.why.expect("it waits");
    assert!(why.message.contains("CoinGecko") && why.until_ms.is_some(), "{why:?}");
    assert_eq!(job.job.attempt, 0, "no attempt was spent");
    provider.heal();
    // A person asks again: that does not wait for the next try.
    rig.engine.refresh().await.unwrap();
    rig.quote_when("the-open-network", |quote| quote.price.is_some()).await;
    assert!(of_kind(&rig.engine, "PRICE_REFRESH").await.iter().all(|job| job.state != JobState::Failed));
    rig.stop().await;
}

#[tokio::test]
async fn a_logo_is_fetched_made_small_and_shown_on_the_page_of_the_token() {
    let provider = Provider::start().await;
    let host = Inbox::start(vec![(200, png(300, 150))]).await;
    provider.logo(&host.url);
    let rig = Rig::start(&provider, NO_LIMIT).await;
    assert_eq!(rig.engine.token("the-open-network").await.unwrap().logo, None);
    let id = add(&rig.engine, "PROCESS_CONTENT", json!({ "token": "the-open-network" })).await;
    let job = ended(&rig.engine, id).await;
    assert_eq!(job.job.state, JobState::Done, "{job:#?}");
    assert_eq!(brought(&job)["description"], true);
    let logo = rig.engine.token("the-open-network").await.unwrap().logo.expect("there is one now");
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(logo.strip_prefix("data:image/png;base64,").unwrap())
        .unwrap();
    let picture = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    assert_eq!((picture.info().width, picture.info().height), (64, 32));
    assert_eq!(host.got().len(), 1);
    let services: Vec<_> =
        rig.engine.limits_view().services.into_iter().map(|one| (one.name, one.calls)).collect();
    assert!(services.contains(&("Images".to_owned(), 1)), "{services:?}");
    rig.stop().await;
}

#[tokio::test]
async fn a_logo_that_is_none_fails_its_job_with_the_reason_and_is_told_under_needs_you() {
    let provider = Provider::start().await;
    let host = Inbox::start(vec![(200, vec![0; 5 << 20]), (200, b"<svg/>".to_vec()), (404, vec![])]).await;
    provider.logo(&host.url);
    let rig = Rig::start(&provider, NO_LIMIT).await;
    for said in ["4 MiB", "PNG, JPEG, WebP or GIF", "404"] {
        let id = add(&rig.engine, "PROCESS_CONTENT", json!({ "token": "the-open-network" })).await;
        let job = ended(&rig.engine, id).await;
        assert_eq!((job.job.state, job.job.attempt), (JobState::Failed, 1), "another try would end the same");
        assert!(job.job.error.as_deref().unwrap().contains(said), "{said}: {job:#?}");
    }
    let told = |status: &eider_engine::api::Status| {
        status.notices.iter().any(|notice| notice.key == "jobs_failed" && notice.title == "3 failed jobs")
    };
    rig.status_when(told).await;
    for job in of_kind(&rig.engine, "PROCESS_CONTENT").await {
        if job.state == JobState::Failed {
            rig.engine.discard_job(job.id).await.unwrap();
        }
    }
    rig.status_when(|status| status.notices.iter().all(|notice| notice.key != "jobs_failed")).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_refresh_that_the_stop_cuts_off_keeps_its_attempt_and_runs_again_after_the_restart() {
    let provider = Provider::start().await;
    provider.always("/", Fault::Hang);
    let config = format!("timeout_s = 120\n{NO_LIMIT}");
    let rig = Rig::start(&provider, &config).await;
    let id = add(&rig.engine, "PRICE_REFRESH", json!({ "ids": ["dogecoin"] })).await;
    job_when(&rig.engine, id, |job| job.job.state == JobState::Running).await;
    provider.until("/", |calls| !calls.is_empty()).await;
    let folder = rig.stop().await;
    let rig = Rig::start_in(folder, &provider, &config).await;
    let again = rig.engine.job(id).await.unwrap();
    let started = u32::from(again.job.state == JobState::Running);
    assert_eq!(again.job.attempt, started, "no attempt was spent: {again:#?}");
    job_when(&rig.engine, id, |job| job.job.state == JobState::Running).await;
    rig.stop().await;
}

/// Keeps what it was to show; refuses while told to.
#[derive(Clone, Default)]
struct Desktop(Arc<Mutex<(Vec<Notification>, u32)>>);

impl Notify for Desktop {
    fn show(&self, notification: &Notification) -> Result<(), String> {
        let mut inner = self.0.lock().unwrap();
        if inner.1 > 0 {
            inner.1 -= 1;
            return Err("no notification service answers on the session bus".into());
        }
        inner.0.push(notification.clone());
        Ok(())
    }
}

impl Desktop {
    fn shown(&self) -> Vec<String> {
        self.0.lock().unwrap().0.iter().map(|shown| shown.title.clone()).collect()
    }
}

#[tokio::test]
async fn a_message_reaches_the_desktop_and_the_webhook_once_each_after_what_failed() {
    let provider = Provider::start().await;
    let hook = Inbox::start(vec![(500, vec![]), (204, vec![])]).await;
    let desktop = Desktop::default();
    desktop.0.lock().unwrap().1 = 1;
    let notifier = Notifier::new(desktop.clone());
    let config = format!("{NO_LIMIT}\n[notifications]\nwebhook_url = \"{}\"", hook.url);
    let rig =
        Rig::start_as(&provider, &config, |options| Options { notifier: Some(notifier), ..options }).await;
    let message =
        |channel: &str| json!({ "channel": channel, "title": "DUCK crossed 0.0021", "body": "0.00213 USD" });
    let (shown, posted) = (
        add(&rig.engine, "SEND_NOTIFICATION", message("desktop")).await,
        add(&rig.engine, "SEND_NOTIFICATION", message("webhook")).await,
    );
    let shown = ended(&rig.engine, shown).await;
    assert_eq!((shown.job.state, shown.job.attempt), (JobState::Done, 2), "{shown:#?}");
    assert_eq!(desktop.shown(), ["DUCK crossed 0.0021"]);
    let posted = ended(&rig.engine, posted).await;
    assert_eq!(posted.job.state, JobState::Done, "{posted:#?}");
    let got = hook.got();
    assert_eq!(got.len(), 2);
    assert_eq!(
        got[0].0["idempotency-key"], got[1].0["idempotency-key"],
        "the receiver can tell a repetition"
    );
    let text: Value = serde_json::from_slice(&got[1].1).unwrap();
    assert_eq!((&text["title"], &text["source"]), (&json!("DUCK crossed 0.0021"), &json!("eider")));
    let folder = rig.stop().await;
    for entry in std::fs::read_dir(folder.path().join("data/logs")).unwrap() {
        let log = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!log.contains("s3cr3t-path"), "the address of the webhook is a secret: {log}");
    }
}

#[tokio::test]
async fn failures_are_told_on_a_desktop_nobody_looks_at_and_once_for_each_kind() {
    let provider = Provider::start().await;
    let host = Inbox::start(vec![(404, vec![])]).await;
    provider.logo(&host.url);
    let desktop = Desktop::default();
    let notifier = Notifier::new(desktop.clone());
    let rig =
        Rig::start_as(&provider, NO_LIMIT, |options| Options { notifier: Some(notifier), ..options }).await;
    for token in ["the-open-network", "bitcoin", "ethereum"] {
        let id = add(&rig.engine, "PROCESS_CONTENT", json!({ "token": token })).await;
        assert_eq!(ended(&rig.engine, id).await.job.state, JobState::Failed);
    }
    let told = async {
        while of_kind(&rig.engine, "SEND_NOTIFICATION").await.iter().all(|job| job.state != JobState::Done) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("it is told");
    assert_eq!(desktop.shown(), ["A job failed: PROCESS_CONTENT"]);
    assert_eq!(of_kind(&rig.engine, "SEND_NOTIFICATION").await.len(), 1);
    rig.stop().await;
}

/// Both needed a restart.
#[tokio::test]
async fn where_messages_go_is_changed_while_running() {
    let provider = Provider::start().await;
    let (host, hook) = (Inbox::start(vec![(404, vec![])]).await, Inbox::start(vec![(204, vec![])]).await);
    provider.logo(&host.url);
    let desktop = Desktop::default();
    let notifier = Notifier::new(desktop.clone());
    let rig =
        Rig::start_as(&provider, NO_LIMIT, |options| Options { notifier: Some(notifier), ..options }).await;
    let has_webhook = || rig.engine.limits_view().services.iter().any(|service| service.name == "Webhook");
    assert!(!has_webhook());
    for change in
        [SettingsChange::DesktopNotifications(false), SettingsChange::WebhookUrl(Some(hook.url.clone()))]
    {
        rig.engine.change_setting(change).await.unwrap();
    }
    assert!(has_webhook());
    let failing = add(&rig.engine, "PROCESS_CONTENT", json!({ "token": "the-open-network" })).await;
    assert_eq!(ended(&rig.engine, failing).await.job.state, JobState::Failed);
    let told = async {
        while hook.got().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("it is posted");
    assert_eq!(desktop.shown(), [""; 0]);
    // What a wrong address did says nothing of the right one.
    let wrong = SettingsChange::WebhookUrl(Some("http://127.0.0.1:9/".into()));
    rig.engine.change_setting(wrong).await.unwrap();
    rig.engine.isolate_service("Webhook").unwrap();
    rig.engine.change_setting(SettingsChange::WebhookUrl(Some(hook.url.clone()))).await.unwrap();
    let test = rig.engine.test_service("Webhook").await.unwrap();
    assert!(test.ok, "{test:?}");
    rig.engine.change_setting(SettingsChange::WebhookUrl(None)).await.unwrap();
    let message = json!({ "channel": "webhook", "title": "Nobody hears it", "body": "It has nowhere to go" });
    let unsent = add(&rig.engine, "SEND_NOTIFICATION", message).await;
    let unsent = ended(&rig.engine, unsent).await;
    assert_eq!(unsent.job.state, JobState::Cancelled);
    assert!(unsent.job.error.unwrap().starts_with("no webhook is set; give its address on Settings"));
    let unseen = json!({ "channel": "desktop", "title": "Nobody sees it", "body": "They are switched off" });
    let unseen = add(&rig.engine, "SEND_NOTIFICATION", unseen).await;
    assert_eq!(ended(&rig.engine, unseen).await.job.state, JobState::Cancelled);
    assert_eq!(desktop.shown(), [""; 0]);
    rig.stop().await;
}

/// Answers in turn.
struct Chain(Mutex<VecDeque<Result<Holding, HoldingError>>>);

#[async_trait::async_trait]
impl HoldingsSource for Chain {
    async fn balance(&self, wallet: &str, token: Option<&str>) -> Result<Holding, HoldingError> {
        assert_eq!((wallet, token), (WALLET, None));
        self.0.lock().unwrap().pop_front().unwrap()
    }
}

const WALLET: &str = "0x71C7656EC7ab88b098defB751B7401B5f6d8976F";

#[tokio::test]
async fn holdings_are_compared_to_the_last_digit() {
    let provider = Provider::start().await;
    let most = U256::MAX;
    let holding = |balance| Ok(Holding { balance, block: 7 });
    let because = "the chain is at its limit".to_owned();
    let answers = VecDeque::from([
        holding(most),
        holding(most - U256::from(1)),
        Err(HoldingError::NotYet { because, wait: Duration::from_millis(1) }),
        holding(most),
        Err(HoldingError::Never("there is no such token".into())),
    ]);
    let holdings = Holdings::new(Chain(Mutex::new(answers)));
    let rig =
        Rig::start_as(&provider, NO_LIMIT, |options| Options { holdings: Some(holdings), ..options }).await;
    let question = json!({ "wallet": WALLET, "at_least": most.to_string() });
    for holds in [true, false, true] {
        let id = add(&rig.engine, "VERIFY_TOKEN_HOLDINGS", question.clone()).await;
        let job = ended(&rig.engine, id).await;
        assert_eq!((job.job.attempt, brought(&job)["holds"].as_bool()), (1, Some(holds)), "{job:#?}");
    }
    let id = add(&rig.engine, "VERIFY_TOKEN_HOLDINGS", question).await;
    let job = ended(&rig.engine, id).await;
    assert_eq!(job.job.error.as_deref(), Some("there is no such token"));
    rig.stop().await;
}

#[tokio::test]
async fn a_review_is_written_as_a_page_that_stands_alone() {
    let provider = Provider::start().await;
    let rig = Rig::start(&provider, NO_LIMIT).await;
    let id = add(&rig.engine, "PERFORMANCE_REVIEW", json!({})).await;
    let job = ended(&rig.engine, id).await;
    let file = brought(&job)["file"].as_str().unwrap_or_else(|| panic!("{job:#?}")).to_owned();
    let page = std::fs::read_to_string(file).unwrap();
    assert!(page.contains("Load of the machine") && page.contains("<td>CoinGecko"), "{page}");
    assert!(!page.contains("<script") && !page.contains("src="), "it asks nobody for anything");
    rig.stop().await;
}

#[tokio::test]
async fn jobs_outlive_a_restart_and_a_pause_holds_over_it() {
    let provider = Provider::start().await;
    let rig = Rig::start(&provider, NO_LIMIT).await;
    rig.engine.pause_queue("low").await.unwrap();
    let id = add(&rig.engine, "RETENTION", json!({})).await;
    let folder = rig.stop().await;
    let rig = Rig::start_in(folder, &provider, NO_LIMIT).await;
    let why = rig.engine.job(id).await.unwrap().why.expect("it waits");
    assert_eq!(why.code, "paused");
    rig.engine.resume_queue("low").await.unwrap();
    assert_eq!(ended(&rig.engine, id).await.job.state, JobState::Done);
    rig.stop().await;
}
