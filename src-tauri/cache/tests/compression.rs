//! Large values take less room on disk and in the database, where their class says so.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::Duration;

use eider_cache::{Cache, Cached, Class, Clock, Config, FilesConfig, Level, MIGRATIONS};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Text(String);
impl Cached for Text {
    const KIND: &'static str = "text";
    const SCHEMA: u32 = 1;
}

const BYTES: usize = 200_000;

fn text() -> Text {
    Text("All work and no play makes Jack a dull boy. ".repeat(BYTES / 44))
}

async fn open(folder: &Path, files_bytes: u64) -> Cache {
    let path = folder.join("cache.db");
    let store = store::Store::open(&path, &[MIGRATIONS], store::Config::default()).unwrap().store;
    let files = Some(FilesConfig { folder: folder.join("cache"), bytes: files_bytes });
    Cache::open(Config { files, ..Config::default() }, store, Clock::system()).await.unwrap()
}

#[tokio::test]
async fn a_large_value_is_compressed_below_memory_and_comes_back_whole() {
    let class = Class::new("text", Duration::from_secs(300));
    for (class, compressed) in [
        (class, true),
        (class.compress_over(Some(BYTES as u32 * 2)), false),
        (class.compress_over(None), false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path(), 64 << 20).await;
        cache.region("r").unwrap().set("k", text(), &class, &[]).await.unwrap();
        let stats = cache.stats();
        for bytes in [stats.files_bytes, stats.database_bytes] {
            assert_eq!(bytes < BYTES as u64 / 10, compressed, "{bytes} bytes of {class:?}");
        }
        let entry = cache.inspect("r", "k").await.unwrap().unwrap();
        assert!(entry.bytes > BYTES as u64 * 9 / 10, "an entry is as large as its value");
        cache.close().await;
        for (level, files_bytes) in [(Level::Files, 64 << 20), (Level::Database, 1 << 20)] {
            if level == Level::Database {
                std::fs::remove_dir_all(folder.path().join("cache")).unwrap();
            }
            let cache = open(folder.path(), files_bytes).await;
            let hit = cache.region("r").unwrap().get::<Text>("k").await.unwrap();
            assert_eq!((hit.level, &*hit.value), (level, &text()));
            cache.close().await;
        }
    }
}
