//! What all regions share, and the calls on it that more than one of them needs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::areas::{Area, Areas};
use crate::backlog::Backlog;
use crate::distrust::{Behind, Distrust};
use crate::flight::Flights;
use crate::guard::Guard;
use crate::hot::HotKeys;
use crate::journal::{Journal, MarkRow};
use crate::latency::{Latency, LatencyStats};
use crate::load::LoadGauge;
use crate::marks::{Marks, Scope};
use crate::memory::Memory;
use crate::publish::Publisher;
use crate::setback::Setbacks;
use crate::stats::{LevelHealth, LevelReport, LevelState, Stats};
use crate::tend::Rounds;
use crate::{CacheError, Clock, Level};

pub(crate) struct Core {
    pub(crate) memory: Memory,
    /// The levels below memory, fastest first.
    pub(crate) lower: Vec<Arc<Guard>>,
    pub(crate) marks: Marks,
    pub(crate) areas: Areas,
    pub(crate) flights: Arc<Flights>,
    pub(crate) setbacks: Setbacks,
    pub(crate) load: LoadGauge,
    pub(crate) hot: HotKeys,
    pub(crate) journal: Journal,
    pub(crate) backlog: Arc<Backlog>,
    pub(crate) distrust: Arc<Distrust>,
    /// A turn for each copy to L2 that may be under way.
    pub(crate) copies: Arc<Semaphore>,
    pub(crate) computations: Latency,
    pub(crate) clock: Clock,
    pub(crate) opened_at_ms: i64,
    /// The longest that a read may spend in all lower levels together.
    pub(crate) time_budget: Duration,
    pub(crate) publisher: Publisher,
    pub(crate) rounds: Rounds,
}

/// How long a mark may take to become durable before its caller is told that it is not yet.
const MARK_BUDGET: Duration = Duration::from_secs(2);

impl Core {
    pub(crate) fn guard(&self, level: Level) -> Option<&Arc<Guard>> {
        self.lower.iter().find(|guard| guard.level == level)
    }

    pub(crate) fn next_stamp(&self) -> u64 {
        self.marks.next_stamp(self.clock.now().wall_ms)
    }

    /// Sets a mark that holds from now on, and is durable when this returns `Ok`.
    pub(crate) async fn mark(&self, scope: Scope, name: &str) -> Result<u64, CacheError> {
        let stamp = self.next_stamp();
        self.mark_at(scope, name, stamp);
        self.write_marks(vec![MarkRow { scope, name: Arc::from(name), stamp }]).await?;
        Ok(stamp)
    }

    /// Sets a mark that holds from now on, and leaves it to the upkeep to make it durable.
    pub(crate) fn mark_at(&self, scope: Scope, name: &str, stamp: u64) {
        self.marks.set(scope, name, stamp);
        if scope == Scope::Level
            && let Some(guard) = self.lower.iter().find(|guard| guard.level.name() == name)
        {
            guard.distrust_up_to(stamp);
        }
        if let Some(all) = self.backlog.add(&MarkRow { scope, name: Arc::from(name), stamp }) {
            self.marks.set(Scope::All, "", all);
        }
    }

    /// Writes marks that stand in the backlog; where that fails they stay there.
    pub(crate) async fn write_marks(&self, rows: Vec<MarkRow>) -> Result<(), CacheError> {
        let passed_over = self.guard(Level::Database).is_some_and(|guard| guard.is_passed_over());
        let error = if passed_over {
            "the database is passed over".to_owned()
        } else {
            match tokio::time::timeout(MARK_BUDGET, self.journal.set_marks(rows.clone())).await {
                Ok(Ok(())) => {
                    self.backlog.done(&rows);
                    return Ok(());
                }
                Ok(Err(error)) => error.to_string(),
                Err(_elapsed) => format!("the database gave no answer within {} s", MARK_BUDGET.as_secs()),
            }
        };
        self.note_behind(Behind::MARKS).await;
        Err(CacheError::NotDurable(error))
    }

    /// Notes durably what is behind, unless the disk takes too long even for that.
    pub(crate) async fn note_behind(&self, what: Behind) {
        let _ = tokio::time::timeout(self.time_budget, self.distrust.raise(what)).await;
    }

    /// Lets the levels free the room of a region whose mark was set, in the background.
    pub(crate) fn sweep(&self, area: &Area, stamp: u64) {
        for guard in &self.lower {
            let (guard, region) = (Arc::clone(guard), Arc::clone(&area.name));
            self.flights.tasks.spawn(async move {
                let Some(tier) = guard.tier() else { return };
                if let Err(error) = tier.sweep_region(&region, stamp).await {
                    tracing::debug!(level = %guard.level, %error, "the room of a cleared region stays taken");
                }
            });
        }
        self.forget_region(area);
    }

    /// Lets go of what is known of a region's keys beside their values.
    pub(crate) fn forget_region(&self, area: &Area) {
        self.hot.forget(&area.name);
    }

    pub(crate) fn reports(&self) -> Vec<LevelReport> {
        let memory = LevelReport {
            health: LevelHealth {
                level: Level::Memory,
                state: LevelState::Up,
                since_ms: self.opened_at_ms,
                last_error: None,
                bytes: self.memory.bytes(),
                bound: self.memory.bound(),
                waiting: 0,
                retry_after_ms: None,
            },
            entries: Some(self.memory.entries()),
            evictions: Some(self.memory.evictions()),
            reads: self.memory.hits.read(),
            writes: LatencyStats::default(),
        };
        std::iter::once(memory).chain(self.lower.iter().map(|guard| guard.report())).collect()
    }

    pub(crate) fn stats(&self) -> Stats {
        let read = |area: Arc<Area>| {
            let mut stats = area.counters.read();
            stats.memory_bytes = area.bytes();
            (area.name.to_string(), stats)
        };
        let bytes = |level| self.guard(level).map_or(0, |guard| guard.bytes());
        Stats {
            regions: self.areas.all().into_iter().map(read).collect::<BTreeMap<_, _>>(),
            levels: self.reports(),
            computations: self.computations.read(),
            ttl: self.load.read(),
            memory_bytes: self.memory.bytes(),
            files_bytes: bytes(Level::Files),
            database_bytes: bytes(Level::Database),
            memory_evictions: self.memory.evictions(),
        }
    }

    pub(crate) async fn close(&self) {
        self.flights.close().await;
        if self.rounds.end() {
            self.keep_hot_keys().await;
            self.write_backlog().await;
            self.settle_distrust().await;
            for guard in &self.lower {
                guard.close().await;
            }
        }
    }
}
