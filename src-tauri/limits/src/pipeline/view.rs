use std::time::Instant;

use super::chronicle;
use super::state::State;
use crate::{Config, Now, Priority, ServiceStatus, Waiting};

impl State {
    pub(super) fn view(&mut self, config: &Config, now: Now) -> ServiceStatus {
        ServiceStatus {
            service: config.service.clone(),
            used: self.window.used(now.instant),
            limit: self.limit,
            allowed: self.throttle.allowed(now.instant),
            resets_at_ms: self.window.empty_at(now.instant).map(|at| now.wall_ms_at(at)),
            month_left: self.budget.left(now.wall_ms),
            waiting: self.waiting(),
            running: self.running,
            concurrency: self.concurrency.allowed(),
            concurrency_max: self.concurrency.most(),
            breaker: chronicle::view(self.breaker.state(now.instant), now),
            breaker_history: self.chronicle.changes(),
            full_at_ms: self.full_at(now).map(|at| now.wall_ms_at(at)),
            breaker_since_ms: now.wall_ms_at(self.breaker.since(now.instant)),
            hold_until_ms: self.holding(now.instant).map(|until| now.wall_ms_at(until)),
            calls: self.calls,
            errors: self.errors,
            retries: self.retries,
            retry_budget_permille: self.retry_budget.left_permille(),
            unrecorded: self.unrecorded,
            p50: self.latency.percentile(50),
            p95: self.latency.percentile(95),
            last_error: self.last_error.clone(),
            last_success_ms: self.last_success_ms,
        }
    }

    /// When the window is full if calls go on at the pace of its last quarter.
    fn full_at(&self, now: Now) -> Option<Instant> {
        let allowed = f64::from(self.throttle.allowed(now.instant));
        let quarter = self.counted_for / 4;
        let recent = self.window.taken_within(now.instant, quarter);
        let pace = f64::from(recent) / quarter.as_secs_f64();
        // In steps of a sixtieth of the window: finer than anybody reads.
        (0..=60).map(|step| self.counted_for * step / 60).find_map(|ahead| {
            let at = now.instant + ahead;
            let used = f64::from(self.window.used(at)) + pace * ahead.as_secs_f64();
            (recent > 0 && used >= allowed).then_some(at)
        })
    }

    fn waiting(&self) -> Waiting {
        let mut waiting = Waiting::default();
        for (place, _) in self.line.iter() {
            let class = match place.priority() {
                Priority::Critical => &mut waiting.critical,
                Priority::High => &mut waiting.high,
                Priority::Normal => &mut waiting.normal,
                Priority::Low => &mut waiting.low,
            };
            *class += 1;
        }
        waiting
    }
}
