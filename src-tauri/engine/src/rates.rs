//! Shares of cache reads over the last minute, from counters that only grow.

use std::collections::VecDeque;

use crate::api::LevelRates;

const MINUTE_MS: i64 = 60_000;

/// The last minute of the cache's counters, with their times.
#[derive(Default)]
pub(crate) struct Rates(VecDeque<(i64, cache::RegionStats)>);

impl Rates {
    /// Takes the counters of this moment and returns the shares of the minute that ends with it.
    pub(crate) fn update(&mut self, now: cache::RegionStats, at_ms: i64) -> LevelRates {
        // Those from the future are left by a clock that was set back.
        self.0.retain(|(then_ms, _)| (at_ms - MINUTE_MS..=at_ms).contains(then_ms));
        self.0.push_back((at_ms, now));
        let first = self.0.front().map_or(now, |(_, first)| *first);
        let hits = |now: cache::LevelStats, then: cache::LevelStats| {
            let hits = now.hits - then.hits;
            share(hits, hits + now.misses - then.misses)
        };
        let reads = now.reads - first.reads;
        let hits_of = |stats: cache::RegionStats| stats.memory.hits + stats.files.hits + stats.database.hits;
        let by_levels = hits_of(now) - hits_of(first);
        LevelRates {
            memory: hits(now.memory, first.memory),
            files: hits(now.files, first.files),
            database: hits(now.database, first.database),
            origin: share(now.origin - first.origin, reads),
            overall: share(by_levels.min(reads), reads),
        }
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(reads: u64, memory_hits: u64, origin: u64) -> cache::RegionStats {
        cache::RegionStats {
            memory: cache::LevelStats { hits: memory_hits, misses: reads - memory_hits, errors: 0 },
            reads,
            origin,
            ..cache::RegionStats::default()
        }
    }

    #[test]
    fn a_quiet_minute_has_no_rate() {
        let mut rates = Rates::default();
        assert_eq!(rates.update(counters(10, 9, 1), 0), LevelRates::default());
        assert_eq!(rates.update(counters(10, 9, 1), 1_000), LevelRates::default());
    }

    #[test]
    fn only_the_last_minute_counts_however_often_it_was_looked_at() {
        for step_ms in [1_000, 2_000] {
            let mut rates = Rates::default();
            rates.update(counters(0, 0, 0), 0);
            let busy = rates.update(counters(10, 9, 1), step_ms);
            assert_eq!((busy.memory, busy.origin, busy.overall), (Some(0.9), Some(0.1), Some(0.9)));
            let mut at_ms = step_ms;
            while at_ms < MINUTE_MS {
                at_ms += step_ms;
                assert_eq!(rates.update(counters(10, 9, 1), at_ms), busy, "{at_ms}");
            }
            assert_eq!(rates.update(counters(10, 9, 1), at_ms + step_ms), LevelRates::default());
            assert!(rates.0.len() as i64 <= MINUTE_MS / step_ms + 1);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_begins_a_new_minute() {
        let mut rates = Rates::default();
        rates.update(counters(0, 0, 0), 3_600_000);
        assert_eq!(rates.update(counters(10, 9, 1), 0), LevelRates::default());
    }
}
