//! Another process that holds the database's lock, for many times as long as anybody waits for it.

use std::sync::Arc;
use std::time::Duration;

use eider_jobs::{AddError, MIGRATIONS, State};
use store::{Store, StoreError};

use crate::child::{Process, folder, wait_for_parent};
use crate::support::{Act, Hands, Rig, START_MS, builder, config, job};

#[test]
fn the_child_holds_the_lock() {
    let Some(folder) = folder() else { return };
    let db = store::rusqlite::Connection::open(folder.join("eider.db")).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    println!("locked");
    wait_for_parent();
    db.execute_batch("COMMIT").unwrap();
}

#[tokio::test]
async fn a_database_that_another_process_locks_holds_jobs_up_and_loses_none() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let hands = Arc::new(Hands { wall_ms: START_MS.into(), ..Hands::default() });
    let brief =
        store::Config { busy_timeout: Duration::from_millis(2), busy_retries: 0, ..store::Config::default() };
    let store = Store::open(&folder.path().join("eider.db"), &[MIGRATIONS], brief).unwrap().store;
    let jobs = builder(&store, &hands, config()).start().await.unwrap();
    let mut rig = Rig { folder, events: jobs.events(), seen: Vec::new(), store, hands, jobs };
    let (running, snoozes) = (rig.add(Act::Wait).await, rig.add(Act::Snooze(1000)).await);
    rig.until(running, State::Running).await;
    rig.until(snoozes, State::Snoozed).await;

    let mut child = Process::start("locked::the_child_holds_the_lock", rig.folder.path());
    child.until("locked");
    // It ends, and another one comes due, while nothing can be written.
    rig.hands.go.notify_one();
    rig.pass(Duration::from_secs(1));
    let turns_failed = |rig: &Rig| {
        let stats = rig.store.stats();
        stats.queries.iter().find(|query| query.name == "jobs.turn").map_or(0, |query| query.errors)
    };
    let mut refused = 0;
    while turns_failed(&rig) < 3 {
        let answer = rig.jobs.add(job(Act::Done)).await;
        assert!(matches!(answer, Err(AddError::Store(StoreError::Busy))), "{answer:?}");
        let answer = rig.jobs.cancel(running).await;
        assert!(answer.is_err(), "nobody is told of what was not written");
        refused += 1;
    }
    assert!(refused > 10, "callers are refused at once and may come again");
    assert_eq!(rig.state(running).await, State::Running, "reading goes on");
    drop(child.stdin.take());
    rig.until(running, State::Done).await;
    rig.until(snoozes, State::Snoozed).await;
    let id = rig.add(Act::Done).await;
    rig.until(id, State::Done).await;
    assert_eq!(id.0, 3, "what was refused was not added");
    rig.counts_are_true().await;
}
