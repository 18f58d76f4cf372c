use std::sync::Arc;
use std::time::{Duration, Instant};

use super::refusal::Refusal;
use super::shared::Shared;
use super::state::{Grant, State};
use crate::backoff::jitter;
use crate::{BreakerState, Config, Finished, Now, Outcome, RetryAfter};

/// What one attempt holds: a slot, a place among the running, a permit of the breaker. Given back exactly
/// once, at the latest when dropped.
pub(super) struct Lease {
    shared: Arc<Shared>,
    grant: Option<Grant>,
    /// When the attempt was let go; `None` while it is only being recorded.
    sent: Option<Instant>,
    /// Ends on their way to the journal with this call's start; they return to the state if it fails.
    carried: Vec<Finished>,
}

/// How an attempt came out, without the caller's types.
#[derive(Debug)]
pub(super) enum Verdict {
    Answered,
    Refused(String),
    Failed(String),
    NotSent(String),
    TimedOut,
    Limited { after: Option<RetryAfter>, error: String },
    Dropped,
}

impl Lease {
    pub(super) fn new(shared: &Arc<Shared>, grant: Grant) -> Self {
        let carried = shared.state().take_ends();
        Self { shared: Arc::clone(shared), grant: Some(grant), sent: None, carried }
    }

    /// Makes the call durable and lets it go; `false` where it must not be sent any more.
    pub(super) async fn record(&mut self) -> Result<bool, Refusal> {
        let Some(grant) = &self.grant else { return Ok(false) };
        self.shared.save_start(grant, &self.carried).await?;
        self.carried.clear();
        let now = self.shared.clock.now();
        let state = self.shared.state();
        let may_go = !state.stopped && state.holding(now.instant).is_none();
        drop(state);
        self.sent = may_go.then_some(now.instant);
        Ok(may_go)
    }

    pub(super) fn settle(mut self, verdict: Verdict) {
        self.give_back(verdict);
    }

    fn give_back(&mut self, verdict: Verdict) {
        let Some(grant) = self.grant.take() else { return };
        let mut state = self.shared.state();
        let now = self.shared.clock.now();
        state.keep_ends(self.carried.drain(..));
        // Also for a call that was recorded and not sent: else it would count at the next start.
        // One that never reached the service ended long ago, so that it counts in no window after a restart.
        let at_ms = if matches!(verdict, Verdict::NotSent(_)) { 0 } else { now.wall_ms };
        state.keep_ends([Finished { id: grant.id, at_ms }]);
        state.running -= 1;
        if state.running == 0 {
            self.shared.idle.notify_waiters();
        }
        match self.sent {
            Some(sent) => {
                let news = state.conclude(grant, sent, verdict, now, &self.shared.config);
                if news.is_empty() {
                    state.wake_head()
                } else {
                    state.wake_all()
                }
                drop(state);
                news.log(&self.shared.config.service);
            }
            None => {
                state.window.cancel(grant.slot);
                state.budget.give_back();
                state.breaker.report(grant.permit, Outcome::Ignored, Duration::ZERO, now.instant);
                state.wake_head();
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.give_back(Verdict::Dropped);
    }
}

/// What an attempt changed for everybody who waits. Logged after the lock is released: a subscriber is
/// foreign code, which may ask for the status.
#[derive(Debug, Default)]
struct News {
    /// The breaker's new state by name, and how long it lasts at least, where that is known.
    breaker: Option<(&'static str, Option<Duration>)>,
    /// How long the service asked for silence, and the calls allowed after it.
    silence: Option<(Duration, u32)>,
}

impl News {
    fn is_empty(&self) -> bool {
        self.breaker.is_none() && self.silence.is_none()
    }

    fn log(&self, service: &str) {
        if let Some((state, wait)) = self.breaker {
            let wait = wait.map(tracing::field::debug);
            tracing::warn!(service, state, wait, "the breaker changed");
        }
        if let Some((wait, allowed)) = self.silence {
            tracing::warn!(service, ?wait, allowed, "the service asks for fewer calls");
        }
    }
}

impl State {
    /// Draws the conclusions from an attempt.
    fn conclude(&mut self, grant: Grant, sent: Instant, verdict: Verdict, now: Now, config: &Config) -> News {
        let took = now.instant.saturating_duration_since(sent);
        let unsent = matches!(verdict, Verdict::NotSent(_));
        if unsent {
            self.window.cancel(grant.slot);
            self.budget.give_back();
        } else {
            self.window.finish(grant.slot, now.instant);
            self.calls += 1;
        }
        let (outcome, error, limited) = match verdict {
            Verdict::Answered => (Outcome::Success, None, None),
            Verdict::Refused(error) => (Outcome::Success, Some(error), None),
            Verdict::Failed(error) | Verdict::NotSent(error) => (Outcome::Failure, Some(error), None),
            Verdict::TimedOut => (Outcome::Failure, Some(format!("no answer within {took:?}")), None),
            Verdict::Limited { after, error } => (Outcome::Ignored, Some(error), Some(after)),
            Verdict::Dropped => {
                self.breaker.report(grant.permit, Outcome::Ignored, took, now.instant);
                return News::default();
            }
        };
        self.latency.record(took);
        match error {
            Some(error) => {
                self.errors += 1;
                self.last_error = Some((error, now.wall_ms));
            }
            None => {
                self.limited_in_a_row = 0;
                self.last_success_ms = Some(now.wall_ms);
            }
        }
        match outcome {
            Outcome::Success if took < config.breaker.slow_call => self.concurrency.succeeded(),
            _ if unsent => {}
            _ => self.concurrency.failed(sent, now.instant),
        }
        let changed = self.breaker.report(grant.permit, outcome, took, now.instant);
        let reason = match outcome {
            Outcome::Success => "it answers again",
            Outcome::Failure | Outcome::Ignored => self.last_error.as_ref().map_or("", |(error, _)| error),
        };
        self.chronicle.note(self.breaker.state(now.instant), reason, now);
        News {
            breaker: changed.then(|| in_words(self.breaker.state(now.instant), now)),
            silence: limited.map(|after| self.hold(after, sent, now, config)),
        }
    }

    /// Holds the whole service, and slows down; says how long it was asked to, and to what.
    fn hold(
        &mut self,
        after: Option<RetryAfter>,
        sent: Instant,
        now: Now,
        config: &Config,
    ) -> (Duration, u32) {
        self.limited_in_a_row = self.limited_in_a_row.saturating_add(1);
        let named = after.map(|after| after.wait(now.wall_ms, config.retry_after_cap));
        let wait = named.filter(|wait| !wait.is_zero()).unwrap_or_else(|| {
            // No time was named: from a twelfth of the window, doubling with each 429 up to a whole one.
            let doubling = 2_u32.checked_pow(self.limited_in_a_row - 1).unwrap_or(u32::MAX);
            (config.window / 12).saturating_mul(doubling).min(config.window)
        });
        // Only ever later than asked, so that many clients do not come back in the same instant.
        let until = now.instant + wait + jitter((wait / 10).min(Duration::from_secs(1)));
        let until = self.hold_until.map_or(until, |held| held.max(until));
        self.hold_until = Some(until);
        self.throttle.cut(now.instant, sent, until);
        (wait, self.throttle.allowed(now.instant))
    }
}

/// A state for the log, where the moment of a monotonic clock says nothing.
fn in_words(state: BreakerState, now: Now) -> (&'static str, Option<Duration>) {
    match state {
        BreakerState::Closed => ("closed", None),
        BreakerState::Open { until } => ("open", Some(until.saturating_duration_since(now.instant))),
        BreakerState::HalfOpen => ("half open", None),
        BreakerState::Isolated => ("isolated", None),
    }
}
