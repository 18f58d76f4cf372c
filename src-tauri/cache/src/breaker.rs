//! Passing over what keeps failing, with pauses that double.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use crate::CacheError;

/// When a level is passed over, and when it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Failures or timeouts in a row that make the level be passed over; 1 to 100.
    pub failures: u32,
    /// The pause before the first probe; 1 ms to 1 h.
    pub pause: Duration,
    /// The pause doubles with each probe that fails, up to this; at least `pause`, at most a day.
    pub longest_pause: Duration,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(1), longest_pause: Duration::from_secs(60) }
    }
}

impl BreakerConfig {
    pub(crate) fn check(&self) -> Result<(), CacheError> {
        let sound = (1..=100).contains(&self.failures)
            && (Duration::from_millis(1)..=Duration::from_secs(3600)).contains(&self.pause)
            && (self.pause..=Duration::from_secs(24 * 3600)).contains(&self.longest_pause);
        if sound {
            return Ok(());
        }
        Err(CacheError::OutOfBounds {
            what: "breaker",
            accepted: "1 to 100 failures, a pause of 1 ms to 1 h, a longest pause from there to 24 h",
        })
    }
}

/// Closed it lets calls pass; open it does not, and one probe decides whether it closes.
///
/// Only the cache's upkeep probes, so there is never more than one, and no caller pays for it.
pub(crate) struct Breaker {
    config: BreakerConfig,
    open: AtomicBool,
    in_a_row: AtomicU32,
    /// Guards when to probe; held for arithmetic only.
    schedule: Mutex<Schedule>,
}

#[derive(Clone, Copy, Default)]
struct Schedule {
    pause_ms: u64,
    probe_at_ms: u64,
}

impl Breaker {
    pub(crate) fn new(config: BreakerConfig) -> Self {
        Self { config, open: AtomicBool::new(false), in_a_row: AtomicU32::new(0), schedule: Mutex::default() }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// A call went well while closed.
    pub(crate) fn succeeded(&self) {
        if self.in_a_row.load(Ordering::Relaxed) > 0 {
            self.in_a_row.store(0, Ordering::Relaxed);
        }
    }

    /// A call failed; opens at the configured number in a row.
    pub(crate) fn failed(&self, mono_ms: u64) {
        if self.in_a_row.fetch_add(1, Ordering::Relaxed) + 1 >= self.config.failures && !self.is_open() {
            self.open_for(self.config.pause.as_millis() as u64, mono_ms);
        }
    }

    /// Opens at once, for what cannot even be tried.
    pub(crate) fn trip(&self, mono_ms: u64) {
        if !self.is_open() {
            self.open_for(self.config.pause.as_millis() as u64, mono_ms);
        }
    }

    fn open_for(&self, pause_ms: u64, mono_ms: u64) {
        *self.lock() = Schedule { pause_ms, probe_at_ms: mono_ms.saturating_add(pause_ms) };
        self.open.store(true, Ordering::Release);
    }

    /// Whether it is open and its pause has passed.
    pub(crate) fn wants_probe(&self, mono_ms: u64) -> bool {
        self.is_open() && mono_ms >= self.lock().probe_at_ms
    }

    pub(crate) fn probe_failed(&self, mono_ms: u64) {
        let doubled = self.lock().pause_ms.saturating_mul(2);
        self.open_for(doubled.min(self.config.longest_pause.as_millis() as u64), mono_ms);
    }

    pub(crate) fn close(&self) {
        self.in_a_row.store(0, Ordering::Relaxed);
        self.open.store(false, Ordering::Release);
    }

    /// How long until the next probe, where it is open.
    pub(crate) fn retry_after_ms(&self, mono_ms: u64) -> Option<u64> {
        self.is_open().then(|| self.lock().probe_at_ms.saturating_sub(mono_ms))
    }

    fn lock(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_its_pauses_double_to_a_bound() {
        let config = BreakerConfig {
            failures: 3,
            pause: Duration::from_millis(100),
            longest_pause: Duration::from_millis(350),
        };
        let breaker = Breaker::new(config);
        breaker.failed(0);
        breaker.failed(0);
        breaker.succeeded();
        breaker.failed(0);
        breaker.failed(0);
        assert!(!breaker.is_open(), "a success in between starts the count anew");
        breaker.failed(0);
        assert!(breaker.is_open());
        let mut now = 0;
        for pause in [100, 200, 350, 350] {
            assert!(!breaker.wants_probe(now + pause - 1));
            now += pause;
            assert!(breaker.wants_probe(now));
            breaker.probe_failed(now);
        }
        breaker.close();
        assert!(!breaker.is_open());
        (0..3).for_each(|_| breaker.failed(now));
        assert_eq!(breaker.retry_after_ms(now), Some(100), "a new outage begins with the first pause");
    }
}
