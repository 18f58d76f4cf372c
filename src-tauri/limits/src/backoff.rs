use std::time::Duration;

/// Exponential backoff with full jitter: a wait between nothing and a ceiling that doubles.
///
/// Full jitter spreads clients that failed together better than equal or no jitter does (Brooker,
/// "Exponential Backoff And Jitter", AWS 2015).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The ceiling after the first failure.
    pub base: Duration,
    /// No ceiling is above this.
    pub cap: Duration,
}

impl Backoff {
    /// The longest wait after `failures` failures in a row (1 is the first).
    #[must_use]
    pub fn ceiling(&self, failures: u32) -> Duration {
        let doubling = 2_u32.checked_pow(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.base.saturating_mul(doubling).min(self.cap)
    }

    /// A random wait up to the ceiling.
    #[must_use]
    pub fn wait(&self, failures: u32) -> Duration {
        jitter(self.ceiling(failures))
    }
}

/// A random duration from nothing to `most`, in whole microseconds.
pub(crate) fn jitter(most: Duration) -> Duration {
    let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(rand::random_range(0..=most))
}
