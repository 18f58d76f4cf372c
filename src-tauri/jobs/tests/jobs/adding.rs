//! Adding in a caller's own transaction, and stopping.

use std::time::Duration;

use eider_jobs::{JobId, State};
use store::StoreError;

use crate::support::{Act, Rig, job};

#[tokio::test]
async fn a_job_added_in_a_transaction_exists_exactly_if_that_is_committed() {
    let mut rig = Rig::new().await;
    let jobs = rig.jobs.clone();
    let undone = rig.store.write("test.undone", move |tx| {
        jobs.enqueue_in(tx, job(Act::Done)).unwrap();
        Err::<(), _>(StoreError::Closed)
    });
    assert!(undone.await.is_err());
    assert_eq!(rig.jobs.list(&Default::default(), None, 10).await.unwrap().rows.len(), 0);
    let jobs = rig.jobs.clone();
    let added = rig.store.write("test.done", move |tx| Ok(jobs.enqueue_in(tx, job(Act::Done)).unwrap()));
    let added = added.await.unwrap();
    rig.jobs.wake();
    rig.until(added.id, State::Done).await;
    rig.counts_are_true().await;
}

#[tokio::test]
async fn quitting_with_a_hundred_under_way_loses_no_attempt_and_no_job() {
    let mut rig = Rig::new().await;
    rig.jobs.set_concurrency("normal", 100).await.unwrap();
    let acts = (0..100).map(|n| job(if n % 2 == 0 { Act::Stubborn } else { Act::Wait }));
    rig.jobs.add_many(acts.collect()).await.unwrap();
    rig.until(JobId(100), State::Running).await;
    let mut rig = rig.restart().await;
    rig.until(JobId(100), State::Running).await;
    for id in 1..=100 {
        let job = rig.jobs.job(JobId(id)).await.unwrap();
        assert_eq!((job.row.state, job.row.attempt), (State::Running, 1), "job {id}");
        assert_eq!(job.timeline[1].outcome, "interrupted");
    }
    rig.hands.go.notify_waiters();
    rig.until(JobId(100), State::Done).await;
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_stop_lets_what_is_nearly_done_end_and_twice_is_fine() {
    let mut rig = Rig::new().await;
    let id = rig.add(Act::Wait).await;
    rig.until(id, State::Running).await;
    let (jobs, stopping) = (rig.jobs.clone(), rig.jobs.clone());
    let stop = tokio::spawn(async move { stopping.stop(Duration::from_secs(20)).await });
    tokio::task::yield_now().await;
    rig.hands.go.notify_one();
    stop.await.unwrap();
    assert_eq!(rig.state(id).await, State::Done);
    jobs.stop(Duration::from_secs(20)).await;
    let sessions = rig.store.read("test.sessions", |db| {
        Ok(db.query_row("SELECT count(*) FROM job_session", [], |row| row.get::<_, i64>(0))?)
    });
    assert_eq!(sessions.await.unwrap(), 0);
}
