//! A market over a temporary folder, with a clock that tests set.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use cache::Cache;
use eider_market::{Clock, Currency, MIGRATIONS, Market, MarketConfig, Now, Source, TokenId};
use limits::{Backoff, NoJournal, Pipeline};
use store::Store;

/// 2025-06-15 15:06:40 UTC.
pub(crate) const START_MS: i64 = 1_750_000_000_000;
pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// A clock whose both readings move only when told.
#[derive(Clone)]
pub(crate) struct TestTime(Arc<AtomicI64>);

impl TestTime {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(START_MS)))
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn pass_ms(&self, by_ms: i64) {
        self.0.fetch_add(by_ms, Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::from_fn(move || {
            let wall_ms = time.now_ms();
            Now { wall_ms, mono_ms: (wall_ms - START_MS) as u64 }
        })
    }
}

pub(crate) struct Rig {
    pub(crate) market: Market,
    pub(crate) pipeline: Pipeline,
    stores: [Store; 2],
    cache: Cache,
}

impl Rig {
    pub(crate) async fn open(folder: &Path, source: Arc<dyn Source>, time: &TestTime) -> Self {
        Self::open_with(folder, source, time, MarketConfig::default()).await
    }

    pub(crate) async fn open_with(
        folder: &Path,
        source: Arc<dyn Source>,
        time: &TestTime,
        config: MarketConfig,
    ) -> Self {
        Self::open_limited(folder, source, time, config, 10_000).await
    }

    /// With so many calls a minute.
    pub(crate) async fn open_limited(
        folder: &Path,
        source: Arc<dyn Source>,
        time: &TestTime,
        config: MarketConfig,
        limit: u32,
    ) -> Self {
        let open = |name, migrations| {
            let config = store::Config { durability: store::Durability::Normal, ..store::Config::default() };
            Store::open(&folder.join(name), &[migrations], config).unwrap().store
        };
        let stores = [open("eider.db", MIGRATIONS), open("cache.db", cache::MIGRATIONS)];
        let cache = Cache::open(cache::Config::default(), stores[1].clone(), time.clock()).await.unwrap();
        let limits = limits::Config {
            limit,
            attempts: 1,
            backoff: Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(2) },
            ..limits::Config::new("test")
        };
        let pipeline = Pipeline::open(limits, Arc::new(NoJournal), |_| true).await.unwrap();
        let market = Market::open(source, pipeline.clone(), &cache, stores[0].clone(), config, time.clock())
            .await
            .unwrap();
        Self { market, pipeline, stores, cache }
    }

    /// Ends everything in order, so that the folder can be opened again.
    pub(crate) async fn close(self) {
        self.pipeline.stop().await;
        self.cache.close().await;
        for store in self.stores {
            store.close().await;
        }
    }
}

pub(crate) fn id(id: &str) -> TokenId {
    TokenId::new(id).unwrap()
}

pub(crate) fn usd() -> Currency {
    Currency::usd()
}
