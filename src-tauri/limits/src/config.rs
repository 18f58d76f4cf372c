use std::fmt::Display;
use std::time::Duration;

use crate::Backoff;

/// How a [`Pipeline`](crate::Pipeline) treats one outside service.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The service's name, for messages, for example `CoinGecko`.
    pub service: String,
    /// The most calls the service may see in any `window`.
    pub limit: u32,
    /// The span of `limit`.
    pub window: Duration,
    /// The most calls in a calendar month (UTC), where the plan has such a bound.
    pub month_budget: Option<u32>,
    /// The most callers that wait for a slot.
    pub queue: usize,
    /// How much waiting makes up for one step of priority; see [`Line`](crate::Line).
    pub age_step: Duration,
    /// The most calls in flight at once; after failures fewer are, see [`Aimd`](crate::Aimd).
    pub concurrency: u32,
    /// An attempt is given up after this long.
    pub attempt_timeout: Duration,
    /// The most attempts for one call.
    pub attempts: u32,
    /// The wait between attempts.
    pub backoff: Backoff,
    /// No `Retry-After` holds the service longer.
    pub retry_after_cap: Duration,
    /// When calls stop because the service fails.
    pub breaker: BreakerConfig,
}

/// When a breaker opens, and how it recovers.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakerConfig {
    /// Outcomes older than this are forgotten.
    pub window: Duration,
    /// With fewer outcomes in the window nothing is concluded.
    pub min_calls: u32,
    /// The share of failures that opens, from 0 to 1.
    pub failure_ratio: f64,
    /// An answer that takes this long counts as a failure.
    pub slow_call: Duration,
    /// How long the first opening lasts; each further one in a row lasts twice as long.
    pub open_first: Duration,
    /// No opening lasts longer.
    pub open_max: Duration,
    /// How many calls may probe at once, and how many must succeed in order to close.
    pub probes: u32,
}

impl Default for BreakerConfig {
    /// Tuned for about 50 calls a minute.
    fn default() -> Self {
        Self {
            window: Duration::from_secs(60),
            min_calls: 8,
            failure_ratio: 0.5,
            slow_call: Duration::from_secs(8),
            open_first: Duration::from_secs(5),
            open_max: Duration::from_secs(300),
            probes: 2,
        }
    }
}

impl Config {
    /// The defaults for a service: 50 calls in any 60 s, 3 attempts of 10 s.
    #[must_use]
    pub fn new(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            limit: 50,
            window: Duration::from_secs(60),
            month_budget: None,
            queue: 256,
            age_step: Duration::from_secs(20),
            concurrency: 8,
            attempt_timeout: Duration::from_secs(10),
            attempts: 3,
            backoff: Backoff { base: Duration::from_millis(500), cap: Duration::from_secs(30) },
            retry_after_cap: Duration::from_secs(600),
            breaker: BreakerConfig::default(),
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// The first value outside its range, with the range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let breaker = &self.breaker;
        within("limit", self.limit, 1, 100_000)?;
        span("window", self.window, Duration::from_secs(1), Duration::from_secs(86_400))?;
        if let Some(budget) = self.month_budget {
            within("month_budget", budget, 1, u32::MAX)?;
        }
        within("queue", self.queue, 1, 65_536)?;
        span("age_step", self.age_step, Duration::ZERO, Duration::from_secs(3_600))?;
        within("concurrency", self.concurrency, 1, 64)?;
        span("attempt_timeout", self.attempt_timeout, Duration::from_millis(10), Duration::from_secs(300))?;
        within("attempts", self.attempts, 1, 10)?;
        span("backoff.base", self.backoff.base, Duration::from_millis(1), Duration::from_secs(60))?;
        span("backoff.cap", self.backoff.cap, self.backoff.base, Duration::from_secs(600))?;
        span("retry_after_cap", self.retry_after_cap, Duration::from_secs(1), Duration::from_secs(86_400))?;
        span("breaker.window", breaker.window, Duration::from_secs(1), Duration::from_secs(3_600))?;
        within("breaker.min_calls", breaker.min_calls, 1, 1_000)?;
        within("breaker.failure_ratio", breaker.failure_ratio, 0.01, 1.0)?;
        span("breaker.slow_call", breaker.slow_call, Duration::from_millis(1), Duration::from_secs(300))?;
        span("breaker.open_first", breaker.open_first, Duration::from_millis(1), Duration::from_secs(3_600))?;
        span("breaker.open_max", breaker.open_max, breaker.open_first, Duration::from_secs(3_600))?;
        within("breaker.probes", breaker.probes, 1, 3)
    }
}

/// A configured value outside its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} is {value}; it must be {accepted}")]
pub struct ConfigError {
    /// The key, as the field is called.
    pub key: &'static str,
    /// The value found.
    pub value: String,
    /// What would be accepted.
    pub accepted: String,
}

fn within<V: PartialOrd + Display>(
    key: &'static str,
    value: V,
    least: V,
    most: V,
) -> Result<(), ConfigError> {
    if value >= least && value <= most {
        return Ok(());
    }
    Err(ConfigError { key, value: value.to_string(), accepted: format!("from {least} to {most}") })
}

fn span(key: &'static str, value: Duration, least: Duration, most: Duration) -> Result<(), ConfigError> {
    if value >= least && value <= most {
        return Ok(());
    }
    Err(ConfigError { key, value: format!("{value:?}"), accepted: format!("from {least:?} to {most:?}") })
}
