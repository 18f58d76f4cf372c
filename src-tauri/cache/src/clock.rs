//! Time as the cache sees it: both clocks at once.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// One reading of both clocks.
///
/// The wall clock can be set back or forward; the monotonic one stops while a laptop sleeps. An entry is
/// expired as soon as either of them says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Unix milliseconds, UTC.
    pub wall_ms: i64,
    /// Milliseconds since an arbitrary start of this process.
    pub mono_ms: u64,
}

/// A source of [`Now`]; cloning it is cheap.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Now + Send + Sync>);

impl Clock {
    /// The machine's clocks.
    pub fn system() -> Self {
        let start = Instant::now();
        Self::from_fn(move || Now {
            wall_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64),
            mono_ms: start.elapsed().as_millis() as u64,
        })
    }

    /// A clock that asks `now` each time, for tests and simulations.
    pub fn from_fn(now: impl Fn() -> Now + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Reads both clocks.
    pub fn now(&self) -> Now {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({:?})", self.now())
    }
}
