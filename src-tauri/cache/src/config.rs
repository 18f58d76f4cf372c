//! The bounds of the levels and how they are guarded.

use std::path::PathBuf;
use std::time::Duration;

use crate::breaker::BreakerConfig;
use crate::files::BOUND_MIN;
use crate::{CacheError, LoadCurve};

/// The bounds of the levels and how they are guarded.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// L1, in encoded bytes with 384 a slot for its keeping; 64 KiB to 1 TiB. Default: 32 MiB.
    pub memory_bytes: u64,
    /// L2, where there is one. Default: none.
    pub files: Option<FilesConfig>,
    /// L3, in bytes of keys, tags, payloads and 160 a row; 64 KiB to 16 TiB. Default: 256 MiB.
    pub database_bytes: u64,
    /// The longest that one call to one level below memory may take; 1 ms to a minute. Default: 500 ms.
    pub level_budget: Duration,
    /// The longest that a read may spend in all levels together; 1 ms to a minute. Default: 1 s.
    pub time_budget: Duration,
    /// When a level that fails is passed over.
    pub breaker: BreakerConfig,
    /// How the load stretches times to live.
    pub load: LoadCurve,
}

/// Where L2 lies and how large it may grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesConfig {
    /// A folder of its own; it is made where there is none. A small file of the same name with `.distrust` added
    /// lies beside it.
    pub folder: PathBuf,
    /// 1 MiB to 16 TiB.
    pub bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            memory_bytes: 32 << 20,
            files: None,
            database_bytes: 256 << 20,
            level_budget: Duration::from_millis(500),
            time_budget: Duration::from_secs(1),
            breaker: BreakerConfig::default(),
            load: LoadCurve::default(),
        }
    }
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), CacheError> {
        let within = |what, accepted, sound| {
            if sound { Ok(()) } else { Err(CacheError::OutOfBounds { what, accepted }) }
        };
        let budget = |span| (Duration::from_millis(1)..=Duration::from_secs(60)).contains(&span);
        within("size of memory", "64 KiB to 1 TiB", (64 << 10..=1 << 40).contains(&self.memory_bytes))?;
        within(
            "size of the database",
            "64 KiB to 16 TiB",
            (64 << 10..=16 << 40).contains(&self.database_bytes),
        )?;
        let files = self.files.as_ref().is_none_or(|files| (BOUND_MIN..=16 << 40).contains(&files.bytes));
        within("size of the files", "1 MiB to 16 TiB", files)?;
        within("time budget", "1 ms to 1 min", budget(self.level_budget) && budget(self.time_budget))?;
        self.breaker.check()?;
        self.load.check()
    }
}
