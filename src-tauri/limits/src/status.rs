use std::time::Duration;

/// A pipeline at one moment, for the screen and the metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStatus {
    /// The configured name.
    pub service: String,
    /// Calls that count in the window now.
    pub used: u32,
    /// The configured limit.
    pub limit: u32,
    /// What is allowed at present: less than `limit` after a 429.
    pub allowed: u32,
    /// When the window is empty if nobody calls; `None` while calls are in flight, or where it is empty.
    pub resets_at_ms: Option<i64>,
    /// Calls left this month, where a budget is set.
    pub month_left: Option<u32>,
    /// Callers in the queue.
    pub waiting: Waiting,
    /// Calls in flight.
    pub running: u32,
    /// The most calls in flight at present: fewer than `concurrency_max` after failures.
    pub concurrency: u32,
    /// The most calls in flight ever.
    pub concurrency_max: u32,
    /// What the breaker does.
    pub breaker: BreakerView,
    /// Since when, in Unix milliseconds.
    pub breaker_since_ms: i64,
    /// The latest changes of the breaker, newest first; at most 20.
    pub breaker_history: Vec<BreakerChange>,
    /// When the window will be full if calls go on as in the last quarter of it; `None` where it will not.
    pub full_at_ms: Option<i64>,
    /// Until when the service asked for silence.
    pub hold_until_ms: Option<i64>,
    /// Attempts sent since the start, finished ones only.
    pub calls: u64,
    /// Those without a good answer.
    pub errors: u64,
    /// Those of them that were made because an earlier one of the same call failed.
    pub retries: u64,
    /// The share of the retry budget that is left, in thousandths.
    pub retry_budget_permille: u32,
    /// Calls not sent because the journal failed.
    pub unrecorded: u64,
    /// The median duration of the latest attempts (at most 256).
    pub p50: Option<Duration>,
    /// The 95th percentile of the same.
    pub p95: Option<Duration>,
    /// The last error and when it came, in Unix milliseconds.
    pub last_error: Option<(String, i64)>,
    /// The last good answer, in Unix milliseconds.
    pub last_success_ms: Option<i64>,
}

/// A change of a breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerChange {
    /// When, in Unix milliseconds.
    pub at_ms: i64,
    /// What it does since.
    pub to: BreakerView,
    /// Why, in a few words.
    pub reason: String,
}

/// Callers in the queue, by priority.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Of `Priority::Critical`.
    pub critical: u32,
    /// Of `Priority::High`.
    pub high: u32,
    /// Of `Priority::Normal`.
    pub normal: u32,
    /// Of `Priority::Low`.
    pub low: u32,
}

impl Waiting {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.critical + self.high + self.normal + self.low
    }
}

/// What the breaker does, in wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerView {
    /// Calls pass.
    Closed,
    /// Calls are refused.
    Open {
        /// When probes may pass, in Unix milliseconds.
        until_ms: i64,
    },
    /// A few calls pass, to see.
    HalfOpen,
    /// Opened by hand.
    Isolated,
}
