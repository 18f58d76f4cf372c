//! The calls of the cache against real SQLite files, with a clock that the tests move.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use eider_cache::{
    Cache, CacheError, Cached, Class, Clock, ComputeError, Config, Hit, KEY_MAX, Level, MIGRATIONS, Now,
    Region,
};
use serde::{Deserialize, Serialize};
use store::{Config as StoreConfig, Store};
use tokio::sync::{Notify, Semaphore};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Text(String);
impl Cached for Text {
    const KIND: &'static str = "text";
    const SCHEMA: u32 = 1;
}

fn text(value: &str) -> Text {
    Text(value.to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source is down")]
struct Down;

const TTL: Duration = Duration::from_secs(300);
const CLASS: Class = Class::new("price", TTL)
    .max_stale(Duration::from_secs(3600))
    .retry_after_failure(Duration::from_secs(10));

/// Both clocks, moved by hand.
#[derive(Default)]
struct Hands {
    wall_ms: AtomicI64,
    mono_ms: AtomicU64,
}

impl Hands {
    fn pass(&self, span: Duration) {
        self.wall_ms.fetch_add(span.as_millis() as i64, Ordering::SeqCst);
        self.mono_ms.fetch_add(span.as_millis() as u64, Ordering::SeqCst);
    }
}

struct Rig {
    folder: tempfile::TempDir,
    hands: Arc<Hands>,
    store: Store,
    cache: Cache,
    region: Region,
}

impl Rig {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hands = Arc::new(Hands { wall_ms: AtomicI64::new(1_800_000_000_000), ..Hands::default() });
        Self::open(folder, hands, Config::default()).await
    }

    async fn open(folder: tempfile::TempDir, hands: Arc<Hands>, config: Config) -> Self {
        let store = open_store(folder.path());
        let read = Arc::clone(&hands);
        let clock = Clock::from_fn(move || Now {
            wall_ms: read.wall_ms.load(Ordering::SeqCst),
            mono_ms: read.mono_ms.load(Ordering::SeqCst),
        });
        let cache = Cache::open(config, store.clone(), clock).await.unwrap();
        let region = cache.region("prices").unwrap();
        Self { folder, hands, store, cache, region }
    }

    /// Closes everything and opens the same files again, as a restart does.
    async fn restart(self) -> Self {
        self.cache.close().await;
        self.store.close().await;
        Self::open(self.folder, self.hands, Config::default()).await
    }

    async fn get(&self, key: &str) -> Option<(String, Level)> {
        self.region.get::<Text>(key).await.map(|hit| (hit.value.0.clone(), hit.level))
    }

    async fn compute(&self, key: &str, outcome: Result<Text, Down>) -> Result<Hit<Text>, ComputeError<Down>> {
        self.region.get_or_compute(key, &CLASS, &["tag"], || async move { outcome }).await
    }
}

fn database(folder: &Path) -> PathBuf {
    folder.join("cache.db")
}

fn open_store(folder: &Path) -> Store {
    Store::open(&database(folder), &[MIGRATIONS], StoreConfig::default()).unwrap().store
}

#[tokio::test]
async fn a_value_survives_a_restart_with_its_age() {
    let rig = Rig::new().await;
    rig.region.set("ton", text("5.41"), &CLASS, &[]).await.unwrap();
    assert_eq!(rig.get("ton").await, Some(("5.41".into(), Level::Memory)));
    rig.hands.pass(TTL / 2);
    let rig = rig.restart().await;
    assert_eq!(rig.get("ton").await, Some(("5.41".into(), Level::Database)));
    assert_eq!(rig.get("ton").await, Some(("5.41".into(), Level::Memory)), "it was promoted");
    rig.hands.pass(TTL / 2);
    assert_eq!(rig.get("ton").await, None, "promotion must not make it younger");
}

#[tokio::test]
async fn either_clock_can_expire_a_value() {
    let rig = Rig::new().await;
    for (key, wall_ms, mono_ms) in
        [("slept", 300_000, 0), ("set back", -1, 0), ("set back while running", -5, 300_000)]
    {
        rig.region.set(key, text("1"), &CLASS, &[]).await.unwrap();
        rig.hands.wall_ms.fetch_add(wall_ms, Ordering::SeqCst);
        rig.hands.mono_ms.fetch_add(mono_ms, Ordering::SeqCst);
        assert_eq!(rig.get(key).await, None, "{key}");
    }
}

#[tokio::test]
async fn regions_do_not_reach_into_one_another() {
    let rig = Rig::new().await;
    let other = rig.cache.region("prices-a").unwrap();
    for key in ["a", "prices-a", "a/b", "\0", "prices"] {
        rig.region.set(key, text("mine"), &CLASS, &[]).await.unwrap();
        other.set(key, text("theirs"), &CLASS, &[]).await.unwrap();
    }
    rig.region.clear().await.unwrap();
    for key in ["a", "prices-a", "a/b", "\0", "prices"] {
        assert_eq!(rig.get(key).await, None);
        assert_eq!(*other.get::<Text>(key).await.unwrap().value, text("theirs"));
    }
}

#[tokio::test]
async fn an_invalidated_tag_holds_everywhere_and_after_a_restart() {
    let rig = Rig::new().await;
    rig.region.set("tagged", text("old"), &CLASS, &["coingecko", "usd"]).await.unwrap();
    rig.region.set("other", text("kept"), &CLASS, &["simulator"]).await.unwrap();
    rig.cache.invalidate_tag("usd").await.unwrap();
    assert_eq!(rig.get("tagged").await, None);
    assert!(rig.region.get_even_stale::<Text>("tagged").await.is_none(), "not even as a stale value");
    let rig = rig.restart().await;
    assert_eq!(rig.get("tagged").await, None);
    assert_eq!(rig.get("other").await, Some(("kept".into(), Level::Database)));
    rig.region.set("tagged", text("new"), &CLASS, &["usd"]).await.unwrap();
    assert_eq!(rig.get("tagged").await, Some(("new".into(), Level::Memory)));
}

/// Starts a computation that waits for `go`, and returns when it runs. A caller with a stale value at hand
/// waits 50 ms for it.
async fn in_flight(
    rig: &Rig,
    key: &'static str,
) -> (Arc<Notify>, tokio::task::JoinHandle<Result<Hit<Text>, ComputeError<Down>>>) {
    let (running, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (region, tell, wait) = (rig.region.clone(), Arc::clone(&running), Arc::clone(&go));
    let caller = tokio::spawn(async move {
        let compute = || async move {
            tell.notify_one();
            wait.notified().await;
            Ok(text("in flight"))
        };
        region.get_or_compute(key, &CLASS.soft_timeout(Duration::from_millis(50)), &["tag"], compute).await
    });
    running.notified().await;
    (go, caller)
}

#[tokio::test]
async fn what_is_in_flight_is_invalidated_too() {
    let rig = Rig::new().await;
    for (key, how) in [("by tag", 0), ("by region", 1), ("by key", 2)] {
        let (go, caller) = in_flight(&rig, key).await;
        match how {
            0 => rig.cache.invalidate_tag("tag").await.unwrap(),
            1 => rig.region.clear().await.unwrap(),
            _ => rig.region.remove(key).await.unwrap(),
        }
        let fresh = rig.compute(key, Ok(text("asked after"))).await.unwrap();
        assert_eq!(*fresh.value, text("asked after"), "{key}: a later caller must not join the older flight");
        go.notify_one();
        caller.await.unwrap().unwrap();
        assert_eq!(*rig.region.get::<Text>(key).await.unwrap().value, text("asked after"), "{key}");
    }
    let rig = rig.restart().await;
    assert_eq!(rig.get("by key").await, Some(("asked after".into(), Level::Database)));
}

#[tokio::test]
async fn a_removed_key_does_not_come_back_from_the_database_or_from_a_flight() {
    let rig = Rig::new().await;
    rig.region.set("ton", text("1"), &CLASS, &[]).await.unwrap();
    rig.region.remove("ton").await.unwrap();
    assert_eq!(rig.get("ton").await, None);
    let (go, caller) = in_flight(&rig, "ton").await;
    rig.region.remove("ton").await.unwrap();
    go.notify_one();
    caller.await.unwrap().unwrap();
    assert_eq!(rig.get("ton").await, None);
    let rig = rig.restart().await;
    assert_eq!(rig.get("ton").await, None);
}

#[tokio::test]
async fn concurrent_misses_compute_once_and_dropped_callers_cancel_nothing() {
    let rig = Rig::new().await;
    let (gate, runs) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let ask = || {
        let (region, gate, runs) = (rig.region.clone(), Arc::clone(&gate), Arc::clone(&runs));
        tokio::spawn(async move {
            let compute = || async move {
                runs.fetch_add(1, Ordering::SeqCst);
                let _open = gate.acquire().await;
                Ok::<_, Down>(text("once"))
            };
            region.get_or_compute("ton", &CLASS, &[], compute).await
        })
    };
    let first = ask();
    while runs.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let waiting: Vec<_> = (0..64).map(|_| ask()).collect();
    first.abort();
    gate.add_permits(1);
    for caller in waiting {
        assert_eq!(*caller.await.unwrap().unwrap().value, text("once"));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_panic_and_a_hang_are_errors_that_free_the_key() {
    let rig = Rig::new().await;
    let class = CLASS.hard_timeout(Duration::from_millis(100));
    let panicked =
        rig.region.get_or_compute::<Text, Down, _, _>("k", &class, &[], || async { panic!("boom") }).await;
    assert!(matches!(panicked, Err(ComputeError::Panicked)), "{panicked:?}");
    let hung = rig.region.get_or_compute::<Text, Down, _, _>("k", &class, &[], std::future::pending).await;
    assert!(matches!(hung, Err(ComputeError::TimedOut(_))), "{hung:?}");
    assert_eq!(*rig.compute("k", Ok(text("works"))).await.unwrap().value, text("works"));
    assert_eq!(rig.cache.stats().total().failures, 2);
}

#[tokio::test]
async fn a_stale_value_serves_while_the_source_fails_and_the_source_is_not_hammered() {
    let rig = Rig::new().await;
    rig.compute("ton", Ok(text("old"))).await.unwrap();
    rig.hands.pass(TTL);
    let stale = rig.compute("ton", Err(Down)).await.unwrap();
    assert!(stale.stale);
    assert_eq!(*stale.value, text("old"));
    let before = rig.cache.stats().total().computations;
    assert!(
        rig.compute("ton", Ok(text("new"))).await.unwrap().stale,
        "within 10 s of a failure nothing is asked"
    );
    assert_eq!(rig.cache.stats().total().computations, before);
    rig.hands.pass(Duration::from_secs(10));
    assert_eq!(*rig.compute("ton", Ok(text("new"))).await.unwrap().value, text("new"));
    rig.hands.pass(TTL + Duration::from_secs(3600));
    assert!(
        matches!(rig.compute("ton", Err(Down)).await, Err(ComputeError::Failed(_))),
        "past its maximum age"
    );
}

#[tokio::test]
async fn a_slow_source_is_waited_for_no_longer_than_the_soft_timeout() {
    let rig = Rig::new().await;
    rig.compute("ton", Ok(text("old"))).await.unwrap();
    rig.hands.pass(TTL);
    let (go, caller) = in_flight(&rig, "ton").await;
    assert!(caller.await.unwrap().unwrap().stale);
    go.notify_one();
    while rig.get("ton").await.is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.get("ton").await.unwrap().0, "in flight", "the computation went on");
}

#[tokio::test]
async fn a_value_of_another_schema_is_a_miss() {
    #[derive(Serialize, Deserialize)]
    struct Newer(String);
    impl Cached for Newer {
        const KIND: &'static str = "text";
        const SCHEMA: u32 = 2;
    }
    let rig = Rig::new().await;
    rig.region.set("k", text("1"), &CLASS, &[]).await.unwrap();
    assert!(rig.region.get::<Newer>("k").await.is_none(), "in memory");
    let rig = rig.restart().await;
    assert!(rig.region.get::<Newer>("k").await.is_none(), "in the database");
}

#[tokio::test]
async fn a_changed_bit_in_a_row_is_a_miss() {
    let rig = Rig::new().await;
    let columns = ["kind", "schema", "created_at_ms", "ttl_ms", "max_stale_ms", "stamp", "tags", "payload"];
    for column in columns {
        rig.region.set(column, text("5.41"), &CLASS, &["tag"]).await.unwrap();
    }
    rig.store
        .write("test.flip", move |db| {
            for column in columns {
                let flipped = match column {
                    "kind" => "'texu'",
                    "tags" => "x'7461'",
                    "payload" => "cast(payload || x'00' AS BLOB)",
                    number => &format!("{number} + 1"),
                };
                db.execute(
                    &format!("UPDATE cache_entry SET {column} = {flipped} WHERE key = '{column}'"),
                    [],
                )?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let rig = rig.restart().await;
    for column in columns {
        assert_eq!(rig.get(column).await, None, "{column}");
    }
}

#[tokio::test]
async fn both_levels_stay_within_their_bytes() {
    let rig = Rig::new().await;
    let (folder, hands) = (rig.folder, rig.hands);
    rig.store.close().await;
    let config = Config { memory_bytes: 100_000, database_bytes: 200_000, ..Config::default() };
    let rig = Rig::open(folder, hands, config).await;
    for n in 0..500 {
        rig.hands.pass(Duration::from_millis(1));
        rig.region.set(&format!("k{n}"), text(&"x".repeat(1000)), &CLASS, &[]).await.unwrap();
        assert!(rig.cache.stats().database_bytes <= 200_000);
    }
    let stats = rig.cache.stats();
    assert!(stats.memory_bytes <= 110_000, "{}", stats.memory_bytes);
    assert!(rig.get("k499").await.is_some(), "the newest is kept");
}

#[tokio::test]
async fn a_broken_database_is_passed_over() {
    let rig = Rig::new().await;
    rig.region.set("kept", text("1"), &CLASS, &[]).await.unwrap();
    rig.store.close().await;
    assert_eq!(rig.get("kept").await, Some(("1".into(), Level::Memory)));
    rig.region.set("new", text("2"), &CLASS, &[]).await.unwrap();
    assert_eq!(rig.get("new").await, Some(("2".into(), Level::Memory)));
    assert_eq!(rig.get("absent").await, None);
    assert!(rig.cache.stats().total().database.errors >= 2);
    assert!(matches!(rig.region.remove("kept").await, Err(CacheError::NotDurable(_))));
    assert_eq!(rig.get("kept").await, None, "the removal holds all the same");
}

#[tokio::test]
async fn what_is_out_of_bounds_is_refused_and_changes_nothing() {
    let rig = Rig::new().await;
    for name in ["", "Prices", "a b", &"x".repeat(65)] {
        assert!(rig.cache.region(name).is_err(), "{name:?}");
    }
    let long_key = "k".repeat(KEY_MAX + 1);
    let many: Vec<String> = (0..17).map(|n| format!("t{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let zero = Class::new("zero", Duration::ZERO);
    let absurd = Class::new("absurd", Duration::from_secs(u64::MAX / 4));
    for (key, class, tags) in [
        ("", CLASS, &[][..]),
        (&long_key, CLASS, &[]),
        ("k", CLASS, &[""]),
        ("k", CLASS, &many),
        ("k", zero, &[]),
        ("k", absurd, &[]),
    ] {
        let refused = rig.region.set(key, text("1"), &class, tags).await;
        assert!(matches!(refused, Err(CacheError::OutOfBounds { .. })), "{refused:?}");
    }
    let huge = text(&"x".repeat(eider_cache::VALUE_MAX + 1));
    assert!(matches!(rig.region.set("k", huge, &CLASS, &[]).await, Err(CacheError::OutOfBounds { .. })));
    assert_eq!(rig.get("k").await, None);
    assert_eq!(rig.cache.stats().memory_bytes, 0);
}

#[tokio::test]
async fn closing_ends_what_is_in_flight() {
    let rig = Rig::new().await;
    let (_go, caller) = in_flight(&rig, "ton").await;
    rig.cache.close().await;
    rig.cache.close().await;
    assert!(matches!(caller.await.unwrap(), Err(ComputeError::Closed)));
    assert!(matches!(rig.compute("ton", Ok(text("1"))).await, Err(ComputeError::Closed)));
}
