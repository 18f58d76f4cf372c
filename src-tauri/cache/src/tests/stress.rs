//! Many threads at once: single flight, marks, and what readers may see.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::rig::{Below, CLASS, Down, Rig, SHELVES, Text, text};
use crate::{Level, LevelState, Levels};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_of_many_keys_is_computed_once_for_many_callers() {
    let rig = Rig::new(SHELVES).await;
    for round in 0..20 {
        let runs: Arc<Vec<AtomicUsize>> = Arc::new((0..50).map(|_| AtomicUsize::new(0)).collect());
        let callers = (0..1000).map(|n| {
            let (region, runs, key) = (rig.region.clone(), Arc::clone(&runs), n % 50);
            tokio::spawn(async move {
                let compute = || async move {
                    runs[key].fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    Ok::<_, Down>(text(&format!("{round} {key}")))
                };
                let hit =
                    region.get_or_compute(&format!("{round} {key}"), &CLASS, &[], compute).await.unwrap();
                assert_eq!(hit.value.0, format!("{round} {key}"));
                key
            })
        });
        let done = futures::future::join_all(callers.collect::<Vec<_>>()).await;
        assert!(done.iter().all(Result::is_ok));
        // Each caller brought its own counters along; the cache's tell how many ran.
        assert_eq!(rig.cache.stats().total().computations, 50 * (round + 1));
    }
}

/// Writers count a key up; whoever invalidates first notes how far it had come. Nobody may then see less.
async fn counted_up(rig: Rig) {
    let (floor, next) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(1)));
    let mut tasks = Vec::new();
    for writer in 0..4 {
        let (region, cache) = (rig.region.clone(), rig.cache.clone());
        let (floor, next) = (Arc::clone(&floor), Arc::clone(&next));
        tasks.push(tokio::spawn(async move {
            for turn in 0..150 {
                let before = next.load(Ordering::SeqCst);
                match (writer + turn) % 4 {
                    0 => cache.invalidate_tag("tag").await.unwrap(),
                    1 => region.remove("k").await.unwrap(),
                    2 => region.clear().await.unwrap(),
                    _ => {
                        let count = || async {
                            Ok::<_, Down>(text(&next.fetch_add(1, Ordering::SeqCst).to_string()))
                        };
                        let next = Arc::clone(&next);
                        let _ = &next;
                        let value = count().await.unwrap();
                        region.set("k", value, &CLASS, &["tag"]).await.unwrap();
                        continue;
                    }
                }
                // What was counted before the invalidation began is gone.
                floor.fetch_max(before, Ordering::SeqCst);
            }
        }));
    }
    for reader in 0..4 {
        let (region, core) = (rig.region.clone(), Arc::clone(&rig.cache.core));
        let (floor, next) = (Arc::clone(&floor), Arc::clone(&next));
        tasks.push(tokio::spawn(async move {
            for turn in 0..300 {
                let least = floor.load(Ordering::SeqCst);
                let seen = if reader % 2 == 0 {
                    region.get_even_stale::<Text>("k").await
                } else {
                    let next = Arc::clone(&next);
                    let compute = || async move {
                        let count = next.fetch_add(1, Ordering::SeqCst);
                        tokio::task::yield_now().await;
                        Ok::<_, Down>(text(&count.to_string()))
                    };
                    region.get_or_compute("k", &CLASS, &["tag"], compute).await.ok()
                };
                if let Some(hit) = seen {
                    let count: u64 = hit.value.0.parse().unwrap();
                    assert!(count >= least, "{count} was invalidated: {least} and more may be seen");
                }
                if turn % 7 == 0 {
                    core.memory.evict_all();
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_invalidated_or_removed_is_never_seen_again() {
    for levels in [SHELVES, &[Below::Files, Below::Database]] {
        counted_up(Rig::new(levels).await).await;
    }
}

/// Each write of a class that leaves a level out once asked that level for something older. Thousands at once were more
/// than the database takes, and a crash at that moment cost the whole cache.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_writes_that_leave_a_level_out_does_not_reach_it() {
    let rig = Rig::new(&[Below::Files, Below::Database]).await;
    let class = CLASS.levels(Levels::ALL.without(Level::Database));
    let writes = (0..6000).map(|n| {
        let region = rig.region.clone();
        async move { region.set(&n.to_string(), text("value"), &class, &[]).await }
    });
    for outcome in futures::future::join_all(writes).await {
        outcome.unwrap();
    }
    let database = &rig.cache.levels()[2];
    assert_eq!((database.state, database.waiting), (LevelState::Up, 0), "{:?}", database.last_error);
    let rig = rig.crash_with_store().await;
    for n in 0..6000 {
        assert_eq!(rig.value(&n.to_string()).await.as_deref(), Some("value"), "{n}");
    }
}
