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
    /// What the breaker does.
    pub breaker: BreakerView,
    /// Since when, in Unix milliseconds.
    pub breaker_since_ms: i64,
    /// Until when the service asked for silence.
    pub hold_until_ms: Option<i64>,
    /// Attempts sent since the start, finished ones only.
    pub calls: u64,
    /// Those without a good answer.
    pub errors: u64,
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
