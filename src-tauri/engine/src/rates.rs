//! Shares of cache reads over the last minute, from counters that only grow.

use std::collections::VecDeque;

use crate::api::LevelRates;

/// Readings kept: one a second, so that the newest and the oldest lie 60 s apart.
const KEPT: usize = 61;

/// The last minute of the cache's counters.
#[derive(Default)]
pub(crate) struct Rates(VecDeque<cache::RegionStats>);

impl Rates {
    /// Takes the counters of this second and returns the shares of the minute that ends with it.
    pub(crate) fn update(&mut self, now: cache::RegionStats) -> LevelRates {
        self.0.push_back(now);
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
        let first = self.0.front().copied().unwrap_or(now);
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
        assert_eq!(rates.update(counters(10, 9, 1)), LevelRates::default());
        assert_eq!(rates.update(counters(10, 9, 1)), LevelRates::default());
    }

    #[test]
    fn only_the_last_minute_counts() {
        let mut rates = Rates::default();
        rates.update(counters(0, 0, 0));
        let busy = rates.update(counters(10, 9, 1));
        assert_eq!((busy.memory, busy.origin, busy.overall), (Some(0.9), Some(0.1), Some(0.9)));
        for _ in 0..60 {
            rates.update(counters(10, 9, 1));
        }
        assert_eq!(rates.update(counters(10, 9, 1)), LevelRates::default());
        assert!(rates.0.len() <= KEPT);
    }
}
