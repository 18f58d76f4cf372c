//! The end of the process, the disk and the database at the worst moment.

use std::time::Duration;

use eider_jobs::{JobId, State};
use store::StoreError;

use crate::support::{Act, Rig, job};

#[tokio::test]
async fn what_a_dead_process_ran_is_taken_up_at_once_with_its_attempt_spent() {
    let mut rig = Rig::new().await;
    let (id, last) = (rig.add(Act::Wait).await, rig.added(job(Act::Wait).attempts(1)).await.id);
    rig.until(last, State::Running).await;
    let mut rig = rig.crash().await;
    assert_eq!(rig.state(last).await, State::Failed, "it may be what killed the process");
    rig.until(id, State::Running).await;
    let job = rig.jobs.job(id).await.unwrap();
    assert_eq!(job.row.attempt, 2);
    assert_eq!(rig.outcomes(id).await, ["running", "interrupted"]);
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_job_that_kills_its_process_each_time_ends_dead() {
    let mut rig = Rig::new().await;
    let id = rig.add(Act::Stubborn).await;
    for _ in 0..3 {
        rig.until(id, State::Running).await;
        rig = rig.crash().await;
    }
    assert_eq!(rig.state(id).await, State::Failed);
    assert_eq!(rig.outcomes(id).await, ["interrupted"; 3]);
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_file_that_may_not_grow_refuses_each_caller_and_work_resumes_when_it_may() {
    let mut rig = Rig::new().await;
    let kept = rig.add(Act::Wait).await;
    rig.until(kept, State::Running).await;
    let pages = |limit: i64| {
        rig.store.write("test.limit", move |tx| {
            let pages: i64 = tx.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            Ok(tx.pragma_update(None, "max_page_count", if limit == 0 { pages } else { limit })?)
        })
    };
    pages(0).await.unwrap();
    let big = || job(Act::Result("x".repeat(60_000)));
    let adders = (0..8).map(|_| rig.jobs.add(big()));
    let answers = futures::future::join_all(adders).await;
    let mut added = Vec::new();
    for answer in answers {
        match answer {
            Ok(one) => added.push(one.id),
            Err(eider_jobs::AddError::Store(StoreError::Full)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert!(added.len() < 8, "the disk was not full");
    pages(1_000_000).await.unwrap();
    rig.hands.go.notify_one();
    rig.until(kept, State::Done).await;
    let id = rig.added(big()).await.id;
    rig.until(id, State::Done).await;
    for id in added {
        assert_eq!(rig.state(id).await, State::Done, "what was acknowledged is there");
    }
    rig.counts_are_true().await;
}

#[tokio::test]
async fn an_end_that_could_not_be_written_is_written_later() {
    let mut rig = Rig::new().await;
    let id = rig.add(Act::Wait).await;
    rig.until(id, State::Running).await;
    let break_it = "CREATE TRIGGER broken BEFORE UPDATE ON job BEGIN SELECT raise(ABORT, 'broken'); END";
    rig.store.write("test.break", move |tx| Ok(tx.execute_batch(break_it)?)).await.unwrap();
    rig.hands.go.notify_one();
    rig.jobs.queues().await.unwrap();
    rig.store.write("test.mend", |tx| Ok(tx.execute_batch("DROP TRIGGER broken")?)).await.unwrap();
    rig.until(JobId(id.0), State::Done).await;
    tokio::time::timeout(Duration::from_secs(10), rig.counts_are_true()).await.unwrap();
}
