//! The end of a pipeline: let nobody in, wait a little for the calls in flight, drop the rest, record their
//! ends.

use std::time::Duration;

use tokio::time::timeout;

use super::shared::Shared;

/// What a call in flight is given to end by itself. Most answers take less, and whoever quits a program does
/// not wait much longer.
const GRACE: Duration = Duration::from_secs(1);

/// What callers are given to drop theirs after that. All are woken at once, so that only one whose future
/// nobody polls uses it up.
const DROPPING: Duration = Duration::from_secs(1);

/// How far a stop has come; it never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Open,
    /// Nobody is let in, and those in flight may still end.
    Closing,
    /// Those in flight are dropped by their callers.
    Cut,
}

impl Shared {
    pub(super) async fn stop(&self) {
        let mut waited = self.stopping.lock().await;
        if !*waited {
            {
                let mut state = self.state();
                state.stopped = true;
                state.wake_all();
            }
            // A stop that was given up may have come further.
            self.stage.send_modify(|stage| *stage = Stage::Closing.max(*stage));
            self.end_calls().await;
            *waited = true;
        }
        self.save_ends().await;
    }

    async fn end_calls(&self) {
        if timeout(GRACE, self.quiet()).await.is_ok() {
            return;
        }
        let (service, running) = (&self.config.service, self.state().running);
        tracing::warn!(service, running, "calls without an answer are dropped at the stop");
        self.stage.send_replace(Stage::Cut);
        if timeout(DROPPING, self.quiet()).await.is_err() {
            let running = self.state().running;
            tracing::warn!(service, running, "calls that nobody polls were still in flight after the stop");
        }
    }

    /// Does one step of a call; `None` where a stop had it dropped before its end.
    pub(super) async fn unless_cut<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        let mut stage = self.stage.subscribe();
        tokio::select! {
            // An answer that is there already is not thrown away.
            biased;
            done = step => Some(done),
            // Either the stage is reached or the sender is gone: both mean the end.
            _ = stage.wait_for(|stage| *stage == Stage::Cut) => None,
        }
    }

    /// Returns when no call is in flight.
    async fn quiet(&self) {
        loop {
            // Listen first, then look: else the last call could end in between.
            let told = self.idle.notified();
            if self.state().running == 0 {
                return;
            }
            told.await;
        }
    }
}
