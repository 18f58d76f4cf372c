#![doc = include_str!("../README.md")]

mod cache;
mod class;
mod clock;
mod codec;
mod database;
mod entry;
mod error;
mod files;
mod flight;
mod marks;
mod memory;
mod name;
mod region;
mod stats;
mod tier;
#[cfg(test)]
mod tier_tests;

pub use cache::{Cache, Config, Hit, Level, MIGRATIONS};
pub use class::Class;
pub use clock::{Clock, Now};
pub use entry::Cached;
pub use error::{CacheError, ComputeError};
pub use name::{KEY_MAX, REGION_MAX, TAG_MAX, TAGS_MAX, VALUE_MAX};
pub use region::Region;
pub use stats::{LevelStats, RegionStats, Stats};
