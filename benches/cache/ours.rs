//! What all figures of this cache share.

use std::path::Path;
use std::time::Duration;

use eider_cache::{Cache, Cached, Class, Clock, Config, FilesConfig, Level, Levels, MIGRATIONS};
use eider_store::{Durability, Store};
use serde::{Deserialize, Serialize};

/// The value that every contender holds.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Text(pub(crate) String);

impl Cached for Text {
    const KIND: &'static str = "text";
    const SCHEMA: u32 = 1;
}

/// An open cache and the database below it.
pub(crate) struct Ours {
    pub(crate) cache: Cache,
    store: Store,
}

impl Ours {
    pub(crate) async fn open(
        folder: &Path,
        memory_bytes: u64,
        files_bytes: Option<u64>,
    ) -> anyhow::Result<Self> {
        let config = eider_store::Config { durability: Durability::Normal, ..eider_store::Config::default() };
        let store = Store::open(&folder.join("cache.db"), &[MIGRATIONS], config)?.store;
        let files = files_bytes.map(|bytes| FilesConfig { folder: folder.join("files"), bytes });
        let config = Config { memory_bytes, files, ..Config::default() };
        let cache = Cache::open(config, store.clone(), Clock::system()).await?;
        Ok(Self { cache, store })
    }

    pub(crate) async fn close(self) {
        self.cache.close().await;
        self.store.close().await;
    }

    /// The bytes that memory counts for what it holds.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let memory = |report: &&eider_cache::LevelHealth| report.level == Level::Memory;
        self.cache.levels().iter().find(memory).map_or(0, |report| report.bytes)
    }
}

/// Values that live a day in these levels, and are not compressed: the peers do not compress either.
pub(crate) fn class(levels: Levels) -> Class {
    Class::new("bench", Duration::from_secs(86_400)).levels(levels).compress_over(None)
}

/// Text of this length that no compressor could shrink much, different for each number.
pub(crate) fn text(number: usize, length: usize) -> String {
    let mut state = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'0' + (state >> 32) as u8 % 75)
    };
    (0..length).map(|_| letter()).collect()
}

pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
