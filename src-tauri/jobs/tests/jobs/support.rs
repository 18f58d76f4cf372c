//! A processor with a clock that the test moves, and a handler that does what its payload says.

use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eider_jobs::{
    Added, Backoff, Builder, Clock, Config, Defaults, Event, Handler, Hold, JobId, Jobs, MIGRATIONS, NewJob,
    Outcome, Running, State,
};
use serde::{Deserialize, Serialize};
use store::Store;
use tokio::sync::{Notify, broadcast};

/// What a job of the test does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    Done,
    Result(String),
    Retry,
    /// Fails so many times, then is done.
    RetryUntil(u32),
    Fail,
    Panic,
    Snooze(u64),
    Cancel,
    /// Ends when the test says so, or when it is told to end.
    Wait,
    /// Ends only when the test says so.
    Stubborn,
    /// Blocks its thread until the test says so.
    Block,
    /// Ends well a moment after it was told to end.
    Finish,
    Progress,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Payload {
    pub(crate) act: Act,
    #[serde(default)]
    pub(crate) name: String,
}

#[derive(Default)]
pub(crate) struct Hands {
    pub(crate) wall_ms: AtomicI64,
    /// The names of the jobs that began, in their order.
    pub(crate) begun: Mutex<Vec<String>>,
    pub(crate) running: AtomicU32,
    pub(crate) most_running: AtomicU32,
    pub(crate) go: Notify,
    pub(crate) go_blocked: std::sync::Condvar,
    pub(crate) blocked: Mutex<bool>,
}

pub(crate) struct Actor(pub(crate) Arc<Hands>);

impl Handler for Actor {
    type Payload = Payload;
    const KIND: &'static str = "ACT";

    fn defaults(&self) -> Defaults {
        Defaults {
            attempts: 3,
            backoff: Backoff::Fixed(Duration::from_secs(10)),
            // On a machine that is busy with other tests, much may pass between two steps of one.
            timeout: Duration::from_secs(600),
            ..Defaults::default()
        }
    }

    fn example(&self) -> Payload {
        Payload { act: Act::Done, name: "example".into() }
    }

    fn about(payload: &Payload) -> String {
        payload.name.clone()
    }

    async fn run(&self, payload: Payload, job: Running) -> Outcome {
        let hands = &self.0;
        let now = hands.running.fetch_add(1, Ordering::SeqCst) + 1;
        hands.most_running.fetch_max(now, Ordering::SeqCst);
        hands.begun.lock().unwrap().push(payload.name.clone());
        let outcome = act(hands, payload.act, job).await;
        hands.running.fetch_sub(1, Ordering::SeqCst);
        outcome
    }
}

async fn act(hands: &Hands, act: Act, job: Running) -> Outcome {
    let retry = || Outcome::Retry { error: "it did not work".into(), after: None };
    match act {
        Act::Done => Outcome::Done,
        Act::Result(text) => Outcome::DoneWith(text.into()),
        Act::Retry => retry(),
        Act::RetryUntil(attempt) if job.attempt() < attempt => retry(),
        Act::RetryUntil(_) => Outcome::Done,
        Act::Fail => Outcome::Fail { error: "it cannot work".into() },
        Act::Panic => {
            hands.running.fetch_sub(1, Ordering::SeqCst);
            panic!("the handler's own")
        }
        Act::Snooze(ms) => Outcome::Snooze {
            for_: Duration::from_millis(ms),
            because: Hold::RateLimited { service: "coingecko".into() },
        },
        Act::Cancel => Outcome::Cancel { because: "nobody wants it".into() },
        Act::Wait => {
            tokio::select! {
                () = hands.go.notified() => Outcome::Done,
                () = job.cancelled() => retry(),
            }
        }
        Act::Stubborn => {
            hands.go.notified().await;
            Outcome::Done
        }
        Act::Block => {
            let blocked = hands.blocked.lock().unwrap();
            drop(hands.go_blocked.wait_while(blocked, |blocked| *blocked).unwrap());
            Outcome::Done
        }
        Act::Finish => {
            job.cancelled().await;
            Outcome::Done
        }
        Act::Progress => {
            job.progress(0.5, "half of it");
            hands.go.notified().await;
            Outcome::Done
        }
    }
}

pub(crate) const START_MS: i64 = 1_800_000_000_000;

pub(crate) struct Rig {
    pub(crate) folder: Arc<tempfile::TempDir>,
    pub(crate) store: Store,
    pub(crate) hands: Arc<Hands>,
    pub(crate) jobs: Jobs,
    pub(crate) events: broadcast::Receiver<Event>,
    /// Events that nobody has waited for yet.
    pub(crate) seen: Vec<Event>,
}

pub(crate) fn open(folder: &Path) -> Store {
    Store::open(&folder.join("eider.db"), &[MIGRATIONS], store::Config::default()).unwrap().store
}

pub(crate) fn config() -> Config {
    Config { sole_owner: true, ..Config::default() }
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let hands = Arc::new(Hands { wall_ms: AtomicI64::new(START_MS), ..Hands::default() });
        Self::open(Arc::new(tempfile::tempdir().unwrap()), hands, config).await
    }

    pub(crate) async fn open(folder: Arc<tempfile::TempDir>, hands: Arc<Hands>, config: Config) -> Self {
        let store = open(folder.path());
        let jobs = builder(&store, &hands, config).start().await.unwrap();
        Self { folder, events: jobs.events(), seen: Vec::new(), store, hands, jobs }
    }

    /// The same files after an orderly end.
    pub(crate) async fn restart(self) -> Self {
        self.jobs.stop(Duration::from_millis(50)).await;
        self.store.close().await;
        Self::open(self.folder, self.hands, config()).await
    }

    /// The same files after the end of the process: nothing is acknowledged any more.
    pub(crate) async fn crash(self) -> Self {
        self.store.close().await;
        drop(self.jobs);
        Self::open(self.folder, self.hands, config()).await
    }

    pub(crate) async fn add(&self, act: Act) -> JobId {
        self.added(job(act)).await.id
    }

    pub(crate) async fn added(&self, job: NewJob) -> Added {
        self.jobs.add(job).await.unwrap()
    }

    /// Waits until the job comes into this state, once more if that was waited for before.
    pub(crate) async fn until(&mut self, id: JobId, state: State) -> Event {
        let waited = async {
            loop {
                if let Some(at) = self.seen.iter().position(|event| event.id == id && event.state == state) {
                    return self.seen.remove(at);
                }
                self.seen.push(self.events.recv().await.unwrap());
            }
        };
        match tokio::time::timeout(Duration::from_secs(20), waited).await {
            Ok(event) => event,
            Err(_elapsed) => panic!("job {id} is {:?}, not {state}", self.jobs.job(id).await),
        }
    }

    pub(crate) fn pass(&self, span: Duration) {
        self.hands.wall_ms.fetch_add(span.as_millis() as i64, Ordering::SeqCst);
        self.jobs.wake();
    }

    pub(crate) async fn state(&self, id: JobId) -> State {
        self.jobs.job(id).await.unwrap().row.state
    }

    /// The outcomes of its attempts, the newest first.
    pub(crate) async fn outcomes(&self, id: JobId) -> Vec<String> {
        self.jobs.job(id).await.unwrap().timeline.into_iter().map(|attempt| attempt.outcome).collect()
    }

    pub(crate) async fn counts_are_true(&self) {
        counts_are_true(&self.store).await;
    }
}

/// The numbers kept beside the jobs are those of the jobs.
pub(crate) async fn counts_are_true(store: &Store) {
    let differ = |db: &store::rusqlite::Connection| {
        let mut select = db.prepare(
            "SELECT queue, state, priority, real.jobs, kept.jobs
             FROM (SELECT queue, state, priority, count(*) AS jobs FROM job GROUP BY 1, 2, 3) AS real
             FULL JOIN (SELECT * FROM job_count WHERE jobs <> 0) AS kept USING (queue, state, priority)
             WHERE real.jobs IS NOT kept.jobs",
        )?;
        let rows = select.query_map([], |row| {
            let cell: (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((cell, row.get(3)?, row.get(4)?))
        })?;
        Ok(rows.collect::<Result<Vec<((String, i64, i64), Option<i64>, Option<i64>)>, _>>()?)
    };
    let differ = store.read("test.differ", differ).await.unwrap();
    assert_eq!(differ, [], "where the numbers differ: of the jobs, and as kept");
}

pub(crate) fn builder(store: &Store, hands: &Arc<Hands>, config: Config) -> Builder {
    let clock = Arc::clone(hands);
    let clock = Clock::from_fn(move || clock.wall_ms.load(Ordering::SeqCst));
    Jobs::builder(store.clone(), config, clock).register(Actor(Arc::clone(hands)))
}

pub(crate) fn job(act: Act) -> NewJob {
    named(act, "job")
}

pub(crate) fn named(act: Act, name: &str) -> NewJob {
    NewJob::of::<Actor>(&Payload { act, name: name.to_owned() })
}
