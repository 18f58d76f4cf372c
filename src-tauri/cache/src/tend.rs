//! The upkeep: one round a second in which the cache looks after its levels and its marks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crate::core::Core;
use crate::distrust::Behind;
use crate::hot::HotKey;
use crate::marks::Scope;
use crate::tier::Tier;
use crate::{Level, hot};

const ROUND: Duration = Duration::from_secs(1);
/// Rounds between two writes of the hot keys, between two halvings of them, and between two folds of marks.
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// What the upkeep remembers from round to round.
#[derive(Default)]
pub(crate) struct Rounds {
    count: AtomicU64,
    ended: AtomicBool,
    /// The hot keys as they were last written, so that a quiet cache writes nothing.
    hot_written: Mutex<Vec<HotKey>>,
}

impl Rounds {
    /// Ends the upkeep; says whether this call did.
    pub(crate) fn end(&self) -> bool {
        !self.ended.swap(true, Ordering::SeqCst)
    }
}

impl Core {
    /// Starts the upkeep. It ends when the cache is closed or the last handle of it is dropped.
    pub(crate) fn tend_in_background(self: &Arc<Self>) {
        let (core, closing): (Weak<Self>, _) = (Arc::downgrade(self), self.flights.closing.clone());
        self.flights.tasks.spawn(async move {
            let mut ticks = tokio::time::interval(ROUND);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            ticks.tick().await;
            loop {
                tokio::select! {
                    _ = ticks.tick() => {}
                    () = closing.cancelled() => return,
                }
                let Some(core) = core.upgrade() else { return };
                core.tend().await;
            }
        });
    }

    pub(crate) async fn tend(&self) {
        self.load.forget_if_silent(self.clock.now());
        futures::future::join_all(
            self.lower.iter().map(|guard| guard.tend(|tier| self.admit(guard.level, tier))),
        )
        .await;
        self.write_backlog().await;
        self.settle_distrust().await;
        let round = self.rounds.count.fetch_add(1, Ordering::Relaxed) + 1;
        if round.is_multiple_of(MINUTE) {
            self.keep_hot_keys().await;
        }
        if round.is_multiple_of(HOUR) {
            self.hot.halve();
            self.fold_marks().await;
        }
        self.publisher.publish(&self.stats());
    }

    /// Takes in a level that could not be opened at the start. Where it holds stamps that are newer than any known
    /// here, the marks set meanwhile say nothing of them, so they are not trusted.
    fn admit(&self, level: Level, tier: &dyn Tier) {
        let newest = tier.newest_stamp();
        if newest > self.marks.newest() {
            self.mark_at(Scope::Level, level.name(), newest);
        }
    }

    /// Writes the marks that are not durable yet, and those of levels that had to forget what they missed.
    pub(crate) async fn write_backlog(&self) {
        for guard in &self.lower {
            if let Some(stamp) = guard.take_new_floor() {
                self.mark_at(Scope::Level, guard.level.name(), stamp);
            }
        }
        let rows = self.backlog.rows();
        if !rows.is_empty()
            && let Err(error) = self.write_marks(rows).await
        {
            tracing::debug!(%error, "marks of the cache wait for the database");
        }
    }

    /// Notes for the next process which levels are behind now.
    pub(crate) async fn settle_distrust(&self) {
        for (what, level) in [(Behind::FILES, Level::Files), (Behind::DATABASE, Level::Database)] {
            let guard = self.guard(level).cloned();
            if guard.as_ref().is_some_and(|guard| guard.has_failed_writes()) {
                self.note_behind(what).await;
            } else if guard.as_ref().is_none_or(|guard| guard.tier().is_some()) {
                let backlog = Arc::clone(&self.backlog);
                let caught_up = move || {
                    backlog.is_empty() && guard.as_ref().is_none_or(|guard| !guard.has_failed_writes())
                };
                self.distrust.lower(what, caught_up).await;
            }
        }
        let backlog = Arc::clone(&self.backlog);
        self.distrust.lower(Behind::MARKS, move || backlog.is_empty()).await;
    }

    pub(crate) async fn keep_hot_keys(&self) {
        let hot = self.hot.top(hot::LISTED);
        if *self.hot_written() == hot {
            return;
        }
        match self.journal.set_hot(hot.clone()).await {
            Ok(()) => *self.hot_written() = hot,
            Err(error) => tracing::debug!(%error, "the hot keys of the cache could not be kept"),
        }
    }

    fn hot_written(&self) -> std::sync::MutexGuard<'_, Vec<HotKey>> {
        self.rounds.hot_written.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Frees marks that are older than any entry, or too many; what they covered is covered by one.
    pub(crate) async fn fold_marks(&self) {
        let useless = self.marks.useless_up_to();
        if useless <= self.marks.floor() {
            return;
        }
        match self.journal.fold_marks(useless).await {
            Ok(()) => self.marks.fold_up_to(useless),
            Err(error) => tracing::debug!(%error, "old marks of the cache could not be dropped"),
        }
    }
}
