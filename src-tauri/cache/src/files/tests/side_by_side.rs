//! Many readers and writers at once, while segments are dropped.

use std::sync::atomic::{AtomicBool, AtomicU64};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_never_see_a_foreign_or_an_older_value_while_segments_are_dropped() {
    const KEYS: u64 = 64;
    let folder = tempfile::tempdir().unwrap();
    let sizes = Sizes { bound: 256 << 10, segment: 16 << 10 };
    let files = Arc::new(open(folder.path(), sizes).await);
    let ended = Arc::new(AtomicBool::new(false));
    let stamps = Arc::new(AtomicU64::new(0));
    let value = |n: u64, stamp: u64| noise(n << 32 | stamp, 64 + (stamp % 3000) as usize);
    let readers: Vec<_> = (0..4u64)
        .map(|reader| {
            let (files, ended) = (Arc::clone(&files), Arc::clone(&ended));
            tokio::spawn(async move {
                let (mut seen, mut hits) = (vec![0; KEYS as usize], 0u64);
                for turn in reader.. {
                    let n = turn * 7 % KEYS;
                    if let Some(found) = files.get(&key("r", &n.to_string())).await.unwrap() {
                        let stamp = found.meta.stamp;
                        assert!(stamp >= seen[n as usize], "key {n} went back");
                        assert_eq!(found.payload, value(n, stamp), "key {n} of stamp {stamp}");
                        seen[n as usize] = stamp;
                        hits += 1;
                    }
                    if ended.load(Ordering::SeqCst) {
                        break;
                    }
                }
                hits
            })
        })
        .collect();
    let writers: Vec<_> = (0..4u64)
        .map(|writer| {
            let (files, stamps) = (Arc::clone(&files), Arc::clone(&stamps));
            tokio::spawn(async move {
                for turn in 0..1500u64 {
                    let n = (turn * 4 + writer) % KEYS;
                    let stamp = stamps.fetch_add(1, Ordering::SeqCst) + 1;
                    match turn % 50 {
                        10 => files.remove(&key("r", &n.to_string()), stamp, NOW_MS).await.unwrap(),
                        20 => files.sweep_region("r", stamp - 1000.min(stamp)).await.unwrap(),
                        _ => files
                            .put(&key("r", &n.to_string()), record(stamp, &value(n, stamp)))
                            .await
                            .unwrap(),
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    ended.store(true, Ordering::SeqCst);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    assert!(files.bytes() <= sizes.bound);
    let counted = (0..KEYS).filter(|n| files.log.find(&key("r", &n.to_string())).is_some()).count();
    assert_eq!(counted, files.entries());
}
