//! Time as the cache sees it: both clocks at once.

use std::sync::Arc;

/// One reading of both clocks.
///
/// The wall clock can be set back or forward; the monotonic one stops while a laptop sleeps. An entry is
/// expired as soon as either of them says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Unix milliseconds, UTC.
    pub wall_ms: i64,
    /// Milliseconds since an arbitrary start.
    pub mono_ms: u64,
}

/// A source of [`Now`]; cloning it is cheap.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Custom(Arc<dyn Fn() -> Now + Send + Sync>),
}

impl Clock {
    /// The machine's clocks.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that asks `now` each time, for tests and simulations.
    pub fn from_fn(now: impl Fn() -> Now + Send + Sync + 'static) -> Self {
        Self(Source::Custom(Arc::new(now)))
    }

    /// Reads both clocks.
    pub fn now(&self) -> Now {
        match &self.0 {
            Source::System => system::now(),
            Source::Custom(now) => now(),
        }
    }

    /// Reads both clocks as they stood at the system's last tick, at most some 10 ms ago, for a fifth of the cost.
    pub(crate) fn glance(&self) -> Now {
        match &self.0 {
            Source::System => system::glance(),
            Source::Custom(now) => now(),
        }
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({:?})", self.now())
    }
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::time::{ClockId, Timespec, clock_gettime};

    use super::Now;

    fn ms(time: Timespec) -> i64 {
        time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }

    pub(super) fn now() -> Now {
        Now {
            wall_ms: ms(clock_gettime(ClockId::Realtime)),
            mono_ms: ms(clock_gettime(ClockId::Monotonic)) as u64,
        }
    }

    pub(super) fn glance() -> Now {
        Now {
            wall_ms: ms(clock_gettime(ClockId::RealtimeCoarse)),
            mono_ms: ms(clock_gettime(ClockId::MonotonicCoarse)) as u64,
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::sync::OnceLock;
    use std::time::{Instant, SystemTime, UNIX_EPOCH};

    use super::Now;

    pub(super) fn now() -> Now {
        static START: OnceLock<Instant> = OnceLock::new();
        Now {
            wall_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64),
            mono_ms: START.get_or_init(Instant::now).elapsed().as_millis() as u64,
        }
    }

    pub(super) use now as glance;
}
