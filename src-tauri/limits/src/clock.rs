use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One moment, read from both clocks at once.
///
/// Decisions use `instant`, which never jumps. It stands still while a laptop sleeps, so what waits on it
/// can last longer than asked, never shorter. `wall_ms` serves what outlives the process (the journal, the
/// calendar month) and what people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock.
    pub instant: Instant,
    /// The wall clock: Unix milliseconds, UTC.
    pub wall_ms: i64,
}

impl Now {
    /// The wall time at which the monotonic clock will show (or showed) `instant`.
    #[must_use]
    pub fn wall_ms_at(&self, instant: Instant) -> i64 {
        let ahead = millis(instant.saturating_duration_since(self.instant));
        let behind = millis(self.instant.saturating_duration_since(instant));
        self.wall_ms.saturating_add(ahead).saturating_sub(behind)
    }
}

/// Where the pipeline reads the time.
///
/// `Now::instant` must be the clock of `tokio::time`, because the waiting sleeps on that one.
pub trait Clock: Send + Sync + 'static {
    /// Reads both clocks.
    fn now(&self) -> Now;
}

/// The clocks of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { instant: tokio::time::Instant::now().into_std(), wall_ms: millis(wall) }
    }
}

/// A wall clock that follows tokio's clock, so that paused time drives both; for tests.
#[derive(Debug)]
pub struct DrivenClock {
    origin: Instant,
    wall_ms: AtomicI64,
}

impl DrivenClock {
    /// A clock whose wall time is `wall_ms` now.
    #[must_use]
    pub fn starting_at(wall_ms: i64) -> Self {
        Self { origin: tokio::time::Instant::now().into_std(), wall_ms: AtomicI64::new(wall_ms) }
    }

    /// Moves the wall clock alone, as a correction of the time or a suspend does.
    pub fn shift_wall(&self, by_ms: i64) {
        self.wall_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

impl Clock for DrivenClock {
    fn now(&self) -> Now {
        let instant = tokio::time::Instant::now().into_std();
        let passed = millis(instant.saturating_duration_since(self.origin));
        Now { instant, wall_ms: self.wall_ms.load(Ordering::Relaxed) + passed }
    }
}

/// Whole milliseconds, saturating.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
