//! Readings of the counters. They only grow, so that any two readings give a rate.

use std::collections::BTreeMap;

use crate::latency::LatencyStats;
use crate::{Level, TtlFactor};

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

impl LevelStats {
    fn add(&mut self, other: Self) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.errors += other.errors;
    }
}

/// What happened in one region since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegionStats {
    /// L1.
    pub memory: LevelStats,
    /// L2.
    pub files: LevelStats,
    /// L3.
    pub database: LevelStats,
    /// Calls that asked for a value.
    pub reads: u64,
    /// Reads that started or joined a computation, since no level had a fresh value.
    pub origin: u64,
    /// Reads answered with a stale value.
    pub stale_serves: u64,
    /// Reads answered with a failure that lasts, without asking the source.
    pub negative_serves: u64,
    /// Entries copied up from a lower level to memory.
    pub promotions: u64,
    /// Entries that memory evicted for want of room.
    pub evictions: u64,
    /// Computations that a hit started ahead of expiry.
    pub refreshes: u64,
    /// Computations that found the value unchanged.
    pub renewals: u64,
    /// Computations started.
    pub computations: u64,
    /// Computations that failed, panicked or timed out.
    pub failures: u64,
    /// Encoded bytes that memory holds.
    pub memory_bytes: u64,
}

impl RegionStats {
    /// Adds another region's counters.
    pub fn add(&mut self, other: &Self) {
        self.memory.add(other.memory);
        self.files.add(other.files);
        self.database.add(other.database);
        self.reads += other.reads;
        self.origin += other.origin;
        self.stale_serves += other.stale_serves;
        self.negative_serves += other.negative_serves;
        self.promotions += other.promotions;
        self.evictions += other.evictions;
        self.refreshes += other.refreshes;
        self.renewals += other.renewals;
        self.computations += other.computations;
        self.failures += other.failures;
        self.memory_bytes += other.memory_bytes;
    }

    /// What one of the keeping levels did.
    pub fn level(&self, level: Level) -> LevelStats {
        match level {
            Level::Memory => self.memory,
            Level::Files => self.files,
            Level::Database => self.database,
            Level::Origin => LevelStats::default(),
        }
    }
}

/// How a level fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LevelState {
    /// It reads and writes.
    Up,
    /// It reads; some of its writes wait for it to take them.
    Degraded,
    /// It is passed over, and tried again by itself.
    Bypassed,
}

/// One level as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelHealth {
    /// Which.
    pub level: Level,
    /// Whether it is used.
    pub state: LevelState,
    /// Since when, in Unix milliseconds.
    pub since_ms: i64,
    /// What last went wrong, where something did since the start.
    pub last_error: Option<String>,
    /// Bytes held.
    pub bytes: u64,
    /// The most it may hold.
    pub bound: u64,
    /// Writes that it has failed and that wait to be replayed, one a key.
    pub waiting: usize,
    /// When it is tried next, in milliseconds from now, where it is passed over.
    pub retry_after_ms: Option<u64>,
}

/// The figures of one level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelReport {
    /// How it fares.
    pub health: LevelHealth,
    /// Entries held, where the level knows.
    pub entries: Option<u64>,
    /// Entries evicted for want of room, where the level knows.
    pub evictions: Option<u64>,
    /// How long its look-ups took.
    pub reads: LatencyStats,
    /// How long its writes took.
    pub writes: LatencyStats,
}

/// A reading of the whole cache.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// By region name.
    pub regions: BTreeMap<String, RegionStats>,
    /// By level, fastest first.
    pub levels: Vec<LevelReport>,
    /// How long computations took.
    pub computations: LatencyStats,
    /// By how much the load stretches times to live.
    pub ttl: TtlFactor,
    /// Encoded bytes held in memory.
    pub memory_bytes: u64,
    /// Bytes held in files.
    pub files_bytes: u64,
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
