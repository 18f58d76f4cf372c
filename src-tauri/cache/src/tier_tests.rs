//! What every level below memory must do; one suite for all of them.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use crate::entry::{Meta, Record};
use crate::name::FullKey;
use crate::tier::Tier;

/// The wall clock that the levels under test are opened with.
pub(crate) const NOW_MS: i64 = 1_800_000_000_000;

pub(crate) fn key(region: &str, key: &str) -> FullKey {
    FullKey { region: Arc::from(region), key: Arc::from(key) }
}

/// A record that lives for an hour and may serve stale for another.
pub(crate) fn record(stamp: u64, payload: &[u8]) -> Record {
    let meta = Meta {
        created_at_ms: NOW_MS,
        ttl_ms: 3_600_000,
        max_stale_ms: 3_600_000,
        stamp,
        tags: Arc::from([Arc::from("tag"), Arc::from("täg")]),
    };
    Record { meta, kind: "text".to_owned(), schema: 3, payload: payload.to_vec() }
}

async fn stands(tier: &dyn Tier, key: &FullKey) -> Option<Record> {
    tier.get(key).await.unwrap()
}

/// Runs the whole suite over a level that is empty and has room for some MiB.
pub(crate) async fn conforms(tier: &dyn Tier) {
    keeps_what_it_was_given(tier).await;
    keeps_keys_and_regions_apart(tier).await;
    keeps_the_newest(tier).await;
    keeps_removals(tier).await;
    sweeps_no_more_than_it_is_told(tier).await;
    takes_calls_side_by_side(tier).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_database_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let store = store::Store::open(&path, &[crate::MIGRATIONS], store::Config::default()).unwrap().store;
    conforms(&crate::database::Database::open(store, 64 << 20).await.unwrap()).await;
}

async fn keeps_what_it_was_given(tier: &dyn Tier) {
    assert_eq!(stands(tier, &key("given", "absent")).await, None);
    let text = "lorem ipsum ".repeat(2000).into_bytes();
    let noise: Vec<u8> = (0..50_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    for (name, payload) in
        [("empty", &b""[..]), ("one", b"\0"), ("below", &text[..1023]), ("text", &text), ("noise", &noise)]
    {
        let (key, given) = (key("given", name), record(1, payload));
        tier.put(&key, given.clone()).await.unwrap();
        assert_eq!(stands(tier, &key).await, Some(given), "{name}");
    }
    let mut bare = record(2, b"bare");
    bare.meta.tags = Arc::from([]);
    bare.kind = String::new();
    tier.put(&key("given", "bare"), bare.clone()).await.unwrap();
    assert_eq!(stands(tier, &key("given", "bare")).await, Some(bare));
    assert!(tier.bytes() > 0);
}

async fn keeps_keys_and_regions_apart(tier: &dyn Tier) {
    let keys =
        [key("ab", "c"), key("a", "bc"), key("a", "b\0c"), key("a", "c"), key("c", "a"), key("a", "C")];
    for (n, key) in keys.iter().enumerate() {
        tier.put(key, record(1, &[n as u8])).await.unwrap();
    }
    tier.remove(&keys[3], 2, NOW_MS).await.unwrap();
    for (n, key) in keys.iter().enumerate() {
        let expected = (n != 3).then(|| vec![n as u8]);
        assert_eq!(stands(tier, key).await.map(|record| record.payload), expected, "{key:?}");
    }
}

async fn keeps_the_newest(tier: &dyn Tier) {
    let key = key("newest", "k");
    for (stamp, payload, expected) in
        [(5, b"5", b"5"), (4, b"4", b"5"), (6, b"6", b"6"), (6, b"7", b"7"), (1, b"1", b"7")]
    {
        tier.put(&key, record(stamp, payload)).await.unwrap();
        assert_eq!(stands(tier, &key).await.unwrap().payload, expected, "after stamp {stamp}");
    }
}

async fn keeps_removals(tier: &dyn Tier) {
    let key = key("removals", "k");
    tier.remove(&key, 10, NOW_MS).await.unwrap();
    tier.put(&key, record(9, b"late")).await.unwrap();
    assert_eq!(stands(tier, &key).await, None, "a removal holds against what was computed before it");
    tier.put(&key, record(11, b"new")).await.unwrap();
    tier.remove(&key, 10, NOW_MS).await.unwrap();
    assert_eq!(stands(tier, &key).await.unwrap().payload, b"new", "but not against what came after");
    tier.remove(&key, 12, NOW_MS).await.unwrap();
    tier.remove(&key, 12, NOW_MS).await.unwrap();
    assert_eq!(stands(tier, &key).await, None);
}

async fn sweeps_no_more_than_it_is_told(tier: &dyn Tier) {
    let (swept, newer, other) = (key("swept", "old"), key("swept", "new"), key("swept-not", "old"));
    for (key, stamp) in [(&swept, 20), (&newer, 22), (&other, 20)] {
        tier.put(key, record(stamp, b"1")).await.unwrap();
    }
    tier.sweep_region("swept", 21).await.unwrap();
    tier.sweep_region("nothing-here", u64::MAX >> 1).await.unwrap();
    assert!(stands(tier, &newer).await.is_some());
    assert!(stands(tier, &other).await.is_some());
}

async fn takes_calls_side_by_side(tier: &dyn Tier) {
    let key = key("side", "k");
    let writes = (1..=200u64).map(|stamp| {
        let key = &key;
        async move {
            tier.put(key, record(stamp, &stamp.to_le_bytes())).await.unwrap();
            let seen = stands(tier, key).await.unwrap();
            assert!(seen.meta.stamp >= stamp);
            assert_eq!(seen.payload, seen.meta.stamp.to_le_bytes());
        }
    });
    futures::future::join_all(writes).await;
    assert_eq!(stands(tier, &key).await.unwrap().meta.stamp, 200);
}
