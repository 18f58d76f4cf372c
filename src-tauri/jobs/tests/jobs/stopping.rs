//! The end of a processor, and of what it was doing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use eider_jobs::{JobId, State};

use crate::support::{Act, Rig, config, job};

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

#[tokio::test]
async fn two_stops_at_once_both_return_after_the_end() {
    let mut rig = Rig::new().await;
    let id = rig.add(Act::Wait).await;
    rig.until(id, State::Running).await;
    let stops = [rig.jobs.clone(), rig.jobs.clone()].map(|jobs| {
        tokio::spawn(async move {
            jobs.stop(Duration::from_secs(20)).await;
            jobs.job(id).await.unwrap().row.state
        })
    });
    tokio::task::yield_now().await;
    rig.hands.go.notify_one();
    for stop in stops {
        assert_eq!(stop.await.unwrap(), State::Done);
    }
}

#[tokio::test]
async fn a_processor_that_nobody_holds_ends_and_its_jobs_keep_their_attempts() {
    let mut rig = Rig::new().await;
    let id = rig.add(Act::Wait).await;
    rig.until(id, State::Running).await;
    let Rig { folder, store, hands, jobs, mut events, .. } = rig;
    drop(jobs);
    // The events end with the processor.
    let last = async { while events.recv().await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(20), last).await.unwrap();
    store.close().await;
    let mut rig = Rig::open(folder, hands, config()).await;
    rig.until(id, State::Running).await;
    assert_eq!(rig.jobs.job(id).await.unwrap().row.attempt, 1);
    assert_eq!(rig.outcomes(id).await, ["running", "interrupted"]);
}

#[tokio::test]
async fn a_processor_ends_when_its_database_is_closed_under_it() {
    let mut rig = Rig::new().await;
    let id = rig.add(Act::Wait).await;
    rig.until(id, State::Running).await;
    rig.store.close().await;
    rig.jobs.wake();
    let told = async {
        while rig.hands.running.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
        rig.jobs.stop(Duration::MAX).await;
    };
    tokio::time::timeout(Duration::from_secs(20), told).await.unwrap();
}

#[tokio::test]
async fn a_job_that_was_cancelled_does_not_come_back_after_quitting() {
    let mut rig = Rig::new().await;
    let id = rig.add(Act::Stubborn).await;
    rig.until(id, State::Running).await;
    rig.jobs.cancel(id).await.unwrap();
    let rig = rig.restart().await;
    assert_eq!(rig.state(id).await, State::Cancelled);
    rig.counts_are_true().await;
}

#[tokio::test]
async fn jobs_that_a_turn_started_without_hearing_of_it_wait_again() {
    let mut rig = Rig::new().await;
    rig.jobs.pause("normal").await.unwrap();
    let (id, fails) = (rig.add(Act::Done).await, rig.added(job(Act::Wait).queue("high")).await.id);
    rig.until(fails, State::Running).await;
    // As if a commit had been reported as failed and was kept all the same.
    let kept = "UPDATE job SET state = 4, attempt = 1, starts = 1,
                               session = (SELECT session FROM job WHERE session IS NOT NULL) WHERE state = 0;
                UPDATE job_count SET state = 4 WHERE queue = 'normal' AND state = 0;
                CREATE TRIGGER broken BEFORE UPDATE ON job BEGIN SELECT raise(ABORT, 'broken'); END";
    rig.store.write("test.kept", |tx| Ok(tx.execute_batch(kept)?)).await.unwrap();
    rig.hands.go.notify_one();
    while rig.store.stats().queries.iter().all(|query| query.name != "jobs.turn" || query.errors == 0) {
        tokio::task::yield_now().await;
    }
    rig.store.write("test.mend", |tx| Ok(tx.execute_batch("DROP TRIGGER broken")?)).await.unwrap();
    rig.until(fails, State::Done).await;
    let job = rig.jobs.job(id).await.unwrap().row;
    assert_eq!((job.state, job.attempt), (State::Waiting, 0));
    rig.jobs.resume("normal").await.unwrap();
    rig.until(id, State::Done).await;
    rig.counts_are_true().await;
}
