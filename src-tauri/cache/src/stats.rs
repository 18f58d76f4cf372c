//! Counters by region and level. They only grow, so that any two readings give a rate.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::Level;

/// What one level did for one region since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LevelStats {
    /// Look-ups answered with a fresh value.
    pub hits: u64,
    /// Look-ups that found nothing, or nothing fresh.
    pub misses: u64,
    /// Look-ups and writes that the level failed; the caller was served without it.
    pub errors: u64,
}

/// What happened in one region since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegionStats {
    /// L1.
    pub memory: LevelStats,
    /// L3.
    pub database: LevelStats,
    /// Calls that asked for a value.
    pub reads: u64,
    /// Reads that started or joined a computation, since no level had a fresh value.
    pub origin: u64,
    /// Reads answered with a stale value.
    pub stale_serves: u64,
    /// Entries copied up from the database to memory.
    pub promotions: u64,
    /// Computations started.
    pub computations: u64,
    /// Computations that failed, panicked or timed out.
    pub failures: u64,
}

impl RegionStats {
    /// Adds another region's counters.
    pub fn add(&mut self, other: &Self) {
        for (level, other) in [(&mut self.memory, other.memory), (&mut self.database, other.database)] {
            level.hits += other.hits;
            level.misses += other.misses;
            level.errors += other.errors;
        }
        self.reads += other.reads;
        self.origin += other.origin;
        self.stale_serves += other.stale_serves;
        self.promotions += other.promotions;
        self.computations += other.computations;
        self.failures += other.failures;
    }
}

/// A reading of the whole cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// By region name.
    pub regions: BTreeMap<String, RegionStats>,
    /// Encoded bytes held in memory.
    pub memory_bytes: u64,
    /// Bytes held in the database.
    pub database_bytes: u64,
    /// Entries that memory evicted for want of room.
    pub memory_evictions: u64,
}

impl Stats {
    /// All regions together.
    pub fn total(&self) -> RegionStats {
        let mut total = RegionStats::default();
        self.regions.values().for_each(|region| total.add(region));
        total
    }
}

#[derive(Default)]
struct LevelCounters {
    hits: AtomicU64,
    misses: AtomicU64,
    errors: AtomicU64,
}

impl LevelCounters {
    fn read(&self) -> LevelStats {
        LevelStats {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
        }
    }
}

/// The live counters of one region.
#[derive(Default)]
pub(crate) struct Counters {
    memory: LevelCounters,
    database: LevelCounters,
    reads: AtomicU64,
    origin: AtomicU64,
    stale_serves: AtomicU64,
    promotions: AtomicU64,
    computations: AtomicU64,
    failures: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    fn level(&self, level: Level) -> Option<&LevelCounters> {
        match level {
            Level::Memory => Some(&self.memory),
            Level::Database => Some(&self.database),
            Level::Origin => None,
        }
    }

    pub(crate) fn read_started(&self) {
        count(&self.reads);
    }

    pub(crate) fn looked_up(&self, level: Level, hit: bool) {
        if let Some(level) = self.level(level) {
            count(if hit { &level.hits } else { &level.misses });
        }
    }

    pub(crate) fn level_failed(&self, level: Level) {
        if let Some(level) = self.level(level) {
            count(&level.errors);
        }
    }

    pub(crate) fn went_to_origin(&self) {
        count(&self.origin);
    }

    pub(crate) fn served_stale(&self) {
        count(&self.stale_serves);
    }

    pub(crate) fn promoted(&self) {
        count(&self.promotions);
    }

    pub(crate) fn computation_started(&self) {
        count(&self.computations);
    }

    pub(crate) fn computation_failed(&self) {
        count(&self.failures);
    }

    fn read(&self) -> RegionStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RegionStats {
            memory: self.memory.read(),
            database: self.database.read(),
            reads: load(&self.reads),
            origin: load(&self.origin),
            stale_serves: load(&self.stale_serves),
            promotions: load(&self.promotions),
            computations: load(&self.computations),
            failures: load(&self.failures),
        }
    }
}

/// The counters of every region that was ever opened.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<BTreeMap<Arc<str>, Arc<Counters>>>);

impl Ledger {
    pub(crate) fn region(&self, name: &Arc<str>) -> Arc<Counters> {
        let mut regions = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        Arc::clone(regions.entry(Arc::clone(name)).or_default())
    }

    pub(crate) fn read(&self) -> BTreeMap<String, RegionStats> {
        let regions = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        regions.iter().map(|(name, counters)| (name.to_string(), counters.read())).collect()
    }
}
