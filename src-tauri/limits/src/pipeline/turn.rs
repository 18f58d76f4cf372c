use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::lease::Lease;
use super::refusal::Refusal;
use super::shared::Shared;
use super::state::Grant;
use crate::{Place, Priority};

/// No caller waits longer, whatever it asks: a bound that also keeps `Instant` from overflowing.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 86_400);

impl Shared {
    /// Passes the gate, the breaker and the queue, and records the call; `patience` shrinks by the wait.
    pub(super) async fn enter(
        shared: &Arc<Self>,
        priority: Priority,
        patience: &mut Duration,
    ) -> Result<Lease, Refusal> {
        let began = shared.clock.now().instant;
        let deadline = began + (*patience).min(LONGEST_WAIT);
        let lease = loop {
            if !(shared.gate)(priority) {
                return Err(Refusal::Shed(priority));
            }
            let mut lease = Lease::new(shared, shared.turn(priority, began, deadline).await?);
            // Between the turn and the end of the journal's write the service can ask for silence or the
            // pipeline stop: then the call goes back to its place in the line.
            let Some(recorded) = shared.unless_cut(lease.record()).await else {
                return Err(Refusal::Closed);
            };
            if recorded? {
                break lease;
            }
        };
        let waited = shared.clock.now().instant.saturating_duration_since(began);
        *patience = patience.saturating_sub(waited);
        Ok(lease)
    }

    async fn turn(&self, priority: Priority, came: Instant, deadline: Instant) -> Result<Grant, Refusal> {
        let queued = self.queue(priority, came)?;
        loop {
            let look_again = match self.look(&queued, deadline)? {
                Ok(grant) => return Ok(grant),
                Err(at) => at,
            };
            tokio::select! {
                () = sleep_until(look_again.into()) => {}
                () = queued.woken.notified() => {}
            }
        }
    }

    fn queue(&self, priority: Priority, came: Instant) -> Result<Queued<'_>, Refusal> {
        let woken = Arc::new(Notify::new());
        let mut state = self.state();
        if let Some(refusal) = state.refusal(self.clock.now()) {
            return Err(refusal);
        }
        let joined = state.line.join(came, priority, Arc::clone(&woken));
        let joined = joined.map_err(|crate::Full| Refusal::QueueFull(self.config.queue))?;
        if let Some(put_out) = joined.put_out {
            // Its owner finds its place gone and reports a full queue.
            put_out.notify_one();
        }
        Ok(Queued { shared: self, place: joined.place, woken })
    }

    /// One look at the state by a waiter: in, out, or when to look again at the latest.
    fn look(&self, queued: &Queued<'_>, deadline: Instant) -> Result<Result<Grant, Instant>, Refusal> {
        let mut state = self.state();
        let now = self.clock.now();
        if let Some(refusal) = state.refusal(now) {
            return Err(refusal);
        }
        if !state.line.holds(queued.place) {
            return Err(Refusal::QueueFull(self.config.queue));
        }
        let is_head = state.line.head().is_some_and(|(head, _)| head == queued.place);
        let mut look_again = deadline;
        if is_head {
            match state.admit(now) {
                Ok(grant) => return Ok(Ok(grant)),
                Err(at) => look_again = at.map_or(deadline, |at| at.min(deadline)),
            }
        }
        if now.instant >= deadline || state.not_before(now.instant) > deadline {
            return Err(state.limited(Some(queued.place), now));
        }
        Ok(Err(look_again))
    }

    /// The refusal for a call that was told to slow down and has no attempt left.
    pub(super) fn limited(&self) -> Refusal {
        let now = self.clock.now();
        self.state().limited(None, now)
    }
}

/// A place in the line, given up on drop, with or without a grant.
struct Queued<'a> {
    shared: &'a Shared,
    place: Place,
    woken: Arc<Notify>,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.line.leave(self.place);
        // This one may have been woken as the head and not have looked: the wake-up must not be lost.
        state.wake_head();
    }
}
