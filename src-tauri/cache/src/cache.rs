//! The cache itself: what its users hold, and the calls that concern all regions.

use std::sync::Arc;

use store::{Migrations, Store};

use crate::core::Core;
use crate::hot::HotKey;
use crate::marks::Scope;
use crate::name::check_tag;
use crate::stats::{LevelHealth, Stats};
use crate::{CacheError, Clock, Config, EntryInfo, Level, OpenError, Region, TtlFactor};

/// The tables of the cache; apply them to its store.
pub const MIGRATIONS: Migrations =
    Migrations { owner: "cache", steps: &[include_str!("schema.sql"), include_str!("envelope.sql")] };

/// A value with its age and where it was found.
#[derive(Debug)]
pub struct Hit<T> {
    /// The value, shared with the cache.
    pub value: Arc<T>,
    /// When it was computed, set or renewed.
    pub created_at_ms: i64,
    /// Where it was found.
    pub level: Level,
    /// Whether it is past its time to live and serves only because nothing newer could be had.
    pub stale: bool,
}

impl<T> Clone for Hit<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), ..*self }
    }
}

/// A cache of typed values in memory, files and SQLite; cloning it is cheap.
#[derive(Clone)]
pub struct Cache {
    pub(crate) core: Arc<Core>,
}

impl Cache {
    /// Opens the cache over a store that has [`MIGRATIONS`] applied; every mark is loaded before it returns.
    ///
    /// A level that cannot be opened is passed over until it can. Install a `metrics` recorder before, if there is
    /// to be one. A background task looks after the levels once a second, until the cache is closed or dropped.
    ///
    /// # Errors
    /// [`OpenError`] for a configuration out of its bounds.
    pub async fn open(config: Config, store: Store, clock: Clock) -> Result<Self, OpenError> {
        config.check()?;
        let core = Arc::new(Core::open(config, store, clock).await);
        core.tend_in_background();
        Ok(Self { core })
    }

    /// The region of this name; asking again gives the same one.
    ///
    /// # Errors
    /// [`CacheError::OutOfBounds`] unless the name is 1 to 64 characters of `a-z`, `0-9`, `_` and `-`, and there are
    /// no more than [`REGIONS_MAX`](crate::REGIONS_MAX).
    pub fn region(&self, name: &str) -> Result<Region, CacheError> {
        let area = self.core.areas.open(name, &self.core.marks)?;
        Ok(Region { area, core: Arc::clone(&self.core) })
    }

    /// The names of the regions that were opened.
    pub fn regions(&self) -> Vec<String> {
        self.core.areas.all().iter().map(|area| area.name.to_string()).collect()
    }

    /// Invalidates every entry that carries the tag, in every region and level, also those being computed.
    ///
    /// It costs one durable mark, whatever the number of entries.
    ///
    /// # Errors
    /// [`CacheError::OutOfBounds`] for the tag; [`CacheError::NotDurable`] where the mark holds in this
    /// process but could not be written.
    pub async fn invalidate_tag(&self, tag: &str) -> Result<(), CacheError> {
        check_tag(tag)?;
        self.core.mark(Scope::Tag, tag).await.map(drop)
    }

    /// Invalidates every entry of every region and level, also those being computed; one durable mark.
    ///
    /// # Errors
    /// [`CacheError::NotDurable`] where the mark holds in this process but could not be written.
    pub async fn clear_all(&self) -> Result<(), CacheError> {
        let outcome = self.core.mark(Scope::All, "").await;
        self.core.areas.all().iter().for_each(|area| self.core.forget_region(area));
        outcome.map(drop)
    }

    /// Tells the load of the machine, 0 to 1; every second or two keeps the smoothing true.
    ///
    /// Times to live follow it at the next read, without an entry being touched.
    pub fn set_load(&self, load: f64) {
        self.core.load.tell(load, self.core.clock.now());
    }

    /// By how much the load stretches times to live now, and why.
    pub fn ttl_factor(&self) -> TtlFactor {
        self.core.load.read()
    }

    /// What is known of an entry and which levels hold it; never its value.
    ///
    /// # Errors
    /// [`CacheError::OutOfBounds`] for the region or the key.
    pub async fn inspect(&self, region: &str, key: &str) -> Result<Option<EntryInfo>, CacheError> {
        self.core.inspect(region, key).await
    }

    /// The `n` keys that are asked for most, hottest first; at most 1,024 are known. The list outlives a restart,
    /// so that those keys can be loaded before they are asked for.
    pub fn hot_keys(&self, n: usize) -> Vec<HotKey> {
        self.core.hot.top(n)
    }

    /// How each level fares, fastest first.
    pub fn levels(&self) -> Vec<LevelHealth> {
        self.core.reports().into_iter().map(|report| report.health).collect()
    }

    /// Reads every counter.
    pub fn stats(&self) -> Stats {
        self.core.stats()
    }

    /// Does now what the background task does each second: probes what is passed over, replays what it missed,
    /// writes marks that are not durable yet, and publishes figures.
    pub async fn tend(&self) {
        self.core.tend().await;
    }

    /// Ends the computations under way and waits for them, writes what is left to write, and closes the files;
    /// twice is fine. The store stays open.
    pub async fn close(&self) {
        self.core.close().await;
    }
}
