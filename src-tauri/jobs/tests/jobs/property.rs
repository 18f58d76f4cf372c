//! Whatever is done in whatever order, the processor comes to what the [model](crate::model) says.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eider_jobs::{
    Clock, Config, Defaults, Handler, Hold, JobId, Jobs, MIGRATIONS, NewJob, OnDuplicate, Outcome, Priority,
    QueueConfig, Running, State, Unique,
};
use proptest::prelude::*;
use store::{Durability, Store};
use tokio::sync::oneshot;

use crate::model::{End, Model};
use crate::support::{START_MS, counts_are_true};

#[derive(Debug, Clone)]
enum Op {
    Add { priority: usize, key: Option<(u8, OnDuplicate)>, delay_ms: i64, attempts: u32 },
    End(usize, End),
    Cancel(usize),
    Retry(usize),
    Pause(bool),
    Concurrency(usize),
    Pass(i64),
    Restart { crashes: bool },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    const DAY_MS: i64 = 24 * 3_600_000;
    let policy =
        prop_oneof![Just(OnDuplicate::Keep), Just(OnDuplicate::Replace), Just(OnDuplicate::RunOnceMore)];
    let wait_ms = || prop_oneof![Just(1_i64), 1..100_000_i64];
    let end = prop_oneof![
        4 => Just(End::Done),
        2 => wait_ms().prop_map(|after_ms| End::Retry { after_ms }),
        2 => wait_ms().prop_map(|for_ms| End::Snooze { for_ms }),
        1 => Just(End::Fail),
        1 => Just(End::Cancel),
    ];
    let add =
        (0..4_usize, proptest::option::of((0..3_u8, policy)), prop_oneof![Just(0), wait_ms()], 1..4_u32);
    let nth = || 0..1000_usize;
    let op = prop_oneof![
        10 => add.prop_map(|(priority, key, delay_ms, attempts)| Op::Add { priority, key, delay_ms, attempts }),
        8 => (nth(), end).prop_map(|(at, end)| Op::End(at, end)),
        2 => nth().prop_map(Op::Cancel),
        2 => nth().prop_map(Op::Retry),
        2 => any::<bool>().prop_map(Op::Pause),
        2 => (1..6_usize).prop_map(Op::Concurrency),
        3 => prop_oneof![4 => 1..200_000_i64, 1 => Just(DAY_MS), 1 => Just(-DAY_MS)].prop_map(Op::Pass),
        1 => any::<bool>().prop_map(|crashes| Op::Restart { crashes }),
    ];
    proptest::collection::vec(op, 1..60)
}

/// Ends each job as the test says.
#[derive(Default)]
struct Puppets {
    now_ms: AtomicI64,
    begun: Mutex<Vec<String>>,
    strings: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
}

struct Puppet(Arc<Puppets>);

impl Handler for Puppet {
    type Payload = String;
    const KIND: &'static str = "PUPPET";

    fn defaults(&self) -> Defaults {
        Defaults { timeout: Duration::from_secs(3600), ..Defaults::default() }
    }

    fn example(&self) -> String {
        String::new()
    }

    async fn run(&self, name: String, job: Running) -> Outcome {
        let (string, end) = oneshot::channel();
        self.0.strings.lock().unwrap().insert(name.clone(), string);
        self.0.begun.lock().unwrap().push(name);
        tokio::select! {
            end = end => end.unwrap_or(Outcome::Done),
            () = job.cancelled() => Outcome::Retry { error: "told to end".into(), after: None },
        }
    }
}

struct Stage {
    folder: tempfile::TempDir,
    puppets: Arc<Puppets>,
    store: Store,
    jobs: Jobs,
    model: Model,
    /// The latest time there was: the clock may have been set back since.
    latest_ms: i64,
}

/// Jobs that ended so long ago may be removed at any time.
const KEPT_MS: i64 = 3 * 24 * 3_600_000;

async fn open(folder: &std::path::Path, puppets: &Arc<Puppets>) -> (Store, Jobs) {
    let config = store::Config { durability: Durability::Normal, ..store::Config::default() };
    let store = Store::open(&folder.join("eider.db"), &[MIGRATIONS], config).unwrap().store;
    let clock = Arc::clone(puppets);
    let clock = Clock::from_fn(move || clock.now_ms.load(Ordering::SeqCst));
    let queue = QueueConfig { concurrency: 2, ..QueueConfig::new("normal") };
    let mut config = Config { queues: vec![queue], sole_owner: true, ..Config::default() };
    let kept = Duration::from_millis(KEPT_MS as u64);
    (config.retention.done, config.retention.failed, config.retention.cancelled) = (kept, kept, kept);
    let jobs = Jobs::builder(store.clone(), config, clock).register(Puppet(Arc::clone(puppets)));
    (store, jobs.start().await.unwrap())
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let puppets = Arc::new(Puppets { now_ms: AtomicI64::new(START_MS), ..Puppets::default() });
        let (store, jobs) = open(folder.path(), &puppets).await;
        Self { folder, puppets, store, jobs, model: Model::new(START_MS, 2), latest_ms: START_MS }
    }

    async fn act(&mut self, n: usize, op: &Op) {
        match op {
            Op::Add { priority, key, delay_ms, attempts } => {
                let name = format!("{n}");
                let mut job = NewJob::of::<Puppet>(&name)
                    .priority(Priority::ALL[*priority])
                    .attempts(*attempts)
                    .delay(Duration::from_millis(*delay_ms as u64));
                if let Some((key, policy)) = key {
                    let unique = Unique { policy: *policy, ..Unique::default() };
                    job = job.key(&format!("key {key}")).unique(unique);
                }
                let added = self.jobs.add(job).await.unwrap();
                let (at, existing) = self.model.add(&name, *priority, *key, *delay_ms, *attempts);
                assert_eq!((added.id, added.existing), (JobId(at as i64 + 1), existing), "{op:?}");
            }
            Op::End(nth, end) => {
                let running: Vec<usize> = self.model.running().collect();
                if running.is_empty() {
                    return;
                }
                let at = running[nth % running.len()];
                let string = self.puppets.strings.lock().unwrap().remove(&self.model.jobs[at].name).unwrap();
                string.send(outcome(*end)).unwrap();
                self.model.end(at, *end);
            }
            Op::Cancel(nth) | Op::Retry(nth) if !self.model.jobs.is_empty() => {
                let at = nth % self.model.jobs.len();
                if self.may_be_gone(at) {
                    return;
                }
                let id = JobId(at as i64 + 1);
                let (allowed, done) = if matches!(op, Op::Cancel(_)) {
                    (self.model.cancel(at), self.jobs.cancel(id).await)
                } else {
                    (self.model.retry(at), self.jobs.retry(id).await)
                };
                assert_eq!(done.is_ok(), allowed, "{op:?} of {id}: {done:?}");
            }
            Op::Cancel(_) | Op::Retry(_) => {}
            Op::Pause(paused) => {
                self.model.paused = *paused;
                let set =
                    if *paused { self.jobs.pause("normal").await } else { self.jobs.resume("normal").await };
                set.unwrap();
            }
            Op::Concurrency(places) => {
                self.model.concurrency = *places;
                self.jobs.set_concurrency("normal", *places as u32).await.unwrap();
            }
            Op::Pass(ms) => {
                self.model.now_ms += ms;
                self.latest_ms = self.latest_ms.max(self.model.now_ms);
                self.puppets.now_ms.store(self.model.now_ms, Ordering::SeqCst);
                self.jobs.wake();
            }
            Op::Restart { crashes } => {
                if !crashes {
                    self.jobs.stop(Duration::ZERO).await;
                }
                self.store.close().await;
                self.puppets.strings.lock().unwrap().clear();
                (self.store, self.jobs) = open(self.folder.path(), &self.puppets).await;
                self.model.restart(*crashes);
            }
        }
        self.model.turn();
    }

    fn may_be_gone(&self, at: usize) -> bool {
        let job = &self.model.jobs[at];
        !job.state.is_open() && job.ended_at_ms < self.latest_ms - KEPT_MS
    }

    /// Waits until the processor came to what the model says.
    async fn settles(&self, after: &Op) {
        let expected: Vec<(i64, i64, u32, u32, i64)> = (0..self.model.jobs.len())
            .filter(|at| !self.may_be_gone(*at))
            .map(|at| {
                let job = &self.model.jobs[at];
                (at as i64 + 1, job.state as i64, job.attempt, job.attempts, job.run_at_ms)
            })
            .collect();
        let known: Vec<i64> = expected.iter().map(|(id, ..)| *id).collect();
        let waited = async {
            loop {
                let actual = self.rows(known.clone()).await;
                let begun = self.puppets.begun.lock().unwrap().clone();
                if actual == expected && begun == self.model.begun {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(5), waited).await.is_err() {
            let begun = self.puppets.begun.lock().unwrap().clone();
            panic!(
                "after {after:?}:\nexpected {expected:?}\nfound    {:?}\nexpected {:?}\nbegun    {begun:?}",
                self.rows(known).await,
                self.model.begun
            );
        }
    }

    async fn rows(&self, known: Vec<i64>) -> Vec<(i64, i64, u32, u32, i64)> {
        let read = move |db: &store::rusqlite::Connection| {
            let mut select = db.prepare(
                "SELECT id, state, attempt, attempts, run_at_ms, ended_at_ms FROM job ORDER BY id",
            )?;
            let rows = select
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?;
            Ok(rows.collect::<Result<Vec<(i64, i64, u32, u32, i64)>, _>>()?)
        };
        let mut rows = self.store.read("test.rows", read).await.unwrap();
        rows.retain(|(id, state, ..)| known.contains(id) || State::ALL[*state as usize].is_open());
        rows
    }

    async fn counts_are_true(&self) {
        let counts = self.jobs.queues().await.unwrap()[0].counts;
        for state in State::ALL {
            let of_state = |priority: usize| {
                let is = |at: &usize| {
                    let job = &self.model.jobs[*at];
                    job.state == state && job.priority == priority && !self.may_be_gone(*at)
                };
                (0..self.model.jobs.len()).filter(is).count() as u64
            };
            for priority in Priority::ALL {
                let counted = counts.at(state, priority);
                let least = of_state(priority as usize);
                assert!(counted >= least, "{state} {priority:?}: {counted} for {least}");
                assert!(!state.is_open() || counted == least, "{state} {priority:?}: {counted} for {least}");
            }
        }
        counts_are_true(&self.store).await;
    }
}

fn outcome(end: End) -> Outcome {
    let ms = |ms: i64| Duration::from_millis(ms as u64);
    match end {
        End::Done => Outcome::Done,
        End::Retry { after_ms } => Outcome::Retry { error: "not yet".into(), after: Some(ms(after_ms)) },
        End::Snooze { for_ms } => Outcome::Snooze { for_: ms(for_ms), because: Hold::Load },
        End::Fail => Outcome::Fail { error: "never".into() },
        End::Cancel => Outcome::Cancel { because: "unwanted".into() },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_events_comes_to_what_the_rules_say(ops in ops()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut stage = Stage::new().await;
            for (n, op) in ops.iter().enumerate() {
                stage.act(n, op).await;
                stage.settles(op).await;
            }
            stage.counts_are_true().await;
            stage.jobs.stop(Duration::ZERO).await;
            stage.store.close().await;
        });
    }
}
