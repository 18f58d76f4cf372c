//! Time as the jobs see it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The wall clock, by which jobs are due; cloning it is cheap.
///
/// Only due times, ages and retention go by it. Whether another process lives does not, since it may be set and may
/// jump over a sleep.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        let since = || SystemTime::now().duration_since(UNIX_EPOCH);
        Self::from_fn(move || since().map_or(0, millis))
    }

    /// A clock that asks `now_ms` each time: Unix milliseconds.
    pub fn from_fn(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    /// Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({})", self.now_ms())
    }
}

/// A span in milliseconds; one that is longer than there is time counts as all the time there is.
pub(crate) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
