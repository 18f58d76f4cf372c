use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use cache::{Cache, Clock, Region};
use limits::{Attempt, Pipeline, Priority};
use store::rusqlite::Transaction;
use store::{Migrations, Store};
use tokio::sync::{Notify, watch};

use super::config::MarketConfig;
use super::queue::{Pending, UpdateQueue};
use super::watchlist::Watchlist;
use crate::history;
use crate::model::SeriesKey;
use crate::{Attribution, Currency, MarketError, Source, SourceError, TokenId};

/// The tables of this crate; apply them to the durable store.
pub const MIGRATIONS: Migrations =
    Migrations { owner: "market", steps: &[history::SCHEMA, include_str!("schema.sql")] };

/// How many old rows one write removes, so that no other write waits long for it.
const TRIM_STEP: usize = 1_000;

/// Market data: asks one source through one pipeline, keeps quotes in the cache and histories in the database.
///
/// Cloning it is cheap; clones are one. It starts no task: whoever owns it calls
/// [`process_queue`](Self::process_queue), [`warm_essential_cache`](Self::warm_essential_cache) and
/// [`trim_history`](Self::trim_history).
#[derive(Clone)]
pub struct Market {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) source: Arc<dyn Source>,
    /// The source's key, under which everything it tells is kept.
    pub(super) source_key: String,
    pub(super) pipeline: Pipeline,
    pub(super) store: Store,
    pub(super) config: MarketConfig,
    pub(super) clock: Clock,
    pub(super) cache: Cache,
    pub(super) prices: Region,
    pub(super) tables: Region,
    pub(super) tokens: Region,
    pub(super) charts: Region,
    /// Short state; never held across an await, as are the three below.
    currency: RwLock<Currency>,
    pub(super) names: RwLock<Watchlist>,
    queue: Mutex<UpdateQueue>,
    problem: Mutex<Option<MarketError>>,
    /// Makes changes of the watchlist one after the other; held across the write to the database.
    pub(super) watchlist_turn: tokio::sync::Mutex<()>,
    /// Counts changes; wakes whoever draws quotes or the watchlist.
    changes: watch::Sender<u64>,
    /// Counts calls that ended; wakes whoever waits for the price of a running id.
    pub(super) settled: watch::Sender<u64>,
    /// Told when something was put into the queue; wakes whoever drains it.
    work: Notify,
}

impl std::fmt::Debug for Market {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Market").field("source", &self.inner.source_key).finish_non_exhaustive()
    }
}

impl Market {
    /// Opens the market over a store that has [`MIGRATIONS`]; nothing is asked of the source yet.
    ///
    /// # Errors
    /// [`MarketError::Invalid`] names a value of the configuration; [`MarketError::Store`] where the watchlist
    /// cannot be read.
    pub async fn open(
        source: Arc<dyn Source>,
        pipeline: Pipeline,
        cache: &Cache,
        store: Store,
        config: MarketConfig,
        clock: Clock,
    ) -> Result<Self, MarketError> {
        config.validate()?;
        let names = Watchlist::load(&store).await?;
        let inner = Inner {
            source_key: source.key(),
            source,
            pipeline,
            cache: cache.clone(),
            prices: cache.region("prices")?,
            tables: cache.region("markets")?,
            tokens: cache.region("tokens")?,
            charts: cache.region("charts")?,
            currency: RwLock::new(config.currency.clone()),
            names: RwLock::new(names),
            queue: Mutex::new(UpdateQueue::new(config.queue)),
            problem: Mutex::new(None),
            watchlist_turn: tokio::sync::Mutex::new(()),
            changes: watch::Sender::new(0),
            settled: watch::Sender::new(0),
            work: Notify::new(),
            store,
            config,
            clock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The name of the source as a person knows it.
    pub fn source_name(&self) -> &'static str {
        self.inner.source.name()
    }

    /// The key of the source, under which everything that it tells is kept.
    pub fn source_key(&self) -> &str {
        &self.inner.source_key
    }

    /// What must stand beside the data.
    pub fn attribution(&self) -> Attribution {
        self.inner.source.attribution()
    }

    /// The pipeline that the calls pass, for its status and its switches.
    pub fn pipeline(&self) -> &Pipeline {
        &self.inner.pipeline
    }

    /// The currency that prices are refreshed in.
    pub fn currency(&self) -> Currency {
        self.inner.currency.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the currency and wishes for the watchlist in it; what is known in others stays.
    pub fn set_currency(&self, currency: Currency) {
        *self.inner.currency.write().unwrap_or_else(PoisonError::into_inner) = currency;
        self.queue(UpdateQueue::forget_unknown);
        self.schedule_watchlist(Priority::High);
        self.changed();
    }

    /// A counter that grows whenever quotes or the watchlist change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Why the last call to the source failed, until one succeeds.
    pub fn problem(&self) -> Option<MarketError> {
        self.inner.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many tokens wait for an update.
    pub fn pending(&self) -> Pending {
        let now_ms = self.now_ms();
        self.queue(|queue| queue.pending(now_ms))
    }

    /// When [`process_queue`](Self::process_queue) has something to do next, in Unix milliseconds; `None` where
    /// nothing waits.
    pub fn next_due_ms(&self) -> Option<i64> {
        self.queue(|queue| queue.next_due_ms())
    }

    /// Returns when something was put into the queue since the last return; for the one task that drains it.
    pub async fn work_arrived(&self) {
        self.inner.work.notified().await;
    }

    /// Whether the source answers at all.
    ///
    /// # Errors
    /// [`MarketError::Call`] tells why not.
    pub async fn ping(&self) -> Result<(), MarketError> {
        let source = &self.inner.source;
        self.call(Priority::Critical, self.inner.config.patience, || source.ping()).await
    }

    /// Removes what is older than its tier keeps, in small steps until nothing is left to remove; rows removed.
    ///
    /// Once an hour is plenty. A dropped future leaves the rest for the next time.
    ///
    /// # Errors
    /// [`MarketError::Store`]; what was removed stays removed.
    pub async fn trim_history(&self) -> Result<usize, MarketError> {
        let mut rows = 0;
        loop {
            let now_ms = self.now_ms();
            let step = move |tx: &Transaction<'_>| history::trim(tx, now_ms, TRIM_STEP);
            let trimmed = self.inner.store.write("market.trim", step).await?;
            rows += trimmed.rows;
            if !trimmed.more {
                return Ok(rows);
            }
        }
    }

    /// The only way out: every question to the source passes the pipeline here.
    pub(super) async fn call<T, F, Fut>(
        &self,
        priority: Priority,
        wait_at_most: Duration,
        attempt: F,
    ) -> Result<T, MarketError>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Attempt<T, SourceError>>,
    {
        let answer =
            self.inner.pipeline.call(priority, wait_at_most, attempt).await.map_err(MarketError::from);
        match &answer {
            Ok(_) => self.set_problem(None),
            // The source is well; it is the question that has no answer.
            Err(MarketError::UnknownToken { .. }) => {}
            // Nobody waits for these, and that they give way to others is as it should be.
            Err(error) if priority == Priority::Low && error.gave_way() => {}
            Err(error) => self.set_problem(Some(error.clone())),
        }
        answer
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.inner.clock.now().wall_ms
    }

    pub(super) fn series(&self, id: &TokenId, currency: &Currency) -> SeriesKey {
        SeriesKey { source: self.inner.source_key.clone(), token: id.clone(), currency: currency.clone() }
    }

    pub(super) fn queue<T>(&self, work: impl FnOnce(&mut UpdateQueue) -> T) -> T {
        // Every call on the queue leaves it whole, so a panic elsewhere spoils nothing here.
        work(&mut self.inner.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps why the last call failed. A call that we did not send ourselves tells nothing new of the source, so it
    /// does not hide why the source failed before.
    fn set_problem(&self, problem: Option<MarketError>) {
        let asked_for_silence = self.inner.pipeline.status().hold_until_ms.is_some();
        let tells_nothing = problem.as_ref().is_some_and(MarketError::is_not_sent) && !asked_for_silence;
        let mut held = self.inner.problem.lock().unwrap_or_else(PoisonError::into_inner);
        if !(tells_nothing && held.is_some()) {
            *held = problem;
        }
    }

    pub(super) fn changed(&self) {
        self.inner.changes.send_modify(|count| *count += 1);
    }

    pub(super) fn work_added(&self) {
        self.inner.work.notify_one();
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
