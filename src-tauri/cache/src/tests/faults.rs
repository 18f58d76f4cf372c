//! Levels that fail, hang, fill up, or are locked, and what the next process finds.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::rig::{Below, CLASS, Rig, SHELVES, Text, text};
use super::shelf::Mode;
use crate::{BreakerConfig, CacheError, Config, Level, LevelState};

const SOON: Duration = Duration::from_secs(1);

fn impatient() -> Config {
    Config {
        level_budget: Duration::from_millis(40),
        time_budget: Duration::from_millis(60),
        breaker: BreakerConfig { failures: 3, pause: SOON, longest_pause: 4 * SOON },
        ..Config::default()
    }
}

fn state(rig: &Rig, level: Level) -> LevelState {
    rig.cache.levels().into_iter().find(|health| health.level == level).unwrap().state
}

#[tokio::test]
async fn a_level_that_misbehaves_in_any_way_is_passed_over_and_comes_back_by_itself() {
    for mode in [Mode::Fails, Mode::Hangs, Mode::Panics] {
        let rig = Rig::with(SHELVES, impatient()).await;
        rig.set("kept", "1").await;
        rig.shelves[0].set(mode);
        for n in 0..3 {
            rig.set(&format!("k{n}"), "1").await;
            rig.evict_memory();
            assert_eq!(rig.get("kept").await, Some(("1".into(), Level::Database)), "{mode:?}");
        }
        rig.evict_memory();
        assert_eq!(state(&rig, Level::Files), LevelState::Bypassed, "{mode:?}");
        assert!(rig.cache.stats().total().files.errors >= 3);
        let (reads, writes) =
            (rig.shelves[0].reads.load(Ordering::SeqCst), rig.shelves[0].writes.load(Ordering::SeqCst));
        rig.set("k0", "2").await;
        rig.cache.tend().await;
        rig.evict_memory();
        assert_eq!(
            rig.get("k0").await,
            Some(("2".into(), Level::Files)),
            "what waits for the level is shown"
        );
        assert_eq!(
            rig.shelves[0].reads.load(Ordering::SeqCst),
            reads,
            "an open breaker asks nothing: {mode:?}"
        );
        assert_eq!(rig.shelves[0].writes.load(Ordering::SeqCst), writes);

        rig.hands.pass(SOON);
        rig.cache.tend().await;
        assert_eq!(state(&rig, Level::Files), LevelState::Bypassed, "a probe that fails doubles the pause");
        rig.shelves[0].set(Mode::Obeys);
        rig.hands.pass(SOON);
        rig.cache.tend().await;
        assert_eq!(state(&rig, Level::Files), LevelState::Bypassed);
        rig.hands.pass(SOON);
        rig.cache.tend().await;
        assert_eq!(state(&rig, Level::Files), LevelState::Up, "{mode:?}");
        rig.evict_memory();
        assert!(rig.shelves[0].holds("k2"), "what it missed was replayed");
        assert_eq!(rig.get("k0").await, Some(("2".into(), Level::Files)));
    }
}

#[tokio::test]
async fn a_level_that_never_answers_costs_no_call_more_than_its_budget() {
    let rig = Rig::with(SHELVES, impatient()).await;
    rig.shelves.iter().for_each(|shelf| shelf.set(Mode::Hangs));
    let started = Instant::now();
    rig.set("k", "1").await;
    assert!(started.elapsed() < Duration::from_millis(1000), "both levels are written to side by side");
    rig.evict_memory();
    let started = Instant::now();
    assert_eq!(rig.value("absent").await, None);
    assert!(started.elapsed() < Duration::from_millis(1000), "all levels together have one budget");
}

#[tokio::test]
async fn a_full_level_still_reads_and_takes_what_it_missed_once_there_is_room() {
    let rig = Rig::with(SHELVES, impatient()).await;
    rig.set("old", "1").await;
    rig.set("changed", "1").await;
    rig.shelves[0].set(Mode::Full);
    for n in 0..5 {
        rig.set("changed", &format!("{n}")).await;
    }
    assert!(rig.region.remove("old").await.is_err());
    rig.set("new", "1").await;
    rig.evict_memory();
    assert_eq!(state(&rig, Level::Files), LevelState::Degraded);
    assert_eq!(rig.value("changed").await.as_deref(), Some("4"), "never what stands in the full level");
    assert_eq!(rig.value("old").await, None);
    rig.shelves[0].set(Mode::Obeys);
    rig.hands.pass(SOON);
    rig.cache.tend().await;
    assert_eq!(state(&rig, Level::Files), LevelState::Up);
    rig.evict_memory();
    assert_eq!(rig.get("changed").await, Some(("4".into(), Level::Files)));
    assert_eq!(rig.get("old").await, None);
}

#[tokio::test]
async fn a_crash_before_a_level_has_caught_up_shows_nothing_it_should_have_lost() {
    let rig = Rig::new(SHELVES).await;
    for key in ["removed", "replaced", "untouched"] {
        rig.set(key, "old").await;
    }
    rig.shelves[1].set(Mode::Full);
    assert!(matches!(rig.region.remove("removed").await, Err(CacheError::NotDurable(_))));
    rig.set("replaced", "new").await;
    rig.shelves[0].evict("removed");
    rig.shelves[0].evict("replaced");
    rig.shelves[1].set(Mode::Obeys);
    let rig = rig.crash().await;
    assert_eq!(rig.value("removed").await, None);
    assert_eq!(rig.value("replaced").await, None, "the database held only the old value");
    assert_eq!(rig.get("untouched").await, Some(("old".into(), Level::Files)), "the other level is trusted");
    rig.set("replaced", "newer").await;
    let rig = rig.crash().await;
    assert_eq!(rig.value("replaced").await.as_deref(), Some("newer"), "what came after the crash is trusted");
}

#[tokio::test]
async fn a_mark_that_cannot_be_written_holds_now_after_a_crash_and_once_the_disk_has_room() {
    for crash in [true, false] {
        let rig = Rig::new(&[Below::Files, Below::Database]).await;
        rig.set("k", "old").await;
        rig.broken_journal().store(true, Ordering::SeqCst);
        let refused = rig.cache.invalidate_tag("tag").await;
        assert!(matches!(refused, Err(CacheError::NotDurable(_))), "{refused:?}");
        rig.evict_memory();
        assert_eq!(rig.value("k").await, None);
        if !crash {
            rig.broken_journal().store(false, Ordering::SeqCst);
            rig.cache.tend().await;
            rig.region.set("other", text("kept"), &CLASS, &[]).await.unwrap();
        }
        let rig = rig.crash_with_store().await;
        assert_eq!(rig.value("k").await, None, "crash: {crash}");
        assert_eq!(rig.value("other").await.is_some(), !crash, "a retried mark costs nothing else");
    }
}

#[tokio::test]
async fn a_database_that_was_set_aside_takes_the_files_with_it_since_the_marks_are_gone() {
    let rig = Rig::new(&[Below::Files, Below::Database]).await;
    rig.set("k", "old").await;
    rig.cache.invalidate_tag("tag").await.unwrap();
    rig.region.set("valid", text("1"), &CLASS, &[]).await.unwrap();
    rig.cache.close().await;
    rig.store.close().await;
    for name in ["cache.db", "cache.db-wal", "cache.db-shm"] {
        let _ = std::fs::remove_file(rig.folder.path().join(name));
    }
    let rig = rig.crash_with_store().await;
    assert_eq!(rig.value("k").await, None);
    assert_eq!(rig.value("valid").await, None, "without the marks nobody knows whether it is");
    rig.set("k", "new").await;
    let rig = rig.crash_with_store().await;
    assert_eq!(rig.value("k").await.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_database_locked_by_somebody_else_is_passed_over_until_it_is_free() {
    use store::rusqlite::Connection;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let config =
        store::Config { busy_timeout: Duration::from_millis(5), busy_retries: 0, ..Default::default() };
    let opened = store::Store::open(&path, &[crate::MIGRATIONS], config).unwrap();
    let hands = std::sync::Arc::new(super::rig::Hands::default());
    hands.wall_ms.store(1_800_000_000_000, Ordering::SeqCst);
    let cache = crate::Cache::open(Config::default(), opened.store.clone(), hands.clock()).await.unwrap();
    let region = cache.region("prices").unwrap();
    region.set("before", text("1"), &CLASS, &["tag"]).await.unwrap();

    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for n in 0..6 {
        region.set(&format!("k{n}"), text("1"), &CLASS, &[]).await.unwrap();
    }
    assert!(matches!(cache.invalidate_tag("tag").await, Err(CacheError::NotDurable(_))));
    assert!(region.get::<Text>("before").await.is_none());
    let health = cache.levels().pop().unwrap();
    assert_eq!((health.level, health.state), (Level::Database, LevelState::Degraded));
    assert!(health.last_error.unwrap().contains("lock"), "people are told why");
    assert_eq!(health.waiting, 6);

    other.execute_batch("ROLLBACK").unwrap();
    hands.pass(SOON);
    cache.tend().await;
    cache.tend().await;
    let health = cache.levels().pop().unwrap();
    assert_eq!((health.state, health.waiting), (LevelState::Up, 0));
    cache.close().await;
    drop((cache, region));
    let cache = crate::Cache::open(Config::default(), opened.store, hands.clock()).await.unwrap();
    let region = cache.region("prices").unwrap();
    assert!(region.get::<Text>("before").await.is_none(), "the mark became durable");
    assert!(region.get::<Text>("k5").await.is_some(), "and so did the writes");
}

#[tokio::test]
async fn a_level_that_cannot_be_opened_joins_later() {
    let rig = Rig::with(SHELVES, impatient()).await;
    rig.set("early", "1").await;
    rig.shelves[0].set(Mode::Fails);
    let rig = rig.crash().await;
    assert_eq!(state(&rig, Level::Files), LevelState::Bypassed);
    assert_eq!(rig.get("early").await, Some(("1".into(), Level::Database)));
    rig.cache.invalidate_tag("tag").await.unwrap();
    rig.shelves[0].set(Mode::Obeys);
    rig.hands.pass(SOON);
    rig.cache.tend().await;
    assert_eq!(state(&rig, Level::Files), LevelState::Up);
    rig.evict_memory();
    assert_eq!(rig.value("early").await, None, "marks set meanwhile hold for it");
    rig.set("late", "1").await;
    rig.evict_memory();
    assert_eq!(rig.get("late").await, Some(("1".into(), Level::Files)));
}

#[tokio::test]
async fn a_dropped_caller_has_set_its_value_all_the_same() {
    let rig = Rig::with(SHELVES, Config { level_budget: SOON * 60, ..impatient() }).await;
    rig.set("k", "old").await;
    rig.shelves[1].set(Mode::Hangs);
    let set = rig.region.set("k", text("new"), &CLASS, &[]);
    assert!(tokio::time::timeout(Duration::from_millis(20), set).await.is_err());
    rig.shelves[1].set(Mode::Obeys);
    for tended in [false, true] {
        rig.shelves[0].evict("k");
        rig.evict_memory();
        assert_eq!(rig.get("k").await, Some(("new".into(), Level::Database)), "tended: {tended}");
        rig.cache.tend().await;
    }
    assert_eq!(rig.cache.levels()[2].waiting, 0);
}
