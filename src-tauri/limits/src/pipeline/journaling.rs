use std::time::Duration;

use tokio::time::timeout;

use super::refusal::Refusal;
use super::shared::Shared;
use super::state::{Grant, State};
use crate::clock::millis;
use crate::{Batch, Finished, Journal, JournalError, MonthCount, Now, Recorded, Started};

/// A journal that takes longer counts as failed. The bound on a write is far above a slow disk's flush.
const WAIT: Duration = Duration::from_secs(5);

/// What the journal remembers, or `None` where it does not answer.
pub(super) async fn load(journal: &dyn Journal, service: &str) -> Option<Recorded> {
    match bounded(journal.load()).await {
        Ok(recorded) => Some(recorded),
        Err(error) => {
            tracing::warn!(service, %error, "earlier calls are unknown, so the window counts as full once");
            None
        }
    }
}

impl Shared {
    /// Makes the start of a call durable, and the ends that came before it.
    ///
    /// A failure refuses the call: one that is sent and not recorded could break the limit after a restart.
    pub(super) async fn save_start(&self, grant: &Grant, ends: &[Finished]) -> Result<(), Refusal> {
        let now = self.clock.now();
        let started = vec![Started { id: grant.id, at_ms: grant.at_ms }];
        let batch = Batch { started, finished: ends.to_vec(), ..self.state().batch(now) };
        bounded(self.journal.write(batch)).await.map_err(|error| {
            self.state().unrecorded += 1;
            Refusal::Unrecorded(error.to_string())
        })
    }

    /// Makes the hold durable at once: no later start would carry it before it ends.
    pub(super) async fn save_hold(&self) {
        let now = self.clock.now();
        let batch = self.state().batch(now);
        if let Err(error) = bounded(self.journal.write(batch)).await {
            tracing::warn!(service = self.config.service, %error, "a restart would forget the hold");
        }
    }

    /// Makes the ends durable that no start will carry any more.
    pub(super) async fn save_ends(&self) {
        let now = self.clock.now();
        let batch = {
            let mut state = self.state();
            let finished = state.take_ends();
            Batch { finished, ..state.batch(now) }
        };
        if batch.finished.is_empty() {
            return;
        }
        if let Err(error) = bounded(self.journal.write(batch)).await {
            tracing::warn!(service = self.config.service, %error, "ends were lost; the next start waits longer");
        }
    }
}

impl State {
    const ENDS_KEPT: usize = 1_024;

    /// Keeps ends for the next batch, the latest [`Self::ENDS_KEPT`] of them.
    ///
    /// There are more only while the journal fails. A lost end makes a call count from the next start: too
    /// careful, never too bold.
    pub(super) fn keep_ends(&mut self, ends: impl IntoIterator<Item = Finished>) {
        self.ends.extend(ends);
        let excess = self.ends.len().saturating_sub(Self::ENDS_KEPT);
        self.ends.drain(..excess);
    }

    /// Hands the ends over to a batch.
    pub(super) fn take_ends(&mut self) -> Vec<Finished> {
        std::mem::take(&mut self.ends)
    }

    /// A batch without starts and ends: what every batch carries.
    fn batch(&self, now: Now) -> Batch {
        let (month, calls) = self.budget.count();
        Batch {
            started: Vec::new(),
            finished: Vec::new(),
            month: Some(MonthCount { month, calls }),
            hold_until_ms: self.holding(now.instant).map(|until| now.wall_ms_at(until)),
            forget_before_ms: now.wall_ms.saturating_sub(millis(self.counted_for)),
        }
    }
}

async fn bounded<T>(io: impl Future<Output = Result<T, JournalError>>) -> Result<T, JournalError> {
    let late = || JournalError(format!("no answer from the journal within {} s", WAIT.as_secs()));
    timeout(WAIT, io).await.unwrap_or_else(|_| Err(late()))
}
