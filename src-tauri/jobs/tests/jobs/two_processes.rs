//! Two processors over one file, as two processes would be.

use std::sync::Arc;
use std::time::Duration;

use eider_jobs::{Config, State};

use crate::support::{Act, Hands, Rig, START_MS, job};

async fn pair(lease: Duration) -> (Rig, Rig) {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let config = Config { lease, ..Config::default() };
    let hands = || Arc::new(Hands { wall_ms: START_MS.into(), ..Hands::default() });
    let first = Rig::open(Arc::clone(&folder), hands(), config.clone()).await;
    (first, Rig::open(folder, hands(), config).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_job_is_run_by_one_of_them() {
    let (first, second) = pair(Duration::from_secs(30)).await;
    let adders = (0..64).map(|n| {
        let jobs = if n % 2 == 0 { first.jobs.clone() } else { second.jobs.clone() };
        tokio::spawn(async move { jobs.add(job(Act::Done).key("one of both")).await.unwrap() })
    });
    let _ = futures::future::join_all(adders).await;
    let jobs = (0..200).map(|_| job(Act::Done)).collect();
    first.jobs.add_many(jobs).await.unwrap();
    second.jobs.wake();
    while first.jobs.queues().await.unwrap()[2].counts.open() > 0 {
        tokio::task::yield_now().await;
    }
    let begun = first.hands.begun.lock().unwrap().len() + second.hands.begun.lock().unwrap().len();
    let added = first.jobs.queues().await.unwrap()[2].counts.of(State::Done);
    assert_eq!(begun as u64, added, "none twice, none lost");
    first.counts_are_true().await;
    // Both go by the same numbers.
    second.counts_are_true().await;
    let id = second.add(Act::Done).await;
    first.jobs.wake();
    while first.state(id).await != State::Done {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_process_that_gives_no_sign_of_life_is_taken_over_and_its_late_acknowledgement_refused() {
    let (mut first, mut second) = pair(Duration::from_secs(1)).await;
    second.jobs.pause("normal").await.unwrap();
    let id = first.add(Act::Wait).await;
    first.until(id, State::Running).await;
    // The first gives no sign any more, but its handler still runs.
    let session = first.store.write("test.dies", |tx| {
        tx.execute_batch(
            "CREATE TRIGGER dead BEFORE UPDATE ON job_session
             WHEN old.id = (SELECT session FROM job WHERE session IS NOT NULL)
             BEGIN SELECT raise(IGNORE); END",
        )?;
        Ok(tx
            .query_row("SELECT session FROM job WHERE session IS NOT NULL", [], |row| row.get::<_, i64>(0))?)
    });
    let session = session.await.unwrap();
    while second.state(id).await == State::Running {
        tokio::task::yield_now().await;
    }
    assert_eq!(second.outcomes(id).await, ["interrupted"]);
    first.jobs.pause("normal").await.unwrap();
    second.jobs.resume("normal").await.unwrap();
    second.until(id, State::Running).await;
    let owner = second.store.read("test.owner", |db| {
        Ok(db
            .query_row("SELECT session FROM job WHERE session IS NOT NULL", [], |row| row.get::<_, i64>(0))?)
    });
    assert_ne!(owner.await.unwrap(), session);
    // The late end of the first changes nothing.
    first.hands.go.notify_one();
    first.jobs.stop(Duration::from_secs(5)).await;
    assert_eq!(second.state(id).await, State::Running);
    second.hands.go.notify_one();
    second.until(id, State::Done).await;
    second.counts_are_true().await;
}

#[tokio::test]
async fn a_job_that_another_process_cancels_is_told_to_end() {
    let (mut first, second) = pair(Duration::from_secs(30)).await;
    second.jobs.pause("normal").await.unwrap();
    let id = first.add(Act::Wait).await;
    first.until(id, State::Running).await;
    second.jobs.cancel(id).await.unwrap();
    first.until(id, State::Cancelled).await;
    second.counts_are_true().await;
}
