//! The limits of outside services as the API tells them.

use std::time::Duration;

use limits::{BreakerView, ServiceStatus, Waiting};

use crate::api::{BreakerChange, BreakerState, ByPriority, Problem, ServiceError, ServiceLimits};

/// What the configuration says of a service's limits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Configured {
    pub(crate) limit_max: u32,
    pub(crate) window: Duration,
    pub(crate) month_budget: Option<u32>,
}

impl Configured {
    /// So many calls a minute, and no bound of a month.
    pub(crate) fn a_minute(limit_max: u32) -> Self {
        Self { limit_max, window: Duration::from_secs(60), month_budget: None }
    }
}

pub(crate) fn service(status: ServiceStatus, configured: &Configured) -> ServiceLimits {
    let ms = |span: Duration| span.as_secs_f64() * 1000.0;
    let (breaker, breaker_until_ms) = breaker(status.breaker);
    ServiceLimits {
        name: status.service,
        used: status.used,
        limit: status.limit,
        limit_max: configured.limit_max.max(status.limit),
        allowed: status.allowed,
        window_ms: configured.window.as_millis() as u64,
        resets_at_ms: status.resets_at_ms,
        full_at_ms: status.full_at_ms,
        month_left: status.month_left,
        month_budget: configured.month_budget,
        waiting: waiting(status.waiting),
        running: status.running,
        concurrency: status.concurrency,
        concurrency_max: status.concurrency_max,
        breaker,
        breaker_since_ms: status.breaker_since_ms,
        breaker_until_ms,
        breaker_history: status.breaker_history.into_iter().map(change).collect(),
        hold_until_ms: status.hold_until_ms,
        calls: status.calls,
        errors: status.errors,
        retries: status.retries,
        retry_budget: f64::from(status.retry_budget_permille) / 1000.0,
        p50_ms: status.p50.map(ms),
        p95_ms: status.p95.map(ms),
        last_error: status.last_error.map(|(text, at_ms)| ServiceError { at_ms, text }),
        last_success_ms: status.last_success_ms,
    }
}

fn breaker(view: BreakerView) -> (BreakerState, Option<i64>) {
    match view {
        BreakerView::Closed => (BreakerState::Closed, None),
        BreakerView::Open { until_ms } => (BreakerState::Open, Some(until_ms)),
        BreakerView::HalfOpen => (BreakerState::HalfOpen, None),
        BreakerView::Isolated => (BreakerState::Isolated, None),
    }
}

fn change(change: limits::BreakerChange) -> BreakerChange {
    BreakerChange { at_ms: change.at_ms, state: breaker(change.to).0, reason: change.reason }
}

fn waiting(waiting: Waiting) -> ByPriority {
    ByPriority {
        critical: waiting.critical.into(),
        high: waiting.high.into(),
        normal: waiting.normal.into(),
        low: waiting.low.into(),
    }
}

/// The refusal of a limit beyond what the configuration allows.
pub(crate) fn limit_refused(limit: u32, limit_max: u32) -> Problem {
    let sentence = format!(
        "The limit cannot be {limit}; accepted: 1 to {limit_max}. A higher one is set as \
         rate_limit_per_minute in the configuration file."
    );
    Problem::new("invalid", sentence)
}
