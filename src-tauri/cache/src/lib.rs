#![doc = include_str!("../README.md")]

mod cache;
mod region;

mod compute;
mod computed;
mod inspect;
mod walk;
mod write;

mod core;
mod open;
mod tend;

mod areas;
mod class;
mod clock;
mod config;
mod entry;
mod error;
mod flight;
mod hot;
mod levels;
mod load;
mod marks;
mod name;
mod setback;

mod backlog;
mod distrust;
mod journal;

mod breaker;
mod guard;
mod holdings;
mod memory;
mod overlay;
mod tier;

mod codec;
mod compress;
mod database;
mod files;

mod counters;
mod latency;
mod publish;
mod stats;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tier_tests;

pub use breaker::BreakerConfig;
pub use cache::{Cache, Hit, MIGRATIONS};
pub use class::Class;
pub use clock::{Clock, Now};
pub use computed::{Computed, Failure, Previous};
pub use config::{Config, FilesConfig};
pub use entry::Cached;
pub use error::{CacheError, ComputeError, OpenError};
pub use hot::HotKey;
pub use inspect::EntryInfo;
pub use latency::LatencyStats;
pub use levels::{Level, Levels};
pub use load::{LoadCurve, TtlFactor, TtlReason};
pub use name::{KEY_MAX, REGION_MAX, REGIONS_MAX, TAG_MAX, TAGS_MAX, VALIDATOR_MAX, VALUE_MAX};
pub use region::Region;
pub use stats::{LevelHealth, LevelReport, LevelState, LevelStats, RegionStats, Stats};
