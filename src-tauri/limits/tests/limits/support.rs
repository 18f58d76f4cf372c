use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use eider_limits::{
    Attempt, Batch, CallError, Config, DrivenClock, Journal, JournalError, MonthCount, Pipeline, Priority,
    Recorded,
};
use tokio::time::Instant;

/// 2026-11-22 09:00:00 UTC.
pub(crate) const START_MS: i64 = 1_795_338_000_000;

pub(crate) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// What is on the disk; it survives the processes that use it.
#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) calls: BTreeMap<i64, (i64, Option<i64>)>,
    pub(crate) month: Option<MonthCount>,
    pub(crate) hold_until_ms: Option<i64>,
}

/// A journal over a [`Disk`] that can fail, hang, or die with its process.
#[derive(Default, Clone)]
pub(crate) struct MemoryJournal {
    pub(crate) disk: Arc<Mutex<Disk>>,
    pub(crate) failing: Arc<AtomicBool>,
    pub(crate) hanging: Arc<AtomicBool>,
    pub(crate) dead: Arc<AtomicBool>,
    pub(crate) ends_written: Arc<AtomicUsize>,
}

impl MemoryJournal {
    /// The same disk in a new process.
    pub(crate) fn next_process(&self) -> Self {
        self.dead.store(true, Ordering::SeqCst);
        Self { disk: Arc::clone(&self.disk), ..Self::default() }
    }

    async fn obey(&self) -> Result<(), JournalError> {
        if self.hanging.load(Ordering::SeqCst) || self.dead.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.failing.load(Ordering::SeqCst) {
            return Err(JournalError("the disk is full".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn load(&self) -> Result<Recorded, JournalError> {
        self.obey().await?;
        let disk = self.disk.lock().unwrap();
        let calls = disk.calls.iter().map(|(id, (_, end))| (*id, *end)).collect();
        Ok(Recorded { calls, month: disk.month, hold_until_ms: disk.hold_until_ms })
    }

    async fn write(&self, batch: Batch) -> Result<(), JournalError> {
        // A write takes a moment, in which everything else can happen.
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.obey().await?;
        let mut disk = self.disk.lock().unwrap();
        disk.calls.retain(|_, (_, end)| end.is_none_or(|end| end >= batch.forget_before_ms));
        for start in batch.started {
            disk.calls.entry(start.id).or_insert((start.at_ms, None));
        }
        self.ends_written.fetch_add(batch.finished.len(), Ordering::SeqCst);
        for end in batch.finished {
            if let Some((_, ended)) = disk.calls.get_mut(&end.id) {
                *ended = Some(end.at_ms);
            }
        }
        let newer = batch.month.into_iter().chain(disk.month).max_by_key(|count| (count.month, count.calls));
        disk.month = newer;
        disk.hold_until_ms = disk.hold_until_ms.max(batch.hold_until_ms);
        Ok(())
    }
}

/// A config without luck in it: no pause between attempts to speak of.
pub(crate) fn config(limit: u32) -> Config {
    let mut config = Config::new("service");
    config.limit = limit;
    config.backoff.base = Duration::from_millis(1);
    config.backoff.cap = Duration::from_millis(1);
    config
}

pub(crate) async fn open(config: Config, journal: &MemoryJournal) -> Pipeline {
    open_at(config, journal, START_MS).await
}

pub(crate) async fn open_at(config: Config, journal: &MemoryJournal, wall_ms: i64) -> Pipeline {
    let clock = Arc::new(DrivenClock::starting_at(wall_ms));
    Pipeline::open_with_clock(config, Arc::new(journal.clone()), |_| true, clock).await.unwrap()
}

pub(crate) type Answer = Attempt<u32, String>;
pub(crate) type Outcome = Result<u32, CallError<String>>;

/// The simulated server: when it saw each call.
#[derive(Clone, Default)]
pub(crate) struct Server {
    log: Arc<Mutex<Vec<Instant>>>,
}

impl Server {
    pub(crate) fn see(&self) {
        self.log.lock().unwrap().push(Instant::now());
    }

    pub(crate) fn seen(&self) -> Vec<Instant> {
        let mut log = self.log.lock().unwrap().clone();
        log.sort_unstable();
        log
    }

    /// A call that is answered at once, with what `answer` makes.
    pub(crate) async fn call(
        &self,
        pipeline: &Pipeline,
        priority: Priority,
        wait_at_most: Duration,
        answer: impl Fn() -> Answer,
    ) -> Outcome {
        let attempt = || {
            self.see();
            let answer = answer();
            async move { answer }
        };
        pipeline.call(priority, wait_at_most, attempt).await
    }

    /// A good call of normal priority.
    pub(crate) async fn ok(&self, pipeline: &Pipeline, wait_at_most: Duration) -> Outcome {
        self.call(pipeline, Priority::Normal, wait_at_most, || Attempt::Done(1)).await
    }
}

/// The most entries of a sorted log in any half-open span of 60 s.
pub(crate) fn most_in_a_minute(log: &[std::time::Instant]) -> usize {
    let counts = log.iter().enumerate().map(|(first, from)| {
        log[first..].partition_point(|at| at.duration_since(*from) < Duration::from_secs(60))
    });
    counts.max().unwrap_or(0)
}
