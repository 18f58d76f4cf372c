//! The cache as the window and HTTP clients see it.

use std::path::Path;

use cache::{Cache, CacheError, Class, EntryInfo, FilesConfig, Level, LevelReport, LevelState, RegionStats};

use crate::api::{
    CacheClassView, CacheEntry, CacheLevelView, CacheRegionView, CacheView, Problem, ServiceState,
};
use crate::config;
use crate::views::cache_level;

pub(crate) fn bounds(config: &config::Cache, data_dir: &Path) -> cache::Config {
    cache::Config {
        memory_bytes: config.memory_bytes,
        files: Some(FilesConfig { folder: data_dir.join("cache"), bytes: config.files_bytes }),
        database_bytes: config.database_bytes,
        ..cache::Config::default()
    }
}

pub(crate) fn view(cache: &Cache, classes: &[Class], now_ms: i64) -> CacheView {
    let stats = cache.stats();
    let total = stats.total();
    let factor = stats.ttl.factor;
    let level = |report: &LevelReport| level_view(report, &total);
    let class = |class: &Class| {
        let ttl_ms = class.ttl.as_millis() as u64;
        let factor = if class.adaptive { factor } else { 1.0 };
        CacheClassView {
            name: class.name.to_owned(),
            ttl_ms,
            effective_ttl_ms: (ttl_ms as f64 * factor) as u64,
            max_stale_ms: class.max_stale.as_millis() as u64,
            levels: Level::KEEPING
                .into_iter()
                .filter(|level| class.levels.contains(*level))
                .map(cache_level)
                .collect(),
        }
    };
    CacheView {
        now_ms,
        ttl_factor: factor,
        ttl_reason: format!("Times to live are multiplied by {factor:.2}, for {}.", stats.ttl.reason),
        levels: stats.levels.iter().map(level).collect(),
        regions: stats.regions.iter().map(|(name, counted)| region_view(name, counted)).collect(),
        classes: classes.iter().map(class).collect(),
    }
}

fn level_view(report: &LevelReport, total: &RegionStats) -> CacheLevelView {
    let health = &report.health;
    let counted = total.level(health.level);
    let micros = |span: std::time::Duration| (report.reads.count > 0).then_some(span.as_micros() as u64);
    CacheLevelView {
        level: cache_level(health.level),
        state: match health.state {
            LevelState::Up => ServiceState::Up,
            LevelState::Degraded => ServiceState::Degraded,
            LevelState::Bypassed => ServiceState::Down,
        },
        since_ms: health.since_ms,
        last_error: health.last_error.clone(),
        bytes: health.bytes,
        bytes_max: health.bound,
        entries: report.entries,
        hits: counted.hits,
        misses: counted.misses,
        evictions: report.evictions.unwrap_or(0),
        errors: counted.errors,
        p50_us: micros(report.reads.p50),
        p99_us: micros(report.reads.p99),
        waiting: health.waiting as u64,
    }
}

fn region_view(name: &str, counted: &RegionStats) -> CacheRegionView {
    CacheRegionView {
        name: name.to_owned(),
        reads: counted.reads,
        hits_memory: counted.memory.hits,
        hits_files: counted.files.hits,
        hits_database: counted.database.hits,
        origin: counted.origin,
        stale_serves: counted.stale_serves,
        computations: counted.computations,
        failures: counted.failures,
    }
}

pub(crate) fn entry(region: &str, key: &str, info: EntryInfo) -> CacheEntry {
    // Of a secret entry only its age may be told.
    let (tags, kind) = if info.secret { (Vec::new(), String::new()) } else { (info.tags, info.kind) };
    CacheEntry {
        region: region.to_owned(),
        key: key.to_owned(),
        levels: info.levels.into_iter().map(cache_level).collect(),
        created_at_ms: info.created_at_ms,
        age_ms: info.age_ms.max(0) as u64,
        expires_at_ms: info.expires_at_ms,
        stale_until_ms: info.stale_until_ms,
        fresh: info.fresh && !info.invalidated,
        tags,
        kind,
        bytes: if info.secret { 0 } else { info.bytes },
        secret: info.secret,
    }
}

pub(crate) fn problem(error: &CacheError) -> Problem {
    let code = match error {
        CacheError::NotDurable(_) => "not_durable",
        CacheError::OutOfBounds { .. } => "invalid",
        CacheError::Encode(_) => "cache_failed",
    };
    Problem::new(code, format!("{error}."))
}
