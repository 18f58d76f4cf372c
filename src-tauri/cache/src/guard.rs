//! What stands before each level below memory, so that no failure of it reaches a caller.
//!
//! A call to the level has a time budget. Failures in a row open a breaker, one for reads and one for writes;
//! the level is then passed over until a probe succeeds. Writes that it failed wait in the [`Overlay`], which
//! reads consult first, so a level that missed a write never shows what that write replaced.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::breaker::{Breaker, BreakerConfig};
use crate::entry::Record;
use crate::holdings::Holdings;
use crate::latency::Latency;
use crate::name::FullKey;
use crate::overlay::{Overlay, Room, Waiting};
use crate::stats::{LevelHealth, LevelReport, LevelState};
use crate::tier::{Tier, TierError};
use crate::{Clock, Level};

/// Opens the level, at the start or when it comes back.
pub(crate) type Opener = Box<dyn Fn() -> BoxFuture<'static, Result<Arc<dyn Tier>, TierError>> + Send + Sync>;

/// How a guard treats its level.
#[derive(Clone)]
pub(crate) struct Terms {
    pub(crate) bound: u64,
    pub(crate) budget: Duration,
    pub(crate) breaker: BreakerConfig,
    pub(crate) clock: Clock,
}

pub(crate) struct Guard {
    pub(crate) level: Level,
    open: Opener,
    /// Guards the level; `None` until it could be opened. Held for a clone of the pointer only.
    tier: RwLock<Option<Arc<dyn Tier>>>,
    reads: Breaker,
    writes: Breaker,
    overlay: Overlay,
    holdings: Holdings,
    /// Entries of this level up to this stamp are not to be trusted: it missed writes that are known no more.
    floor: AtomicU64,
    /// A floor that no mark says yet; zero where there is none.
    forgot: AtomicU64,
    terms: Terms,
    read_latency: Latency,
    write_latency: Latency,
    /// Guards what is told of the level; held for single changes.
    told: Mutex<Told>,
}

struct Told {
    state: LevelState,
    since_ms: i64,
    last_error: Option<String>,
}

/// What a look-up of a level came to.
pub(crate) enum Looked {
    Found(Record),
    Absent,
    Failed,
    /// The level was not asked.
    Bypassed,
}

/// The level could not take a write; it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotTaken(pub(crate) String);

impl Guard {
    pub(crate) fn new(level: Level, open: Opener, terms: Terms) -> Self {
        let since_ms = terms.clock.now().wall_ms;
        Self {
            level,
            open,
            tier: RwLock::new(None),
            reads: Breaker::new(terms.breaker),
            writes: Breaker::new(terms.breaker),
            overlay: Overlay::default(),
            holdings: Holdings::default(),
            floor: AtomicU64::new(0),
            forgot: AtomicU64::new(0),
            terms,
            read_latency: Latency::default(),
            write_latency: Latency::default(),
            told: Mutex::new(Told { state: LevelState::Up, since_ms, last_error: None }),
        }
    }

    /// Opens the level where it is not; returns it where it was opened by this call.
    ///
    /// Opening is not bound by the budget of a call: a level may have to read itself in. What fails trips the
    /// breakers.
    pub(crate) async fn open(&self) -> Option<Arc<dyn Tier>> {
        if self.tier().is_some() {
            return None;
        }
        match AssertUnwindSafe((self.open)()).catch_unwind().await {
            Ok(Ok(tier)) => {
                self.holdings.learn(tier.regions());
                *self.tier.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Arc::clone(&tier));
                Some(tier)
            }
            Ok(Err(error)) => {
                self.could_not_open(error.to_string());
                None
            }
            Err(_panic) => {
                self.could_not_open("opening it panicked".to_owned());
                None
            }
        }
    }

    fn could_not_open(&self, error: String) {
        let now = self.terms.clock.now().mono_ms;
        self.reads.trip(now);
        self.writes.trip(now);
        self.note(Some(error));
    }

    pub(crate) fn tier(&self) -> Option<Arc<dyn Tier>> {
        self.tier.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// The largest record that fits the level.
    pub(crate) fn takes(&self, record: &Record) -> bool {
        record.bytes() <= self.terms.bound
    }

    /// Entries up to this stamp are passed over from now on.
    pub(crate) fn distrust_up_to(&self, stamp: u64) {
        self.floor.fetch_max(stamp, Ordering::AcqRel);
    }

    fn floor(&self) -> u64 {
        self.floor.load(Ordering::Acquire)
    }

    /// The stamp up to which the level had to forget what it missed, once.
    pub(crate) fn take_new_floor(&self) -> Option<u64> {
        Some(self.forgot.swap(0, Ordering::AcqRel)).filter(|stamp| *stamp > 0)
    }

    /// Whether the level can hold anything of this region. Where not, it need not be told of a newer value.
    pub(crate) fn may_hold(&self, region: &str) -> bool {
        self.holdings.may_include(region)
    }

    pub(crate) fn is_passed_over(&self) -> bool {
        self.tier().is_none() || self.writes.is_open()
    }

    pub(crate) fn has_failed_writes(&self) -> bool {
        self.overlay.failed() > 0
    }

    /// Looks the key up, for at most `left`.
    pub(crate) async fn get(&self, key: &FullKey, left: Duration) -> Looked {
        if let Some(waiting) = self.overlay.get(key) {
            return waiting.record.map_or(Looked::Absent, Looked::Found);
        }
        let Some(tier) = self.tier().filter(|_| !self.reads.is_open()) else { return Looked::Bypassed };
        let budget = self.terms.budget.min(left);
        let started = Instant::now();
        let outcome = within(budget, tier.get(key)).await;
        self.read_latency.add(started.elapsed());
        match outcome {
            Ok(found) => {
                self.reads.succeeded();
                let found = found.filter(|record| record.meta.stamp > self.floor());
                // A write may have begun meanwhile; then what was read is older.
                let newer = self.overlay.get(key).map(|waiting| waiting.record);
                newer.unwrap_or(found).map_or(Looked::Absent, Looked::Found)
            }
            Err(error) => {
                // A call that was given less than its due proves nothing.
                if budget == self.terms.budget {
                    self.reads.failed(self.terms.clock.now().mono_ms);
                }
                self.note(Some(error));
                Looked::Failed
            }
        }
    }

    /// Tells that a write of this stamp is coming: until it is taken, older values are not shown.
    pub(crate) fn announce<'a>(&'a self, key: &'a FullKey, stamp: u64) -> Attempt<'a> {
        self.holdings.add(&key.region);
        self.overlay.begin(key, stamp);
        Attempt { guard: self, key, stamp, spare: None, taken: false }
    }

    /// Gives the level a copy of what a slower one holds. That it cannot take it is no loss, so nothing waits.
    pub(crate) async fn copy(&self, key: &FullKey, record: Record) {
        self.holdings.add(&key.region);
        if self.overlay.get(key).is_none()
            && let Some(tier) = self.tier().filter(|_| !self.writes.is_open())
        {
            let _ = self.timed_write(tier.put(key, record)).await;
        }
    }

    async fn timed_write(&self, write: impl Future<Output = Result<(), TierError>>) -> Result<(), String> {
        let started = Instant::now();
        let outcome = within(self.terms.budget, write).await;
        self.write_latency.add(started.elapsed());
        match &outcome {
            Ok(()) => self.writes.succeeded(),
            Err(error) => {
                self.writes.failed(self.terms.clock.now().mono_ms);
                self.note(Some(error.clone()));
            }
        }
        outcome
    }

    /// Opens the level if it is due, probes it where it is passed over, and replays what it failed, once a key.
    ///
    /// A level that is opened late is shown to `admit` before anybody reads it.
    pub(crate) async fn tend(&self, admit: impl FnOnce(&dyn Tier)) {
        let now = self.terms.clock.now().mono_ms;
        if self.tier().is_none() {
            if !self.reads.wants_probe(now) {
                return;
            }
            let Some(tier) = self.open().await else {
                self.reads.probe_failed(now);
                self.writes.probe_failed(now);
                return;
            };
            // Both breakers are open until the probes below, so nobody reads before it is admitted.
            admit(&*tier);
        }
        if self.reads.wants_probe(now) {
            self.probe_reads(now).await;
        }
        if self.writes.is_open() && !self.has_failed_writes() && self.writes.wants_probe(now) {
            self.writes.close();
        }
        if self.has_failed_writes() && (!self.writes.is_open() || self.writes.wants_probe(now)) {
            self.replay(now).await;
        }
        self.note(None);
    }

    async fn probe_reads(&self, now: u64) {
        // No region has this name, so the key can only be absent.
        let key = FullKey { region: Arc::from("?"), key: Arc::from("probe") };
        let Some(tier) = self.tier() else { return };
        match within(self.terms.budget, tier.get(&key)).await {
            Ok(_) => self.reads.close(),
            Err(error) => {
                self.reads.probe_failed(now);
                self.note(Some(error));
            }
        }
    }

    async fn replay(&self, now: u64) {
        let Some(tier) = self.tier() else { return };
        for (key, Waiting { stamp, record, .. }) in self.overlay.some_failed(REPLAYED_AT_ONCE) {
            let write = match record {
                Some(record) => tier.put(&key, record),
                None => tier.remove(&key, stamp, self.terms.clock.now().wall_ms),
            };
            if self.timed_write(write).await.is_err() {
                if self.writes.is_open() {
                    self.writes.probe_failed(now);
                }
                return;
            }
            self.writes.close();
            self.overlay.done(&key, stamp);
        }
    }

    pub(crate) async fn close(&self) {
        if let Some(tier) = self.tier() {
            let _ = within(CLOSING, async {
                tier.close().await;
                Ok(())
            })
            .await;
        }
    }

    /// Notes an error, and since when the level is in the state that it is in.
    fn note(&self, error: Option<String>) {
        let state = self.state();
        let mut told = self.told();
        if let Some(error) = error {
            if told.last_error.as_ref() != Some(&error) {
                tracing::warn!(level = %self.level, %error, "a cache level failed and is done without");
            }
            told.last_error = Some(error);
        }
        if told.state != state {
            tracing::info!(level = %self.level, ?state, "a cache level changed its state");
            (told.state, told.since_ms) = (state, self.terms.clock.now().wall_ms);
        }
    }

    fn state(&self) -> LevelState {
        if self.tier().is_none() || self.reads.is_open() {
            LevelState::Bypassed
        } else if self.writes.is_open() || self.has_failed_writes() {
            LevelState::Degraded
        } else {
            LevelState::Up
        }
    }

    pub(crate) fn health(&self) -> LevelHealth {
        self.note(None);
        let now = self.terms.clock.now().mono_ms;
        let told = self.told();
        LevelHealth {
            level: self.level,
            state: told.state,
            since_ms: told.since_ms,
            last_error: told.last_error.clone(),
            bytes: self.bytes(),
            bound: self.terms.bound,
            waiting: self.overlay.failed(),
            retry_after_ms: self.reads.retry_after_ms(now).or(self.writes.retry_after_ms(now)),
        }
    }

    pub(crate) fn report(&self) -> LevelReport {
        let tier = self.tier();
        LevelReport {
            health: self.health(),
            entries: tier.as_ref().and_then(|tier| tier.entries()),
            evictions: tier.as_ref().and_then(|tier| tier.evictions()),
            reads: self.read_latency.read(),
            writes: self.write_latency.read(),
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.tier().map_or(0, |tier| tier.bytes())
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A larger value is not kept for a replay: only that its key changed is.
const REPLAYED_MAX: usize = 64 << 10;
/// How many failed writes one round of upkeep replays.
const REPLAYED_AT_ONCE: usize = 512;
/// How long closing waits for a level.
const CLOSING: Duration = Duration::from_secs(10);

/// A write that was announced. However it ends but well, also by a dropped caller, it waits for a replay.
pub(crate) struct Attempt<'a> {
    guard: &'a Guard,
    key: &'a FullKey,
    stamp: u64,
    spare: Option<Record>,
    taken: bool,
}

impl Attempt<'_> {
    /// Writes the value.
    pub(crate) async fn put(mut self, record: Record) -> Result<(), NotTaken> {
        self.spare = (record.payload.len() <= REPLAYED_MAX).then(|| record.clone());
        let key = self.key;
        self.write(|tier| async move { tier.put(key, record).await }).await
    }

    /// Removes what is older than the stamp.
    pub(crate) async fn remove(self) -> Result<(), NotTaken> {
        let (key, stamp, now_ms) = (self.key, self.stamp, self.guard.terms.clock.now().wall_ms);
        self.write(|tier| async move { tier.remove(key, stamp, now_ms).await }).await
    }

    async fn write<Fut: Future<Output = Result<(), TierError>>>(
        mut self,
        write: impl FnOnce(Arc<dyn Tier>) -> Fut,
    ) -> Result<(), NotTaken> {
        let guard = self.guard;
        let Some(tier) = guard.tier().filter(|_| !guard.writes.is_open()) else {
            return Err(NotTaken(format!("{} is passed over", guard.level)));
        };
        guard.timed_write(write(tier)).await.map_err(NotTaken)?;
        self.taken = true;
        Ok(())
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.taken {
            self.guard.overlay.done(self.key, self.stamp);
        } else if let Room::Overflowed { up_to } =
            self.guard.overlay.fail(self.key, self.stamp, self.spare.take())
        {
            self.guard.distrust_up_to(up_to);
            self.guard.forgot.fetch_max(up_to, Ordering::AcqRel);
        }
    }
}

/// The outcome of a call that may take only so long; a panic is an error like any other.
async fn within<T>(budget: Duration, call: impl Future<Output = Result<T, TierError>>) -> Result<T, String> {
    match tokio::time::timeout(budget, AssertUnwindSafe(call).catch_unwind()).await {
        Ok(Ok(outcome)) => outcome.map_err(|error| error.to_string()),
        Ok(Err(_panic)) => Err("the call panicked".to_owned()),
        Err(_elapsed) => Err(format!("no answer within {} ms", budget.as_millis())),
    }
}
