//! The figures for whoever listens through the `metrics` facade, once a second.
//!
//! The counters that reads touch are the cache's own; what a recorder does with a figure costs no read anything.

use std::collections::HashMap;
use std::sync::Mutex;

use metrics::{Counter, Gauge, Label};

use crate::stats::{LevelReport, LevelState, RegionStats, Stats};
use crate::{Level, LevelStats};

/// Handles by region and level, so that each figure is looked up in the recorder once.
#[derive(Default)]
pub(crate) struct Publisher {
    /// Guards the handles; held while figures are told, by one round of upkeep at a time.
    handles: Mutex<Handles>,
}

#[derive(Default)]
struct Handles {
    regions: HashMap<String, (Vec<Counter>, Gauge)>,
    levels: HashMap<Level, Vec<Gauge>>,
    ttl_factor: Option<Gauge>,
}

const LEVELS: [Level; 3] = Level::KEEPING;

/// A figure's name, and where it is read.
type RegionFigure = (&'static str, fn(&RegionStats) -> u64);
type RegionLevelFigure = (&'static str, fn(LevelStats) -> u64);
type LevelFigure = (&'static str, fn(&LevelReport) -> f64);

/// The counters of a region that no level has.
const COUNTED: [RegionFigure; 10] = [
    ("cache_reads_total", |stats| stats.reads),
    ("cache_origin_reads_total", |stats| stats.origin),
    ("cache_stale_serves_total", |stats| stats.stale_serves),
    ("cache_negative_serves_total", |stats| stats.negative_serves),
    ("cache_promotions_total", |stats| stats.promotions),
    ("cache_evictions_total", |stats| stats.evictions),
    ("cache_refreshes_total", |stats| stats.refreshes),
    ("cache_renewals_total", |stats| stats.renewals),
    ("cache_computations_total", |stats| stats.computations),
    ("cache_failures_total", |stats| stats.failures),
];

/// The counters of a region at one level.
const COUNTED_AT_LEVEL: [RegionLevelFigure; 3] = [
    ("cache_hits_total", |stats| stats.hits),
    ("cache_misses_total", |stats| stats.misses),
    ("cache_errors_total", |stats| stats.errors),
];

/// The gauges of a level.
const MEASURED: [LevelFigure; 7] = [
    ("cache_bytes", |level| level.health.bytes as f64),
    ("cache_bytes_bound", |level| level.health.bound as f64),
    ("cache_writes_waiting", |level| level.health.waiting as f64),
    ("cache_level_up", |level| match level.health.state {
        LevelState::Up => 1.0,
        LevelState::Degraded => 0.5,
        LevelState::Bypassed => 0.0,
    }),
    ("cache_read_seconds_p50", |level| level.reads.p50.as_secs_f64()),
    ("cache_read_seconds_p99", |level| level.reads.p99.as_secs_f64()),
    ("cache_write_seconds_p99", |level| level.writes.p99.as_secs_f64()),
];

impl Publisher {
    pub(crate) fn publish(&self, stats: &Stats) {
        let mut handles = self.handles.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for (region, stats) in &stats.regions {
            if !handles.regions.contains_key(region) {
                handles.regions.insert(region.clone(), region_handles(region));
            }
            let at_levels =
                LEVELS.iter().flat_map(|level| COUNTED_AT_LEVEL.map(|(_, read)| read(stats.level(*level))));
            let figures = COUNTED.iter().map(|(_, read)| read(stats)).chain(at_levels);
            let (counters, bytes) = &handles.regions[region];
            counters.iter().zip(figures).for_each(|(counter, figure)| counter.absolute(figure));
            bytes.set(stats.memory_bytes as f64);
        }
        for report in &stats.levels {
            let level = report.health.level;
            let gauges = handles.levels.entry(level).or_insert_with(|| {
                MEASURED.map(|(name, _)| metrics::gauge!(name, "level" => level.name())).into()
            });
            gauges.iter().zip(MEASURED).for_each(|(gauge, (_, read))| gauge.set(read(report)));
        }
        handles.ttl_factor.get_or_insert_with(|| metrics::gauge!("cache_ttl_factor")).set(stats.ttl.factor);
    }
}

/// In the order in which [`Publisher::publish`] reads the figures.
fn region_handles(region: &str) -> (Vec<Counter>, Gauge) {
    let label = || Label::new("region", region.to_owned());
    let whole = COUNTED.iter().map(|(name, _)| metrics::counter!(*name, vec![label()]));
    let at_levels = LEVELS.iter().flat_map(|level| {
        let labels = move || vec![label(), Label::new("level", level.name())];
        COUNTED_AT_LEVEL.map(|(name, _)| metrics::counter!(name, labels()))
    });
    let bytes = metrics::gauge!("cache_region_memory_bytes", vec![label()]);
    (whole.chain(at_levels).collect(), bytes)
}
