//! A cache over any set of levels, with clocks that the test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store::{Config as StoreConfig, Store};

use super::shelf::Shelf;
use crate::breaker::BreakerConfig;
use crate::core::Core;
use crate::database::Database;
use crate::files::Files;
use crate::guard::{Guard, Opener, Terms};
use crate::tier::Tier;
use crate::{Cache, Cached, Class, Clock, Config, Level, MIGRATIONS, Now, Region};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Text(pub(super) String);
impl Cached for Text {
    const KIND: &'static str = "text";
    const SCHEMA: u32 = 1;
}

pub(super) fn text(value: &str) -> Text {
    Text(value.to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source is down")]
pub(super) struct Down;

pub(super) const TTL: Duration = Duration::from_secs(300);
pub(super) const CLASS: Class = Class::new("price", TTL)
    .max_stale(Duration::from_secs(3600))
    .retry_after_failure(Duration::from_secs(10));

/// Both clocks, moved by hand.
#[derive(Default)]
pub(super) struct Hands {
    pub(super) wall_ms: AtomicI64,
    pub(super) mono_ms: AtomicU64,
}

impl Hands {
    pub(super) fn pass(&self, span: Duration) {
        self.wall_ms.fetch_add(span.as_millis() as i64, Ordering::SeqCst);
        self.mono_ms.fetch_add(span.as_millis() as u64, Ordering::SeqCst);
    }

    pub(super) fn clock(self: &Arc<Self>) -> Clock {
        let hands = Arc::clone(self);
        Clock::from_fn(move || Now {
            wall_ms: hands.wall_ms.load(Ordering::SeqCst),
            mono_ms: hands.mono_ms.load(Ordering::SeqCst),
        })
    }
}

/// What stands in for a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Below {
    Files,
    Database,
    /// A shelf in the place of this level.
    Shelf(Level),
}

impl Below {
    pub(super) fn level(self) -> Level {
        match self {
            Self::Files => Level::Files,
            Self::Database => Level::Database,
            Self::Shelf(level) => level,
        }
    }
}

pub(super) const SHELVES: &[Below] = &[Below::Shelf(Level::Files), Below::Shelf(Level::Database)];

pub(super) struct Rig {
    pub(super) folder: tempfile::TempDir,
    pub(super) hands: Arc<Hands>,
    pub(super) store: Store,
    pub(super) shelves: [Arc<Shelf>; 2],
    pub(super) levels: Vec<Below>,
    pub(super) config: Config,
    pub(super) cache: Cache,
    pub(super) region: Region,
}

impl Rig {
    pub(super) async fn new(levels: &[Below]) -> Self {
        let config = Config {
            level_budget: Duration::from_secs(10),
            time_budget: Duration::from_secs(20),
            breaker: BreakerConfig { failures: 3, ..BreakerConfig::default() },
            ..Config::default()
        };
        Self::with(levels, config).await
    }

    pub(super) async fn with(levels: &[Below], config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hands = Arc::new(Hands { wall_ms: AtomicI64::new(1_800_000_000_000), ..Hands::default() });
        let store = open_store(&folder);
        let shelves = [Arc::default(), Arc::default()];
        Self::open(folder, hands, store, shelves, levels.to_vec(), config).await
    }

    async fn open(
        folder: tempfile::TempDir,
        hands: Arc<Hands>,
        store: Store,
        shelves: [Arc<Shelf>; 2],
        levels: Vec<Below>,
        config: Config,
    ) -> Self {
        let guards = levels.iter().map(|below| {
            let clock = hands.clock();
            let open: Opener = match below {
                Below::Files => {
                    let path = folder.path().join("cache");
                    Box::new(move || {
                        let (path, clock) = (path.clone(), clock.clone());
                        Box::pin(async move {
                            Ok(Arc::new(Files::open(&path, 8 << 20, clock).await?) as Arc<dyn Tier>)
                        })
                    })
                }
                Below::Database => {
                    let store = store.clone();
                    Box::new(move || {
                        let store = store.clone();
                        Box::pin(async move {
                            Ok(Arc::new(Database::open(store, 8 << 20).await?) as Arc<dyn Tier>)
                        })
                    })
                }
                Below::Shelf(Level::Files) => shelves[0].opener(),
                Below::Shelf(_) => shelves[1].opener(),
            };
            let (budget, breaker) = (config.level_budget, config.breaker);
            Guard::new(below.level(), open, Terms { bound: 8 << 20, budget, breaker, clock: hands.clock() })
        });
        let core = Core::over(config.clone(), guards.collect(), store.clone(), hands.clock()).await;
        let cache = Cache { core: Arc::new(core) };
        let region = cache.region("prices").unwrap();
        Self { folder, hands, store, shelves, levels, config, cache, region }
    }

    /// Opens the same files again after an orderly end.
    pub(super) async fn restart(self) -> Self {
        self.cache.close().await;
        self.crash().await
    }

    /// Opens the same files again without an end. What was on its way to a level in the background arrives first,
    /// since two caches must not share a folder.
    pub(super) async fn crash(self) -> Self {
        let Self { folder, hands, store, shelves, levels, config, cache, region } = self;
        cache.core.flights.close().await;
        drop((cache, region));
        Self::open(folder, hands, store, shelves, levels, config).await
    }

    /// As [`crash`](Self::crash), and the database is opened anew too.
    pub(super) async fn crash_with_store(self) -> Self {
        let Self { folder, hands, store, shelves, levels, config, cache, region } = self;
        cache.core.flights.close().await;
        drop((cache, region));
        store.close().await;
        let store = open_store(&folder);
        Self::open(folder, hands, store, shelves, levels, config).await
    }

    pub(super) fn broken_journal(&self) -> &Arc<AtomicBool> {
        &self.cache.core.journal.broken
    }

    pub(super) fn evict_memory(&self) {
        self.cache.core.memory.evict_all();
    }

    pub(super) async fn set(&self, key: &str, value: &str) {
        self.region.set(key, text(value), &CLASS, &["tag"]).await.unwrap();
    }

    pub(super) async fn get(&self, key: &str) -> Option<(String, Level)> {
        self.region.get::<Text>(key).await.map(|hit| (hit.value.0.clone(), hit.level))
    }

    pub(super) async fn value(&self, key: &str) -> Option<String> {
        Some(self.get(key).await?.0)
    }
}

fn open_store(folder: &tempfile::TempDir) -> Store {
    Store::open(&folder.path().join("cache.db"), &[MIGRATIONS], StoreConfig::default()).unwrap().store
}
