//! What people do to jobs.

use std::time::Duration;

use eider_jobs::{Filter, JobId, JobsError, OnDuplicate, State, Unique, Why};

use crate::support::{Act, Rig, config, job};

#[tokio::test]
async fn a_cancelled_job_ends_whether_it_waits_or_runs_or_ignores_it() {
    let mut rig = Rig::new().await;
    let later = rig.added(job(Act::Done).delay(Duration::from_secs(60))).await.id;
    rig.jobs.cancel(later).await.unwrap();
    assert_eq!(rig.state(later).await, State::Cancelled);
    for act in [Act::Wait, Act::Stubborn] {
        let id = rig.add(act).await;
        rig.until(id, State::Running).await;
        rig.jobs.cancel(id).await.unwrap();
        rig.until(id, State::Cancelled).await;
    }
    let finishes = rig.add(Act::Finish).await;
    rig.until(finishes, State::Running).await;
    rig.jobs.cancel(finishes).await.unwrap();
    rig.until(finishes, State::Done).await;
    let refused = rig.jobs.cancel(finishes).await;
    assert!(matches!(refused, Err(JobsError::NotAllowed { state: State::Done, .. })), "{refused:?}");
    assert!(matches!(rig.jobs.cancel(JobId(999)).await, Err(JobsError::NotFound { id: JobId(999) })));
    rig.counts_are_true().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_cancelled_just_as_it_begins_ends_too() {
    let mut rig = Rig::new().await;
    rig.jobs.set_concurrency("normal", 100).await.unwrap();
    let cancelled = (0..100).map(|_| {
        let jobs = rig.jobs.clone();
        tokio::spawn(async move {
            let id = jobs.add(job(Act::Wait)).await.unwrap().id;
            jobs.cancel(id).await.unwrap();
            id
        })
    });
    for id in futures::future::join_all(cancelled).await {
        rig.until(id.unwrap(), State::Cancelled).await;
    }
    rig.counts_are_true().await;
}

#[tokio::test]
async fn failed_jobs_are_replayed_one_by_one_or_all_at_once() {
    let mut rig = Rig::new().await;
    let mut failed = Vec::new();
    for _ in 0..5 {
        let id = rig.add(Act::Fail).await;
        rig.until(id, State::Failed).await;
        failed.push(id);
    }
    rig.jobs.pause("normal").await.unwrap();
    rig.jobs.retry(failed[0]).await.unwrap();
    assert_eq!(rig.state(failed[0]).await, State::Waiting);
    let refused = rig.jobs.retry(failed[0]).await;
    assert!(matches!(refused, Err(JobsError::NotAllowed { state: State::Waiting, .. })), "{refused:?}");
    assert_eq!(rig.jobs.retry_failed(Some("low")).await.unwrap(), 0);
    assert_eq!(rig.jobs.retry_failed(None).await.unwrap(), 4);
    rig.counts_are_true().await;
    rig.jobs.resume("normal").await.unwrap();
    for id in failed {
        rig.until(id, State::Failed).await;
        assert_eq!(rig.outcomes(id).await, ["failed", "failed"]);
    }
}

/// A retry ran a job in a queue that was being drained, and went beyond a bound.
#[tokio::test]
async fn a_queue_that_takes_no_new_job_takes_none_that_ended_either() {
    let mut bounded = config();
    bounded.queues[2].bound = 2;
    let mut rig = Rig::with(bounded).await;
    let (first, second) = (rig.add(Act::Fail).await, rig.add(Act::Fail).await);
    rig.until(first, State::Failed).await;
    rig.until(second, State::Failed).await;
    rig.jobs.drain("normal").await.unwrap();
    let refused = rig.jobs.retry(first).await.unwrap_err();
    assert!(matches!(&refused, JobsError::Draining { id, queue } if (*id, &**queue) == (first, "normal")));
    assert!(refused.to_string().ends_with("takes no jobs: resume it first"), "{refused}");
    assert_eq!(rig.jobs.retry_failed(None).await.unwrap(), 0);
    rig.jobs.resume("normal").await.unwrap();
    rig.jobs.pause("normal").await.unwrap();
    rig.add(Act::Done).await;
    assert_eq!(rig.jobs.retry_failed(None).await.unwrap(), 1, "there is room for one");
    let refused = rig.jobs.retry(second).await.unwrap_err();
    assert!(matches!(&refused, JobsError::QueueFull { bound: 2, .. }), "{refused}");
    assert!(refused.to_string().ends_with("2 open jobs, its bound: try again in 5s"), "{refused}");
    let stats = rig.store.stats();
    let retries = stats.queries.iter().find(|query| query.name == "jobs.retry").unwrap();
    assert_eq!((retries.calls, retries.errors), (2, 0), "a refusal is no failed query");
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_family_is_replayed_where_its_queue_has_room_for_all_of_it() {
    let mut bounded = config();
    bounded.queues[2].bound = 2;
    let mut rig = Rig::with(bounded).await;
    let (parent, children) = rig.jobs.add_tree(job(Act::Done), vec![job(Act::Fail)]).await.unwrap();
    rig.until(parent.id, State::Failed).await;
    rig.jobs.pause("normal").await.unwrap();
    let other = rig.add(Act::Done).await;
    let refused = rig.jobs.retry(parent.id).await;
    assert!(matches!(refused, Err(JobsError::QueueFull { .. })), "{refused:?}");
    assert_eq!(rig.state(children[0].id).await, State::Failed, "nothing of it was retried");
    rig.jobs.cancel(other).await.unwrap();
    rig.jobs.retry(parent.id).await.unwrap();
    assert_eq!(rig.state(children[0].id).await, State::Waiting);
    assert_eq!(rig.state(parent.id).await, State::Blocked);
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_replayed_job_has_its_attempts_and_its_overall_time_again_each_time() {
    let mut rig = Rig::new().await;
    let id = rig.added(job(Act::Retry).attempts(2).overall(Duration::from_secs(60))).await.id;
    for round in 1..=4 {
        rig.until(id, State::Scheduled).await;
        rig.pass(Duration::from_secs(11));
        rig.until(id, State::Failed).await;
        let row = rig.jobs.job(id).await.unwrap().row;
        assert_eq!((row.attempt, row.attempts), (2 * round, 2 * round));
        rig.pass(Duration::from_secs(3600));
        rig.jobs.retry(id).await.unwrap();
    }
    rig.until(id, State::Scheduled).await;
    rig.pass(Duration::from_secs(61));
    let error = rig.until(id, State::Failed).await.error.unwrap();
    assert!(error.ends_with("its overall time is up"), "{error}");
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_job_that_waits_for_its_time_can_be_started_now() {
    let mut rig = Rig::new().await;
    let id = rig.added(job(Act::Done).delay(Duration::from_secs(3600))).await.id;
    assert!(matches!(rig.jobs.why(id).await.unwrap(), Why::Scheduled { .. }));
    rig.jobs.retry(id).await.unwrap();
    rig.until(id, State::Done).await;
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_snoozed_job_asked_for_again_stands_and_can_be_run_now() {
    let mut rig = Rig::new().await;
    let again = Unique { policy: OnDuplicate::RunOnceMore, ..Unique::default() };
    let keyed = |act| job(act).key("DUCK").unique(again);
    let id = rig.added(keyed(Act::Snooze(3_600_000))).await.id;
    rig.until(id, State::Snoozed).await;
    let asked = rig.added(keyed(Act::Done)).await;
    assert_eq!((asked.id, asked.existing), (id, true));
    assert_eq!(rig.state(id).await, State::Snoozed, "it stands");
    rig.jobs.retry(id).await.unwrap();
    rig.until(id, State::Snoozed).await;
    assert_eq!(rig.outcomes(id).await, ["snoozed", "snoozed"]);
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_job_that_ended_can_be_removed_with_its_attempts_and_an_open_one_not() {
    let mut rig = Rig::new().await;
    let (fails, waits) = (rig.add(Act::Fail).await, rig.add(Act::Wait).await);
    rig.until(fails, State::Failed).await;
    rig.until(waits, State::Running).await;
    rig.jobs.discard(fails).await.unwrap();
    assert!(matches!(rig.jobs.job(fails).await, Err(JobsError::NotFound { .. })));
    assert!(matches!(rig.jobs.discard(fails).await, Err(JobsError::NotFound { .. })));
    let refused = rig.jobs.discard(waits).await;
    assert!(matches!(refused, Err(JobsError::NotAllowed { state: State::Running, .. })), "{refused:?}");
    let attempts = rig.store.read("test.attempts", |db| {
        Ok(db.query_row("SELECT count(*) FROM job_attempt", [], |row| row.get::<_, i64>(0))?)
    });
    assert_eq!(attempts.await.unwrap(), 0);
    rig.counts_are_true().await;
}

#[tokio::test]
async fn lists_are_pages_newest_first_and_show_what_the_filter_says() {
    let mut rig = Rig::new().await;
    rig.jobs.pause("low").await.unwrap();
    for n in 0..10 {
        rig.added(job(Act::Done).queue(if n % 2 == 0 { "low" } else { "normal" })).await;
    }
    rig.until(JobId(10), State::Done).await;
    let ids = |rows: Vec<eider_jobs::JobRow>| rows.into_iter().map(|row| row.id.0).collect::<Vec<_>>();
    let all = Filter::default();
    let first = ids(rig.jobs.list(&all, None, 4).await.unwrap().rows);
    assert_eq!(first, [10, 9, 8, 7]);
    assert_eq!(ids(rig.jobs.list(&all, Some(JobId(7)), 200).await.unwrap().rows), [6, 5, 4, 3, 2, 1]);
    let waiting = Filter {
        states: vec![State::Waiting],
        queues: vec!["low".into(), "high".into()],
        ..Filter::default()
    };
    assert_eq!(ids(rig.jobs.list(&waiting, None, 200).await.unwrap().rows), [9, 7, 5, 3, 1]);
    let unknown = Filter { queues: vec!["low".into(), "none".into()], ..Filter::default() };
    let refused = rig.jobs.list(&unknown, None, 200).await;
    assert!(matches!(refused, Err(JobsError::UnknownQueue(_))), "{refused:?}");
    let other = Filter { kinds: vec!["OTHER".into()], ..Filter::default() };
    assert_eq!(ids(rig.jobs.list(&other, None, 200).await.unwrap().rows), [0; 0]);
    for limit in [0, 501] {
        assert!(matches!(rig.jobs.list(&all, None, limit).await, Err(JobsError::Invalid { .. })));
    }
}
