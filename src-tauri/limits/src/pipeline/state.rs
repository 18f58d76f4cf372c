use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::chronicle::Chronicle;
use super::refusal::Refusal;
use crate::latency::Latency;
use crate::{
    Aimd, Breaker, Config, Finished, Line, MonthBudget, Now, Permit, Place, Recorded, RetryBudget, Slot,
    Throttle, Tripped, Window,
};

/// Everything that decides about calls, and nothing that waits. The caller holds the lock.
pub(super) struct State {
    pub(super) window: Window,
    pub(super) throttle: Throttle,
    pub(super) breaker: Breaker,
    pub(super) budget: MonthBudget,
    /// The waiting callers. Whoever changes what the head waits for wakes the head; whoever leaves as the
    /// head wakes the next.
    pub(super) line: Line<Arc<Notify>>,
    pub(super) hold_until: Option<Instant>,
    /// 429s since the last good answer.
    pub(super) limited_in_a_row: u32,
    pub(super) running: u32,
    pub(super) stopped: bool,
    /// Ends that are not durable yet; see [`State::keep_ends`].
    pub(super) ends: Vec<Finished>,
    pub(super) latency: Latency,
    pub(super) calls: u64,
    pub(super) errors: u64,
    pub(super) retries: u64,
    pub(super) retry_budget: RetryBudget,
    pub(super) chronicle: Chronicle,
    pub(super) unrecorded: u64,
    pub(super) last_error: Option<(String, i64)>,
    pub(super) last_success_ms: Option<i64>,
    pub(super) limit: u32,
    pub(super) counted_for: Duration,
    pub(super) concurrency: Aimd,
    next_id: i64,
}

/// What one attempt holds.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) slot: Slot,
    pub(super) permit: Permit,
    pub(super) id: i64,
    pub(super) at_ms: i64,
}

impl State {
    pub(super) fn new(config: &Config, recorded: Option<Recorded>, now: Now) -> Self {
        // The server measures its window with its own clock. Clocks under correction run up to 500 ppm off
        // (the kernel's limit, adjtimex(2)), on either side: a thousandth of the window covers both.
        let counted_for = config.window + config.window / 1_000;
        let mut state = Self {
            window: Window::new(config.limit, counted_for),
            throttle: Throttle::new(config.limit, config.window),
            breaker: Breaker::new(config.breaker.clone(), now.instant),
            budget: MonthBudget::new(config.month_budget, now.wall_ms, None),
            line: Line::new(config.queue, config.age_step),
            hold_until: None,
            limited_in_a_row: 0,
            running: 0,
            stopped: false,
            ends: Vec::new(),
            latency: Latency::default(),
            calls: 0,
            errors: 0,
            retries: 0,
            retry_budget: RetryBudget::default(),
            chronicle: Chronicle::default(),
            unrecorded: 0,
            last_error: None,
            last_success_ms: None,
            limit: config.limit,
            counted_for,
            concurrency: Aimd::new(config.concurrency),
            // Milliseconds with room for a thousand calls each: above the ids of earlier processes even
            // where the journal could not be read.
            next_id: now.wall_ms.saturating_mul(1_000),
        };
        match recorded {
            Some(recorded) => state.restore(config, &recorded, now),
            None => (0..config.limit).for_each(|_| state.window.restore(now.instant, Duration::ZERO)),
        }
        state
    }

    fn restore(&mut self, config: &Config, recorded: &Recorded, now: Now) {
        for &(id, ended_at_ms) in &recorded.calls {
            // A clock that was set back makes ends lie in the future: they count from now.
            let age = ended_at_ms.map_or(Duration::ZERO, |end| gap(end, now.wall_ms));
            self.window.restore(now.instant, age);
            self.next_id = self.next_id.max(id.saturating_add(1));
            if ended_at_ms.is_none() {
                self.keep_ends([Finished { id, at_ms: now.wall_ms }]);
            }
        }
        let spent = recorded.month.map(|count| (count.month, count.calls));
        self.budget = MonthBudget::new(config.month_budget, now.wall_ms, spent);
        let hold = recorded.hold_until_ms.map(|until| gap(now.wall_ms, until).min(config.retry_after_cap));
        self.hold_until = hold.filter(|wait| !wait.is_zero()).map(|wait| now.instant + wait);
    }

    /// Why no caller is let in at present, whoever it is and however long it would wait.
    pub(super) fn refusal(&mut self, now: Now) -> Option<Refusal> {
        if self.stopped {
            return Some(Refusal::Closed);
        }
        match self.breaker.check(now.instant) {
            Err(Tripped::Isolated) => return Some(Refusal::Isolated),
            Err(Tripped::Open { until }) => {
                let wait = until.saturating_duration_since(now.instant);
                return Some(Refusal::Open { until_ms: now.wall_ms_at(until), wait });
            }
            Ok(()) => {}
        }
        let until_ms = self.budget.spent_until_ms(now.wall_ms)?;
        Some(Refusal::BudgetSpent { until_ms, wait: gap(now.wall_ms, until_ms) })
    }

    /// Takes all that an attempt needs, or nothing.
    ///
    /// The slot of the window and the place among the running are taken together, so that no call sits on a
    /// slot while it waits for the other.
    ///
    /// # Errors
    /// When to look again; `None` where a call in flight must end first.
    pub(super) fn admit(&mut self, now: Now) -> Result<Grant, Option<Instant>> {
        if let Some(until) = self.holding(now.instant) {
            return Err(Some(until));
        }
        if self.running >= self.concurrency.allowed() {
            return Err(None);
        }
        self.window.set_limit(self.throttle.allowed(now.instant));
        let slot = match self.window.take(now.instant) {
            Ok(slot) => slot,
            Err(free) => return Err(earliest(free, self.throttle.next_step(now.instant))),
        };
        let Ok(permit) = self.breaker.pass(now.instant) else {
            self.window.cancel(slot);
            return Err(None);
        };
        self.note_breaker("the pause is over; a few calls probe", now);
        self.budget.take(now.wall_ms);
        self.running += 1;
        let id = self.next_id;
        self.next_id += 1;
        Ok(Grant { slot, permit, id, at_ms: now.wall_ms })
    }

    /// Notes a change of the breaker, where there is one.
    pub(super) fn note_breaker(&mut self, reason: &str, now: Now) {
        self.chronicle.note(self.breaker.state(now.instant), reason, now);
    }

    /// The end of the service's silence, where it still lasts.
    pub(super) fn holding(&self, now: Instant) -> Option<Instant> {
        self.hold_until.filter(|until| *until > now)
    }

    /// A moment before which nobody in the line is served; `now` where that is not known to be later.
    pub(super) fn not_before(&mut self, now: Instant) -> Instant {
        self.window.set_limit(self.throttle.allowed(now));
        let free = self.window.free_at(now, 0);
        let free = free.and_then(|free| earliest(Some(free), self.throttle.next_step(now)));
        free.max(self.holding(now)).unwrap_or(now).max(now)
    }

    /// The refusal of a caller whose turn does not come in time, with when it may come.
    pub(super) fn limited(&mut self, place: Option<Place>, now: Now) -> Refusal {
        let ahead = place.map_or(0, |place| self.line.ahead_of(place));
        self.window.set_limit(self.throttle.allowed(now.instant));
        let free = self.window.free_at(now.instant, u32::try_from(ahead).unwrap_or(u32::MAX));
        let free = free.unwrap_or(now.instant + self.counted_for);
        let until = self.holding(now.instant).map_or(free, |hold| hold.max(free));
        let wait = until.saturating_duration_since(now.instant);
        Refusal::Limited { until_ms: now.wall_ms_at(until), wait }
    }

    pub(super) fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
        self.throttle.set_ceiling(limit);
    }

    /// Lets the head look again.
    pub(super) fn wake_head(&self) {
        if let Some((_, waiter)) = self.line.head() {
            waiter.notify_one();
        }
    }

    /// Lets everybody look again: something changed that can end a wait of any length.
    pub(super) fn wake_all(&self) {
        self.line.iter().for_each(|(_, waiter)| waiter.notify_one());
    }
}

/// The time from one wall moment to a later one; nothing where it is earlier.
fn gap(from_ms: i64, to_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(to_ms.saturating_sub(from_ms)).unwrap_or(0))
}

fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
