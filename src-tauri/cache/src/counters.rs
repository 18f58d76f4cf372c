//! The live counters of a region, spread over lanes so that threads do not fight for one cache line.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::Level;
use crate::stats::{LevelStats, RegionStats};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    MemoryHit,
    MemoryMiss,
    FilesHit,
    FilesMiss,
    FilesError,
    DatabaseHit,
    DatabaseMiss,
    DatabaseError,
    /// A read that was refused for its key and asked no level.
    Refused,
    WentToOrigin,
    ServedStale,
    AnsweredNegative,
    Promoted,
    Evicted,
    Refreshed,
    Renewed,
    Computed,
    ComputationFailed,
}

impl Event {
    pub(crate) const fn looked_up(level: Level, hit: bool) -> Self {
        match (level, hit) {
            (Level::Files, true) => Self::FilesHit,
            (Level::Files, false) => Self::FilesMiss,
            (Level::Database, true) => Self::DatabaseHit,
            (Level::Database, false) => Self::DatabaseMiss,
            (_, true) => Self::MemoryHit,
            (_, false) => Self::MemoryMiss,
        }
    }

    pub(crate) const fn failed(level: Level) -> Self {
        if matches!(level, Level::Files) { Self::FilesError } else { Self::DatabaseError }
    }
}

const EVENTS: usize = Event::ComputationFailed as usize + 1;
const LANES: usize = 8;

/// A whole number of cache lines, and of the pairs of them that are fetched together.
#[repr(align(128))]
#[derive(Default)]
struct Lane([AtomicU64; EVENTS]);

#[derive(Default)]
pub(crate) struct Counters([Lane; LANES]);

thread_local! {
    /// The lane of this thread, and how many hits it has counted.
    static THREAD: (usize, Cell<u32>) = {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        (NEXT.fetch_add(1, Ordering::Relaxed) as usize % LANES, const { Cell::new(0) })
    };
}

impl Counters {
    pub(crate) fn count(&self, event: Event) {
        let lane = THREAD.with(|(lane, _)| *lane);
        self.0[lane].0[event as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn sum(&self, event: Event) -> u64 {
        self.0.iter().map(|lane| lane.0[event as usize].load(Ordering::Relaxed)).sum()
    }

    pub(crate) fn read(&self) -> RegionStats {
        let sum = |event| self.sum(event);
        let level = |level, error: Option<Event>| LevelStats {
            hits: sum(Event::looked_up(level, true)),
            misses: sum(Event::looked_up(level, false)),
            errors: error.map_or(0, sum),
        };
        let memory = level(Level::Memory, None);
        RegionStats {
            memory,
            files: level(Level::Files, Some(Event::FilesError)),
            database: level(Level::Database, Some(Event::DatabaseError)),
            // Every read that is not refused asks memory exactly once.
            reads: memory.hits + memory.misses + sum(Event::Refused),
            origin: sum(Event::WentToOrigin),
            stale_serves: sum(Event::ServedStale),
            negative_serves: sum(Event::AnsweredNegative),
            promotions: sum(Event::Promoted),
            evictions: sum(Event::Evicted),
            refreshes: sum(Event::Refreshed),
            renewals: sum(Event::Renewed),
            computations: sum(Event::Computed),
            failures: sum(Event::ComputationFailed),
            memory_bytes: 0,
        }
    }
}

/// How many hits pass between two that this thread looks at more closely.
const SAMPLE: u32 = 256;

/// What is worth doing for this hit beside counting it; decided without touching shared memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sample {
    Nothing,
    /// Its time is taken.
    Time,
    /// Its key is noted as one that is asked for.
    Key,
}

/// Half of the samples take the time, the others note the key, so that neither disturbs the other.
pub(crate) fn sample() -> Sample {
    THREAD.with(|(_, ticks)| {
        let tick = ticks.get().wrapping_add(1);
        ticks.set(tick);
        match tick % SAMPLE {
            0 => Sample::Time,
            tick if tick % KEY_SAMPLE == 1 => Sample::Key,
            _ => Sample::Nothing,
        }
    })
}

/// One hit in so many is noted by its key.
pub(crate) const KEY_SAMPLE: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_threads_count_adds_up() {
        let counters = Counters::default();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| (0..1000).for_each(|_| counters.count(Event::MemoryHit)));
            }
        });
        counters.count(Event::Refused);
        let read = counters.read();
        assert_eq!((read.memory.hits, read.reads), (20_000, 20_001));
    }

    #[test]
    fn of_256_hits_one_is_timed_and_four_are_noted() {
        let samples: Vec<_> = (0..256).map(|_| sample()).collect();
        let count = |wanted| samples.iter().filter(|sample| **sample == wanted).count();
        assert_eq!((count(Sample::Time), count(Sample::Key)), (1, 4));
    }
}
