//! Handlers that do what they must not: each harms its own job alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eider_jobs::{
    AddError, Backoff, Clock, Defaults, Handler, Hold, JobId, JobRow, Jobs, NewJob, Outcome, Running,
    StartError, State,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use store::Store;
use tokio::sync::Notify;

use crate::support::{config, open};

/// What a payload makes the handler do.
#[derive(Debug, Serialize)]
struct Mischief(String);

impl<'de> Deserialize<'de> for Mischief {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        assert_ne!(text, "panics when read");
        Ok(Self(text))
    }
}

#[derive(Default)]
struct Rogue {
    defaults_panic: bool,
    let_go: Arc<Notify>,
}

impl Handler for Rogue {
    type Payload = Mischief;
    const KIND: &'static str = "ROGUE";

    fn defaults(&self) -> Defaults {
        assert!(!self.defaults_panic, "no defaults today");
        Defaults { attempts: 2, backoff: Backoff::Fixed(Duration::MAX), ..Defaults::default() }
    }

    fn example(&self) -> Mischief {
        panic!("no example today")
    }

    fn about(payload: &Mischief) -> String {
        assert_ne!(payload.0, "panics when told of");
        "x".repeat(1000)
    }

    fn key(payload: &Mischief) -> Option<String> {
        assert_ne!(payload.0, "panics when its key is asked");
        None
    }

    async fn run(&self, Mischief(text): Mischief, job: Running) -> Outcome {
        let long = || "ü".repeat(500_000);
        match text.as_str() {
            "panics at length" => std::panic::panic_any(long()),
            "panics with a number" => std::panic::panic_any(7),
            "fails at length" => Outcome::Fail { error: long() },
            "retries at length" => Outcome::Retry { error: long(), after: Some(Duration::MAX) },
            "cancels at length" => Outcome::Cancel { because: long() },
            "snoozes at length" => Outcome::Snooze { for_: Duration::MAX, because: Hold::Other(long()) },
            "brings too much" => Outcome::DoneWith(long().into()),
            "spawns" => {
                // What it spawned goes on whatever becomes of the job.
                let let_go = Arc::clone(&self.let_go);
                let spawned = tokio::spawn(async move { let_go.notified().await });
                job.progress(f64::NAN, &long());
                let _ = spawned.await;
                Outcome::Done
            }
            _ => Outcome::Done,
        }
    }
}

struct Scene {
    _folder: tempfile::TempDir,
    store: Store,
    jobs: Jobs,
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let jobs = Jobs::builder(store.clone(), config(), Clock::system()).register(Rogue::default());
        Self { _folder: folder, store, jobs: jobs.start().await.unwrap() }
    }

    async fn add(&self, what: &str) -> JobId {
        self.jobs.add(NewJob::raw("ROGUE", json!(what))).await.unwrap().id
    }

    /// Waits until the job does not move any more; its error then.
    async fn settled(&self, id: JobId) -> (State, String) {
        let row = self.once(id, |state| !matches!(state, State::Waiting | State::Running)).await;
        (row.state, row.error.unwrap_or_default())
    }

    /// The job, once it is in such a state.
    async fn once(&self, id: JobId, wanted: impl Fn(State) -> bool) -> JobRow {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut events = self.jobs.events();
        loop {
            assert!(Instant::now() < deadline, "job {id} stands still");
            let row = self.jobs.job(id).await.unwrap().row;
            if wanted(row.state) {
                return row;
            }
            // What a control changes is told before it is asked for here; a second look costs little.
            let _ = tokio::time::timeout(Duration::from_secs(1), events.recv()).await;
        }
    }
}

#[tokio::test]
async fn whatever_a_handler_says_is_cut_short() {
    let scene = Scene::new().await;
    for (what, ends) in [
        ("panics at length", State::Scheduled),
        ("panics with a number", State::Scheduled),
        ("fails at length", State::Failed),
        ("retries at length", State::Scheduled),
        ("cancels at length", State::Cancelled),
        ("snoozes at length", State::Snoozed),
        ("brings too much", State::Failed),
    ] {
        let id = scene.add(what).await;
        let (state, error) = scene.settled(id).await;
        assert_eq!(state, ends, "{what}: {error}");
        assert!(error.chars().count() <= 1000, "{what}");
        let job = scene.jobs.job(id).await.unwrap();
        assert!(job.row.about.chars().count() <= 120);
        assert!(job.timeline[0].error.as_ref().is_none_or(|error| error.chars().count() <= 1000));
        assert!(!matches!(&job.hold, Some(Hold::Other(text)) if text.chars().count() > 1000), "{what}");
    }
    let id = scene.add("is done").await;
    assert_eq!(scene.settled(id).await.0, State::Done, "the others go on");
}

#[tokio::test]
async fn a_kind_that_panics_when_it_is_asked_refuses_that_call_alone() {
    let scene = Scene::new().await;
    for what in ["panics when read", "panics when told of", "panics when its key is asked"] {
        let refused = scene.jobs.add(NewJob::raw("ROGUE", json!(what))).await.unwrap_err();
        assert!(
            matches!(&refused, AddError::BadPayload { reason, .. } if reason.contains("panicked")),
            "{refused}"
        );
    }
    assert_eq!(scene.jobs.kinds()[0].example, serde_json::Value::Null);
    let id = scene.add("is done").await;
    assert_eq!(scene.settled(id).await.0, State::Done);
    let rogue = Rogue { defaults_panic: true, ..Rogue::default() };
    let refused = Jobs::builder(scene.store.clone(), config(), Clock::system()).register(rogue).start().await;
    let Err(StartError::Invalid { field, value, .. }) = refused else { panic!("it started") };
    assert_eq!(field, "ROGUE.defaults");
    assert!(value.contains("no defaults today"), "{value}");
}

#[tokio::test]
async fn a_payload_that_was_changed_under_way_harms_its_job_alone() {
    let scene = Scene::new().await;
    scene.jobs.pause("normal").await.unwrap();
    let mut ids = Vec::new();
    for payload in ["{", "", "null", "7", "\"panics when read\""] {
        let id = scene.add("is done").await;
        let write = move |tx: &store::rusqlite::Transaction<'_>| {
            Ok(tx.execute("UPDATE job SET payload = ?2 WHERE id = ?1", (id.0, payload))?)
        };
        scene.store.write("test.edit", write).await.unwrap();
        ids.push(id);
    }
    let bytes = scene.jobs.add(NewJob::raw("ROGUE", json!("is done")).key("k")).await.unwrap().id;
    let edit = "UPDATE job SET payload = CAST(x'ff22' AS TEXT), key = CAST(x'ff' AS TEXT), attempts = -7 WHERE key = 'k'";
    scene.store.write("test.edit", |tx| Ok(tx.execute_batch(edit)?)).await.unwrap();
    let last = scene.add("is done").await;
    scene.jobs.resume("normal").await.unwrap();
    assert_eq!(scene.settled(last).await.0, State::Done);
    for id in ids[..4].iter().chain([&bytes]) {
        let (state, error) = scene.settled(*id).await;
        assert_eq!(state, State::Failed, "another attempt would read the same");
        assert!(error.starts_with("its payload cannot be read: "), "{error}");
    }
    let (state, error) = scene.settled(ids[4]).await;
    assert_eq!(state, State::Scheduled);
    assert!(error.starts_with("its handler panicked: "), "{error}");
}

#[tokio::test]
async fn a_handler_that_waits_for_what_it_spawned_is_dropped_and_its_place_is_free() {
    let scene = Scene::new().await;
    scene.jobs.set_concurrency("normal", 1).await.unwrap();
    let spawns = scene.add("spawns").await;
    let next = scene.add("is done").await;
    scene.once(spawns, |state| state == State::Running).await;
    scene.jobs.cancel(spawns).await.unwrap();
    assert_eq!(scene.settled(spawns).await.0, State::Cancelled);
    assert_eq!(scene.settled(next).await.0, State::Done);
    assert_eq!(scene.jobs.queues().await.unwrap()[2].stuck, 0);
}
