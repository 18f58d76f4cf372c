//! What the cache tells of itself: counters, hot keys, health, and bounds that it refuses to pass.

use std::time::Duration;

use super::rig::{Below, CLASS, Rig, SHELVES, text};
use crate::{CacheError, Class, Config, FilesConfig, Level, Levels, LoadCurve, OpenError, TtlReason};

#[tokio::test]
async fn counters_tell_levels_and_regions_apart() {
    let rig = Rig::new(SHELVES).await;
    rig.set("k", "1").await;
    rig.value("k").await;
    rig.value("absent").await;
    rig.value("").await;
    rig.evict_memory();
    rig.value("k").await;
    let stats = rig.cache.stats();
    let prices = stats.regions["prices"];
    assert_eq!((prices.reads, prices.memory.hits, prices.memory.misses), (4, 1, 3));
    assert_eq!((prices.files.hits, prices.files.misses), (1, 1));
    assert_eq!((prices.database.hits, prices.database.misses), (0, 1));
    assert_eq!((prices.promotions, prices.origin), (1, 0));
    assert!(prices.memory_bytes > 0);
    assert_eq!(stats.levels.iter().map(|level| level.health.level).collect::<Vec<_>>(), Level::KEEPING);
    assert_eq!(stats.levels[1].reads.count, 2);
    assert!(stats.files_bytes > 0 && stats.database_bytes > 0);
    assert_eq!(stats.ttl.reason, TtlReason::Unknown);
    rig.evict_memory();
    assert_eq!(rig.cache.stats().regions["prices"].memory_bytes, 0, "evicted bytes are taken off again");
    assert_eq!(rig.cache.regions(), ["prices"]);
}

#[tokio::test]
async fn hot_keys_outlive_a_restart() {
    let rig = Rig::new(&[Below::Database]).await;
    rig.set("hot", "1").await;
    for _ in 0..2000 {
        rig.value("hot").await;
    }
    rig.value("cold").await;
    let rig = rig.restart().await;
    let hot = rig.cache.hot_keys(1);
    assert_eq!((&*hot[0].region, &*hot[0].key), ("prices", "hot"));
    assert!((1500..2500).contains(&hot[0].weight), "{}", hot[0].weight);
    assert_eq!(rig.cache.hot_keys(10).len(), 2);
    rig.region.clear().await.unwrap();
    assert_eq!(rig.cache.hot_keys(10), []);
}

#[tokio::test]
async fn classes_out_of_bounds_are_refused_with_the_bound_and_change_nothing() {
    let rig = Rig::new(SHELVES).await;
    rig.set("k", "kept").await;
    let day = Duration::from_secs(24 * 3600);
    let cases: [(Class, &str); 9] = [
        (Class { ttl: Duration::ZERO, ..CLASS }, "time to live"),
        (Class { ttl: 367 * day, ..CLASS }, "time to live"),
        (CLASS.max_stale(Duration::MAX), "time to live"),
        (CLASS.jitter(0.51), "jitter"),
        (CLASS.jitter(f64::NAN), "jitter"),
        (CLASS.refresh_ahead(1.0), "refresh-ahead point"),
        (CLASS.negative_ttl(Duration::ZERO), "negative time to live"),
        (CLASS.levels(Levels::NONE), "set of levels"),
        (CLASS.hard_timeout(Duration::ZERO), "hard timeout"),
    ];
    for (class, bad) in cases {
        let refused = rig.region.set("k", text("changed"), &class, &[]).await;
        assert!(matches!(refused, Err(CacheError::OutOfBounds { what, .. }) if what == bad), "{refused:?}");
    }
    assert_eq!(rig.value("k").await.as_deref(), Some("kept"));
}

#[tokio::test]
async fn a_configuration_out_of_bounds_opens_nothing() {
    let rig = Rig::new(&[]).await;
    let files = |bytes| Some(FilesConfig { folder: rig.folder.path().join("unmade"), bytes });
    let sound = Config::default();
    let cases = [
        Config { memory_bytes: 0, ..sound.clone() },
        Config { database_bytes: u64::MAX, ..sound.clone() },
        Config { files: files(0), ..sound.clone() },
        Config { time_budget: Duration::ZERO, ..sound.clone() },
        Config { load: LoadCurve { from: 0.9, full: 0.5, ..LoadCurve::default() }, ..sound.clone() },
        Config { load: LoadCurve { most: f64::NAN, ..LoadCurve::default() }, ..sound.clone() },
    ];
    for config in cases {
        let refused = crate::Cache::open(config.clone(), rig.store.clone(), rig.hands.clock()).await;
        assert!(matches!(refused, Err(OpenError::Refused(CacheError::OutOfBounds { .. }))), "{config:?}");
    }
    assert!(!rig.folder.path().join("unmade").exists());
}

#[tokio::test]
async fn no_more_regions_than_the_bound_are_opened() {
    let rig = Rig::new(&[]).await;
    for n in 1..crate::REGIONS_MAX {
        rig.cache.region(&format!("r{n}")).unwrap();
    }
    assert!(rig.cache.region("one-more").is_err());
    assert!(rig.cache.region("r1").is_ok(), "known ones are found again");
}
