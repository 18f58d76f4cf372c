use super::state::State;
use crate::{BreakerState, BreakerView, Config, Now, Priority, ServiceStatus, Waiting};

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
            breaker: match self.breaker.state(now.instant) {
                BreakerState::Closed => BreakerView::Closed,
                BreakerState::Open { until } => BreakerView::Open { until_ms: now.wall_ms_at(until) },
                BreakerState::HalfOpen => BreakerView::HalfOpen,
                BreakerState::Isolated => BreakerView::Isolated,
            },
            breaker_since_ms: now.wall_ms_at(self.breaker.since(now.instant)),
            hold_until_ms: self.holding(now.instant).map(|until| now.wall_ms_at(until)),
            calls: self.calls,
            errors: self.errors,
            unrecorded: self.unrecorded,
            p50: self.latency.percentile(50),
            p95: self.latency.percentile(95),
            last_error: self.last_error.clone(),
            last_success_ms: self.last_success_ms,
        }
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
