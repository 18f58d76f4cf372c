//! The cache itself: its levels, its marks, and how a read walks them.

use std::sync::Arc;
use std::time::Duration;

use store::{Migrations, Store, StoreError};

use crate::database::Database;
use crate::entry::{Age, Cached, Meta, Record, Slot};
use crate::flight::Flights;
use crate::marks::{Mark, Marks};
use crate::memory::Memory;
use crate::name::{FullKey, check_region, check_tag};
use crate::stats::{Counters, Ledger, Stats};
use crate::tier::Tier;
use crate::{CacheError, Clock, Region};

/// The tables of the cache; apply them to its store.
pub const MIGRATIONS: Migrations = Migrations { owner: "cache", steps: &[include_str!("schema.sql")] };

/// The bounds of the levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// L1, in encoded bytes with 256 a slot for its keeping. Default: 32 MiB.
    pub memory_bytes: u64,
    /// L3, in bytes of keys, tags, payloads and 160 a row. Default: 256 MiB.
    pub database_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { memory_bytes: 32 << 20, database_bytes: 256 << 20 }
    }
}

/// The level that a value was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// L1, in this process.
    Memory,
    /// L3, SQLite.
    Database,
    /// None: it was computed for this call, or for one at the same time.
    Origin,
}

/// A value with its age and where it was found.
#[derive(Debug)]
pub struct Hit<T> {
    /// The value, shared with the cache.
    pub value: Arc<T>,
    /// When it was computed or set.
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

/// A cache of typed values in memory and SQLite; cloning it is cheap.
#[derive(Clone)]
pub struct Cache {
    pub(crate) core: Arc<Core>,
}

/// What all regions share.
pub(crate) struct Core {
    pub(crate) memory: Memory,
    lower: Vec<(Level, Box<dyn Tier>)>,
    pub(crate) marks: Marks,
    pub(crate) flights: Arc<Flights>,
    /// Keys whose last computation failed, so that their source is not asked again at once.
    pub(crate) failed: moka::sync::Cache<FullKey, u64>,
    pub(crate) clock: Clock,
    ledger: Ledger,
}

impl Cache {
    /// Opens the cache over a store that has [`MIGRATIONS`] applied; every mark is loaded before it returns.
    ///
    /// # Errors
    /// The store's own, where its tables cannot be read.
    pub async fn open(config: Config, store: Store, clock: Clock) -> Result<Self, StoreError> {
        let marks = Marks::load(store.clone()).await?;
        let database = Database::open(store, config.database_bytes).await?;
        let failed =
            moka::sync::Cache::builder().max_capacity(10_000).time_to_idle(Duration::from_secs(3600));
        Ok(Self {
            core: Arc::new(Core {
                memory: Memory::new(config.memory_bytes),
                lower: vec![(Level::Database, Box::new(database))],
                marks,
                flights: Arc::default(),
                failed: failed.build(),
                clock,
                ledger: Ledger::default(),
            }),
        })
    }

    /// The region of this name; asking again gives the same one.
    ///
    /// # Errors
    /// [`CacheError::OutOfBounds`] unless the name is 1 to 64 characters of `a-z`, `0-9`, `_` and `-`.
    pub fn region(&self, name: &str) -> Result<Region, CacheError> {
        check_region(name)?;
        let name: Arc<str> = Arc::from(name);
        let counters = self.core.ledger.region(&name);
        Ok(Region { name, counters, core: Arc::clone(&self.core) })
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
        self.core.marks.set(Mark::Tag(tag.to_owned()), self.core.clock.now().wall_ms).await?;
        Ok(())
    }

    /// Reads every counter.
    pub fn stats(&self) -> Stats {
        Stats {
            regions: self.core.ledger.read(),
            memory_bytes: self.core.memory.bytes(),
            database_bytes: self.core.lower.iter().map(|(_, tier)| tier.bytes()).sum(),
            memory_evictions: self.core.memory.evictions(),
        }
    }

    /// Ends the computations under way and waits for them; twice is fine. The store stays open.
    pub async fn close(&self) {
        self.core.flights.close().await;
    }
}

/// What a walk through the levels found.
pub(crate) enum Found<T> {
    Fresh(Hit<T>),
    /// Past its time to live, but within what its class allows; with what decides whether it still may serve.
    Stale(Hit<T>, Arc<Meta>),
    Nothing,
}

impl Core {
    /// Walks the levels from the fastest down, and copies what it finds below up to memory.
    pub(crate) async fn look_up<T: Cached>(&self, key: &FullKey, counters: &Counters) -> Found<T> {
        if let Some(slot) = self.memory.get(key) {
            // Every write passes memory, so what stands there is the newest: nothing below is asked.
            let found = self.judge(key, &slot, Level::Memory);
            counters.looked_up(Level::Memory, matches!(found, Found::Fresh(_)));
            return found;
        }
        counters.looked_up(Level::Memory, false);
        for (level, tier) in &self.lower {
            let record = tier.get(key).await.unwrap_or_else(|error| {
                tracing::debug!(?level, %error, "a cache level failed a read and was passed over");
                counters.level_failed(*level);
                None
            });
            let found = record.and_then(|record| self.promote::<T>(key, &record, counters));
            let found = found.map_or(Found::Nothing, |slot| self.judge(key, &slot, *level));
            counters.looked_up(*level, matches!(found, Found::Fresh(_)));
            if !matches!(found, Found::Nothing) {
                return found;
            }
        }
        Found::Nothing
    }

    /// The fresh value of this key in memory; nothing is counted and nothing awaited.
    pub(crate) fn fresh_in_memory<T: Cached>(&self, key: &FullKey) -> Option<Hit<T>> {
        let slot = self.memory.get(key)?;
        match self.judge(key, &slot, Level::Memory) {
            Found::Fresh(hit) => Some(hit),
            Found::Stale(..) | Found::Nothing => None,
        }
    }

    /// Copies an entry to memory with its creation time and life as they were; returns what stands there.
    fn promote<T: Cached>(&self, key: &FullKey, record: &Record, counters: &Counters) -> Option<Slot> {
        if record.meta.age(self.clock.now(), 0) == Age::Dead || !self.marks.allow(&key.region, &record.meta) {
            return None;
        }
        let value: T = record.decode()?;
        counters.promoted();
        let slot = self.slot(Arc::new(value), record);
        Some(self.memory.put(key.clone(), slot))
    }

    fn slot<T: Cached>(&self, value: Arc<T>, record: &Record) -> Slot {
        Slot {
            meta: Arc::new(record.meta.clone()),
            value: Some(value),
            held_since_ms: self.clock.now().mono_ms,
            bytes: record.payload.len() as u32,
        }
    }

    fn judge<T: Cached>(&self, key: &FullKey, slot: &Slot, level: Level) -> Found<T> {
        let Some(value) = slot.value.clone().and_then(|value| value.downcast::<T>().ok()) else {
            return Found::Nothing;
        };
        if !self.marks.allow(&key.region, &slot.meta) {
            return Found::Nothing;
        }
        let now = self.clock.now();
        let hit = |stale| Hit { value, created_at_ms: slot.meta.created_at_ms, level, stale };
        match slot.meta.age(now, now.mono_ms.saturating_sub(slot.held_since_ms)) {
            Age::Fresh => Found::Fresh(hit(false)),
            Age::Stale => Found::Stale(hit(true), Arc::clone(&slot.meta)),
            Age::Dead => Found::Nothing,
        }
    }

    /// Whether neither a mark nor a removal has come since the entry's computation started.
    pub(crate) fn still_valid(&self, key: &FullKey, meta: &Meta) -> bool {
        let removed = |slot: Slot| slot.value.is_none() && slot.meta.stamp > meta.stamp;
        self.marks.allow(&key.region, meta) && !self.memory.get(key).is_some_and(removed)
    }

    /// Writes a value to every level, unless a newer value or a removal stands there.
    pub(crate) async fn store<T: Cached>(
        &self,
        key: &FullKey,
        meta: &Meta,
        value: Arc<T>,
        counters: &Counters,
    ) -> Result<(), CacheError> {
        let record = Record::encode(meta.clone(), &*value)?;
        let standing = self.memory.put(key.clone(), self.slot(value, &record));
        if standing.meta.stamp != meta.stamp {
            return Ok(());
        }
        for (level, tier) in &self.lower {
            if let Err(error) = tier.put(key, record.clone()).await {
                tracing::debug!(?level, %error, "a cache level failed a write and was passed over");
                counters.level_failed(*level);
            }
        }
        Ok(())
    }

    pub(crate) async fn remove(&self, key: &FullKey) -> Result<(), CacheError> {
        let now = self.clock.now();
        let stamp = self.marks.next_stamp(now.wall_ms);
        let trace = Meta::trace(stamp, now.wall_ms);
        self.memory.put(key.clone(), Slot::trace(trace, now.mono_ms));
        let mut outcome = Ok(());
        for (_, tier) in &self.lower {
            if let Err(error) = tier.remove(key, stamp, now.wall_ms).await {
                outcome = Err(CacheError::NotDurable(error.to_string()));
            }
        }
        outcome
    }

    pub(crate) async fn clear(&self, region: &str) -> Result<(), CacheError> {
        let mark = Mark::Region(region.to_owned());
        let stamp = self.marks.set(mark, self.clock.now().wall_ms).await?;
        for (level, tier) in &self.lower {
            if let Err(error) = tier.sweep_region(region, stamp).await {
                tracing::debug!(?level, %error, "the room of a cleared region could not be freed yet");
            }
        }
        Ok(())
    }
}
