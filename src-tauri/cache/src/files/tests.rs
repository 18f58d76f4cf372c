//! The level against real files.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::Now;
use crate::tier_tests::{NOW_MS, conforms, key, record};

/// A wall clock moved by hand.
fn hands() -> (Arc<AtomicI64>, Clock) {
    let wall_ms = Arc::new(AtomicI64::new(NOW_MS));
    let read = Arc::clone(&wall_ms);
    (wall_ms, Clock::from_fn(move || Now { wall_ms: read.load(Ordering::SeqCst), mono_ms: 0 }))
}

const SMALL: Sizes = Sizes { bound: 1 << 20, segment: 64 << 10 };

async fn open(folder: &Path, sizes: Sizes) -> Files {
    Files::open_with(folder, sizes, Arc::new(Machine), hands().1).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_level_conforms() {
    let folder = tempfile::tempdir().unwrap();
    for sizes in [Sizes::for_bound(64 << 20), SMALL] {
        let files = open(&folder.path().join(sizes.bound.to_string()), sizes).await;
        conforms(&files).await;
        files.close().await;
        files.close().await;
        assert!(files.put(&key("a", "b"), record(1, b"")).await.is_err(), "after the end");
    }
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart_with_and_without_an_end() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..4u64 {
        let files = open(folder.path(), SMALL).await;
        for n in 0..round * 100 {
            let found = files.get(&key("r", &n.to_string())).await.unwrap();
            assert_eq!(found, (n % 7 != 0).then(|| record(n + 1, &n.to_le_bytes())), "{n} in round {round}");
        }
        for n in round * 100..round * 100 + 100 {
            files.put(&key("r", &n.to_string()), record(n + 1, &n.to_le_bytes())).await.unwrap();
            if n % 7 == 0 {
                files.remove(&key("r", &n.to_string()), n + 2, NOW_MS).await.unwrap();
            }
        }
        assert_eq!(files.newest_stamp(), round * 100 + 100 + u64::from((round * 100 + 99) % 7 == 0));
        if round % 2 == 0 {
            files.close().await;
        }
    }
}
