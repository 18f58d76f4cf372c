//! What memory keeps where there is room for little: never more than its bound, and what is asked for often.

use std::collections::{BTreeMap, HashMap};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use store::Store;

use super::rig::{CLASS, Hands, Text, text};
use crate::{Cache, Class, Config, Levels, MIGRATIONS};

const CLASS_IN_MEMORY: Class = CLASS.levels(Levels::MEMORY);

async fn open(memory_bytes: u64) -> (tempfile::TempDir, Store, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("cache.db"), &[MIGRATIONS], store::Config::default());
    let store = store.unwrap().store;
    let config = Config { memory_bytes, ..Config::default() };
    let hands = std::sync::Arc::new(Hands::default());
    hands.wall_ms.store(1_700_000_000_000, std::sync::atomic::Ordering::SeqCst);
    let cache = Cache::open(config, store.clone(), hands.clock()).await.unwrap();
    (folder, store, cache)
}

#[tokio::test]
async fn the_bound_holds_at_every_moment_also_where_values_grow_in_place() {
    const BOUND: u64 = 256 << 10;
    let (_folder, store, cache) = open(BOUND).await;
    let region = cache.region("prices").unwrap();
    for round in 0..8 {
        for key in 0..64 {
            let value = text(&"x".repeat(1 << (6 + round)));
            region.set(&key.to_string(), value, &CLASS_IN_MEMORY, &[]).await.unwrap();
            let held = cache.levels()[0].bytes;
            assert!(held <= BOUND, "{held} bytes in round {round}");
            let counted = cache.stats().regions["prices"].memory_bytes;
            assert!(counted <= held, "{counted} bytes of values of {held} in all");
        }
    }
    let mut left = 0;
    for key in 0..64 {
        left += region.get::<Text>(&key.to_string()).await.map_or(0, |hit| hit.value.0.len() as u64);
    }
    assert!(left > BOUND / 2, "the room is used: {left}");
    cache.close().await;
    store.close().await;
}

/// Requests for 20,000 keys, key `k` asked for about `1 / k` as often as key 1.
fn requests() -> Vec<u32> {
    let mut random = SmallRng::seed_from_u64(7);
    let weights: Vec<f64> = (1..=20_000)
        .scan(0.0, |sum, rank| {
            *sum += 1.0 / f64::from(rank);
            Some(*sum)
        })
        .collect();
    let whole = weights[weights.len() - 1];
    (0..100_000)
        .map(|_| {
            let point = random.random::<f64>() * whole;
            weights.partition_point(|upto| *upto < point) as u32
        })
        .collect()
}

fn hits_of_the_least_recently_used(requests: &[u32], room: usize) -> usize {
    let (mut used, mut order) = (HashMap::new(), BTreeMap::new());
    let mut hits = 0;
    for (turn, key) in requests.iter().enumerate() {
        if let Some(before) = used.insert(*key, turn) {
            hits += 1;
            order.remove(&before);
        }
        order.insert(turn, *key);
        if used.len() > room
            && let Some((_, oldest)) = order.pop_first()
        {
            used.remove(&oldest);
        }
    }
    hits
}

/// Weighing entries by their bytes once made the frequencies that eviction goes by worthless.
#[tokio::test]
async fn what_is_asked_for_often_outlives_a_flood_of_what_is_asked_for_once() {
    const ROOM: usize = 200;
    let key = |key: u32| format!("{key:05}");
    let (_folder, store, roomy) = open(64 << 20).await;
    let region = roomy.region("prices").unwrap();
    for number in 0..ROOM as u32 {
        region.set(&key(number), text("5.41"), &CLASS_IN_MEMORY, &[]).await.unwrap();
    }
    let bytes = roomy.levels()[0].bytes;
    roomy.close().await;
    store.close().await;

    let (_folder, store, cache) = open(bytes).await;
    let (region, requests) = (cache.region("prices").unwrap(), requests());
    let mut hits = 0;
    for number in &requests {
        if region.get::<Text>(&key(*number)).await.is_some() {
            hits += 1;
        } else {
            region.set(&key(*number), text("5.41"), &CLASS_IN_MEMORY, &[]).await.unwrap();
        }
    }
    let lru = hits_of_the_least_recently_used(&requests, ROOM);
    assert!(hits * 100 > lru * 110, "{hits} hits; the least recently used has {lru}");
    cache.close().await;
    store.close().await;
}
