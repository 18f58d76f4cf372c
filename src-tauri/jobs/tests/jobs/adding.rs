//! Adding in a caller's own transaction, and many at once.

use std::time::Duration;

use eider_jobs::{AddError, JobId, State};
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
    let (jobs, waker) = (rig.jobs.clone(), rig.jobs.waker());
    let added =
        rig.store.write("test.done", move |tx| Ok((jobs.enqueue_in(tx, job(Act::Done)).unwrap(), waker)));
    let (added, _) = added.await.unwrap();
    rig.until(added.id, State::Done).await;
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_caller_that_goes_on_after_a_failed_enqueue_keeps_nothing_of_the_job() {
    let rig = Rig::new().await;
    rig.jobs.pause("normal").await.unwrap();
    rig.added(job(Act::Done)).await;
    let jobs = rig.jobs.clone();
    let own = rig.store.write("test.own", move |tx| {
        tx.execute_batch(
            "CREATE TRIGGER broken BEFORE UPDATE ON job_count BEGIN SELECT raise(FAIL, 'broken'); END;
             CREATE TABLE own (id INTEGER)",
        )?;
        let refused = jobs.enqueue_in(tx, job(Act::Done));
        assert!(matches!(refused, Err(AddError::Store(_))), "{refused:?}");
        Ok(tx.execute_batch("INSERT INTO own VALUES (1); DROP TRIGGER broken")?)
    });
    own.await.unwrap();
    assert_eq!(rig.jobs.list(&Default::default(), None, 10).await.unwrap().rows.len(), 1);
    rig.counts_are_true().await;
}

/// It stood for up to 10 seconds, until the dispatcher looked of itself.
#[tokio::test]
async fn a_job_whose_caller_was_dropped_while_it_waited_starts_at_once() {
    let mut rig = Rig::new().await;
    let jobs = rig.jobs.clone();
    // The dispatcher has nothing to do and has looked for it.
    let first = rig.add(Act::Done).await;
    rig.until(first, State::Done).await;
    let began = std::time::Instant::now();
    for n in 0..4 {
        let add: futures::future::BoxFuture<'_, ()> = match n {
            0 => Box::pin(async { _ = jobs.add(job(Act::Done)).await }),
            1 => Box::pin(async { _ = jobs.add_many(vec![job(Act::Done)]).await }),
            2 => Box::pin(async { _ = jobs.add_tree(job(Act::Done), vec![]).await }),
            _ => Box::pin(async {
                let (jobs, waker) = (jobs.clone(), jobs.waker());
                let add = rig
                    .store
                    .write("test.own", move |tx| Ok((jobs.enqueue_in(tx, job(Act::Done)).unwrap(), waker)));
                _ = add.await;
            }),
        };
        let mut add = add;
        assert!(futures::poll!(&mut add).is_pending());
        drop(add);
        rig.until(JobId(first.0 + 1 + n), State::Done).await;
    }
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test]
async fn many_jobs_share_commits_in_parts_and_each_has_its_answer() {
    let mut rig = Rig::new().await;
    rig.jobs.pause("normal").await.unwrap();
    let break_it = "CREATE TRIGGER full AFTER INSERT ON job WHEN new.id > 2500
                    BEGIN SELECT raise(ABORT, 'no room'); END";
    rig.store.write("test.break", move |tx| Ok(tx.execute_batch(break_it)?)).await.unwrap();
    let commits = rig.store.stats().writer.groups;
    let mut many: Vec<_> = (0..4000).map(|_| job(Act::Done)).collect();
    many[7] = job(Act::Done).attempts(0);
    let answers = rig.jobs.add_many(many).await.unwrap();
    assert!(rig.store.stats().writer.groups >= commits + 3, "nobody waits behind all of them");
    assert!(matches!(answers[7], Err(AddError::Invalid { field: "attempts", .. })));
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1999);
    assert!(answers[2000..].iter().all(|answer| matches!(answer, Err(AddError::Store(_)))));
    assert_eq!(rig.jobs.queues().await.unwrap()[2].counts.of(State::Waiting), 1999);
    rig.counts_are_true().await;
    rig.store.write("test.mend", |tx| Ok(tx.execute_batch("DROP TRIGGER full")?)).await.unwrap();
    rig.jobs.resume("normal").await.unwrap();
    rig.until(answers[1999].as_ref().unwrap().id, State::Done).await;
}
