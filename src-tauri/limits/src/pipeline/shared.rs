use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::state::State;
use super::stop::Stage;
use crate::{Clock, Config, Journal, Priority};

/// What the clones of a pipeline and the calls in it share.
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) gate: Box<dyn Fn(Priority) -> bool + Send + Sync>,
    /// Everything that decides. Held for a decision at a time, never across an `.await` or foreign code.
    pub(super) state: Mutex<State>,
    /// Told whenever no call is in flight; `stop` listens.
    pub(super) idle: Notify,
    /// How far `stop` has come; ends the pauses between attempts, and at last the attempts.
    pub(super) stage: watch::Sender<Stage>,
    /// Held while stopping, so that a second `stop` waits for the first; true once it has waited for the calls
    /// in flight.
    pub(super) stopping: tokio::sync::Mutex<bool>,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // The state stays consistent between statements, and foreign code never runs under the lock, so a
        // poisoned one is as good as any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
