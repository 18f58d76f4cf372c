//! What comes too late: computations and copies that something newer has overtaken, when memory no longer
//! remembers what it was.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Notify;

use super::rig::{CLASS, Down, Rig, SHELVES, Text, text};
use super::shelf::Mode;
use crate::{Level, LevelState, Levels};

#[tokio::test]
async fn a_flight_that_was_overtaken_is_not_kept_though_memory_was_evicted() {
    for removed in [true, false] {
        let rig = Rig::new(&[]).await;
        let (running, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (region, tell, wait) = (rig.region.clone(), Arc::clone(&running), Arc::clone(&go));
        let caller = tokio::spawn(async move {
            let compute = || async move {
                tell.notify_one();
                wait.notified().await;
                Ok::<_, Down>(text("too late"))
            };
            region.get_or_compute("k", &CLASS, &[], compute).await
        });
        running.notified().await;
        if removed {
            rig.region.remove("k").await.unwrap();
        } else {
            rig.set("k", "newer").await;
        }
        rig.evict_memory();
        let later = rig.region.get_or_compute("k", &CLASS, &[], || async { Ok::<_, Down>(text("later")) });
        assert_eq!(later.await.unwrap().value.0, "later", "nobody joins it any more");
        rig.evict_memory();
        go.notify_one();
        assert_eq!(caller.await.unwrap().unwrap().value.0, "too late", "its own caller asked before");
        assert_eq!(rig.get("k").await, None, "removed: {removed}");
    }
}

#[tokio::test]
async fn a_copy_that_a_removal_has_overtaken_is_not_taken_up() {
    let rig = Rig::new(SHELVES).await;
    rig.set("k", "old").await;
    rig.evict_memory();
    rig.shelves[0].set(Mode::Dawdles);
    let region = rig.region.clone();
    let reader = tokio::spawn(async move { region.get::<Text>("k").await });
    while rig.shelves[0].reads.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    rig.region.remove("k").await.unwrap();
    rig.evict_memory();
    rig.shelves[0].set(Mode::Obeys);
    rig.shelves[0].go.notify_one();
    reader.await.unwrap();
    assert_eq!(rig.get("k").await, None, "what was read before the removal is not kept after it");
}

#[tokio::test]
async fn a_level_from_a_time_when_the_clock_was_ahead_is_not_trusted_when_it_joins_late() {
    let day = Duration::from_secs(24 * 3600);
    let rig = Rig::new(SHELVES).await;
    rig.hands.pass(day);
    let only_files = CLASS.levels(Levels::NONE.with(Level::Files)).max_stale(7 * day);
    rig.region.set("k", text("old"), &only_files, &["tag"]).await.unwrap();
    rig.hands.wall_ms.fetch_sub(day.as_millis() as i64, Ordering::SeqCst);
    rig.shelves[0].set(Mode::Fails);
    let rig = rig.crash().await;
    rig.cache.invalidate_tag("tag").await.unwrap();
    rig.shelves[0].set(Mode::Obeys);
    rig.hands.pass(Duration::from_secs(1));
    rig.cache.tend().await;
    assert_eq!(rig.cache.levels()[1].state, LevelState::Up);
    assert!(rig.region.get_even_stale::<Text>("k").await.is_none(), "its stamp is newer than the mark's");
}
