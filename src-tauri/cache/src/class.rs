//! What kind of data an entry is, and so how long it lives.

use std::time::Duration;

use crate::CacheError;

/// The longest time to live, and the longest time past it that a stale value may serve.
const LIFE_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// A data class: how long its values are fresh, how long after that they may still serve, and how long a
/// computation may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Class {
    /// The name shown in metrics.
    pub name: &'static str,
    /// How long a value is fresh.
    pub ttl: Duration,
    /// How long after that it may serve while its source fails.
    pub max_stale: Duration,
    /// After a failed computation, how long a stale value serves before the source is asked again.
    pub retry_after_failure: Duration,
    /// When a stale value is at hand, how long a caller waits for a newer one.
    pub soft_timeout: Duration,
    /// The longest a computation may take.
    pub hard_timeout: Duration,
}

impl Class {
    /// A class with the given time to live; a stale value serves for 24 h more.
    pub const fn new(name: &'static str, ttl: Duration) -> Self {
        Self {
            name,
            ttl,
            max_stale: Duration::from_secs(24 * 3600),
            retry_after_failure: Duration::from_secs(10),
            soft_timeout: Duration::from_secs(2),
            hard_timeout: Duration::from_secs(60),
        }
    }

    /// Sets how long past its time to live a value may serve while its source fails.
    pub const fn max_stale(mut self, max_stale: Duration) -> Self {
        self.max_stale = max_stale;
        self
    }

    /// Sets how long a caller with a stale value at hand waits for a newer one.
    pub const fn soft_timeout(mut self, soft_timeout: Duration) -> Self {
        self.soft_timeout = soft_timeout;
        self
    }

    /// Sets the longest a computation may take.
    pub const fn hard_timeout(mut self, hard_timeout: Duration) -> Self {
        self.hard_timeout = hard_timeout;
        self
    }

    /// Sets how long a stale value serves after a failure before the source is asked again.
    pub const fn retry_after_failure(mut self, pause: Duration) -> Self {
        self.retry_after_failure = pause;
        self
    }

    pub(crate) fn check(&self) -> Result<(), CacheError> {
        if self.ttl < Duration::from_millis(1) || self.ttl > LIFE_MAX || self.max_stale > LIFE_MAX {
            return Err(CacheError::OutOfBounds {
                what: "time to live",
                accepted: "1 ms to 366 days, and at most 366 days more while stale",
            });
        }
        Ok(())
    }
}
