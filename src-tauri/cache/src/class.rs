//! What kind of data an entry is, and so how long it lives and where.

use std::time::Duration;

use crate::{CacheError, Levels};

/// The longest time to live, and the longest time past it that a stale value may serve.
pub(crate) const LIFE_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
/// The longest that a computation may take.
const COMPUTE_MAX: Duration = Duration::from_secs(3600);

/// A data class: how long its values are fresh, how long after that they may still serve, how long a
/// computation may take, and which levels keep them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Class {
    /// The name shown to people.
    pub name: &'static str,
    /// How long a value is fresh, before the load stretches it.
    pub ttl: Duration,
    /// The largest share of `ttl` that is taken off at random, so that what was set together does not expire
    /// together; 0 to 0.5.
    pub jitter: f64,
    /// The share of the effective time to live after which a hit starts one refresh in the background;
    /// 0.1 to 0.95. `None`: only expiry starts one.
    pub refresh_ahead: Option<f64>,
    /// How long past its time to live a value may serve while its source fails.
    pub max_stale: Duration,
    /// How long a [lasting failure](crate::Failure::lasting) is answered without asking the source again.
    /// `None`: not at all.
    pub negative_ttl: Option<Duration>,
    /// The levels that keep the values.
    pub levels: Levels,
    /// Encoded values of at least so many bytes are compressed on disk. `None`: never.
    pub compress_over: Option<u32>,
    /// Whether a high load stretches the time to live.
    pub adaptive: bool,
    /// Whether the values must not be shown outside the program that holds them.
    pub secret: bool,
    /// After a failed computation, how long a stale value serves before the source is asked again.
    pub retry_after_failure: Duration,
    /// When a stale value is at hand, how long a caller waits for a newer one. Zero: not at all, the newer one
    /// comes in the background.
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
            jitter: 0.0,
            refresh_ahead: None,
            max_stale: Duration::from_secs(24 * 3600),
            negative_ttl: None,
            levels: Levels::ALL,
            compress_over: Some(1024),
            adaptive: true,
            secret: false,
            retry_after_failure: Duration::from_secs(10),
            soft_timeout: Duration::from_secs(2),
            hard_timeout: Duration::from_secs(60),
        }
    }

    /// Sets the largest share of the time to live that is taken off at random.
    #[must_use]
    pub const fn jitter(mut self, share: f64) -> Self {
        self.jitter = share;
        self
    }

    /// Sets the share of the effective time to live after which a hit starts a refresh.
    #[must_use]
    pub const fn refresh_ahead(mut self, share: f64) -> Self {
        self.refresh_ahead = Some(share);
        self
    }

    /// Sets how long past its time to live a value may serve while its source fails.
    #[must_use]
    pub const fn max_stale(mut self, max_stale: Duration) -> Self {
        self.max_stale = max_stale;
        self
    }

    /// Sets how long a lasting failure is answered without asking the source again.
    #[must_use]
    pub const fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.negative_ttl = Some(ttl);
        self
    }

    /// Sets the levels that keep the values.
    #[must_use]
    pub const fn levels(mut self, levels: Levels) -> Self {
        self.levels = levels;
        self
    }

    /// Sets from how many bytes on values are compressed on disk; `None` for never.
    #[must_use]
    pub const fn compress_over(mut self, bytes: Option<u32>) -> Self {
        self.compress_over = bytes;
        self
    }

    /// Sets whether a high load stretches the time to live.
    #[must_use]
    pub const fn adaptive(mut self, adaptive: bool) -> Self {
        self.adaptive = adaptive;
        self
    }

    /// Marks the values as not to be shown outside the program that holds them.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Sets how long a caller with a stale value at hand waits for a newer one.
    #[must_use]
    pub const fn soft_timeout(mut self, soft_timeout: Duration) -> Self {
        self.soft_timeout = soft_timeout;
        self
    }

    /// Sets the longest a computation may take.
    #[must_use]
    pub const fn hard_timeout(mut self, hard_timeout: Duration) -> Self {
        self.hard_timeout = hard_timeout;
        self
    }

    /// Sets how long a stale value serves after a failure before the source is asked again.
    #[must_use]
    pub const fn retry_after_failure(mut self, pause: Duration) -> Self {
        self.retry_after_failure = pause;
        self
    }

    /// Whether every value of the class is within its bounds.
    ///
    /// # Errors
    /// [`CacheError::OutOfBounds`], which names the first that is not.
    pub fn check(&self) -> Result<(), CacheError> {
        let within = |what, accepted, sound| {
            if sound { Ok(()) } else { Err(CacheError::OutOfBounds { what, accepted }) }
        };
        let living = |ttl| ttl >= Duration::from_millis(1) && ttl <= LIFE_MAX;
        within(
            "time to live",
            "1 ms to 366 days, and at most 366 days more while stale",
            living(self.ttl) && self.max_stale <= LIFE_MAX,
        )?;
        within("jitter", "0 to 0.5", (0.0..=0.5).contains(&self.jitter))?;
        let ahead = self.refresh_ahead.is_none_or(|share| (0.1..=0.95).contains(&share));
        within("refresh-ahead point", "0.1 to 0.95 of the time to live", ahead)?;
        let negative = self.negative_ttl.is_none_or(living);
        within("negative time to live", "1 ms to 366 days", negative)?;
        within("set of levels", "at least one level", self.levels != Levels::NONE)?;
        let compute = self.hard_timeout >= Duration::from_millis(1) && self.hard_timeout <= COMPUTE_MAX;
        within("hard timeout", "1 ms to 1 h", compute)
    }
}
