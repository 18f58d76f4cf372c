//! Later, by the clock, again and again; parents and batches; what is kept of the past.

use std::sync::Arc;
use std::time::Duration;

use eider_jobs::{Config, JobId, NewJob, Periodic, Retention, StartError, State, Why};

use crate::support::{Act, Hands, Rig, START_MS, builder, config, job, named, open};

#[tokio::test]
async fn a_delayed_job_starts_when_it_is_due() {
    let mut rig = Rig::new().await;
    let id = rig.added(job(Act::Done).delay(Duration::from_secs(60))).await.id;
    let at = rig.added(job(Act::Done).at_ms(START_MS + 30_000)).await.id;
    assert_eq!(rig.jobs.why(id).await.unwrap(), Why::Scheduled { at_ms: START_MS + 60_000 });
    rig.pass(Duration::from_secs(30));
    rig.until(at, State::Done).await;
    assert_eq!(rig.state(id).await, State::Scheduled);
    rig.pass(Duration::from_secs(30));
    rig.until(id, State::Done).await;
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_clock_set_back_by_a_day_starts_nothing_early_and_one_set_forward_nothing_twice() {
    let mut rig = Rig::new().await;
    let day = Duration::from_secs(24 * 3600);
    let id = rig.added(job(Act::Done).delay(Duration::from_secs(60))).await.id;
    let running = rig.add(Act::Wait).await;
    rig.until(running, State::Running).await;
    rig.hands.wall_ms.fetch_sub(day.as_millis() as i64, std::sync::atomic::Ordering::SeqCst);
    let now = rig.add(Act::Done).await;
    rig.until(now, State::Done).await;
    assert_eq!(rig.state(id).await, State::Scheduled);
    rig.pass(2 * day);
    rig.until(id, State::Done).await;
    assert_eq!(rig.state(running).await, State::Running, "the step rescued nothing");
    rig.hands.go.notify_one();
    rig.until(running, State::Done).await;
    assert_eq!(rig.outcomes(running).await, ["done"]);
}

fn periodic(cron: &str) -> Periodic {
    Periodic { name: "tick".into(), cron: cron.into(), job: named(Act::Done, "tick") }
}

async fn with_periodic(folder: &Arc<tempfile::TempDir>, hands: &Arc<Hands>, cron: &str) -> Rig {
    let store = open(folder.path());
    let jobs = builder(&store, hands, config()).periodic(periodic(cron)).start().await.unwrap();
    let (folder, hands) = (Arc::clone(folder), Arc::clone(hands));
    Rig { folder, events: jobs.events(), seen: Vec::new(), store, hands, jobs }
}

#[tokio::test]
async fn a_periodic_job_comes_by_its_schedule_and_is_caught_up_with_once() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let hands = Arc::new(Hands { wall_ms: START_MS.into(), ..Hands::default() });
    let mut rig = with_periodic(&folder, &hands, "*/5 * * * *").await;
    rig.pass(Duration::from_secs(300));
    rig.until(JobId(1), State::Done).await;
    rig.jobs.stop(Duration::from_secs(1)).await;
    rig.store.close().await;
    // Eight hours asleep: 96 times were missed.
    rig.pass(Duration::from_secs(8 * 3600));
    let mut rig = with_periodic(&folder, &hands, "*/5 * * * *").await;
    rig.until(JobId(2), State::Done).await;
    rig.pass(Duration::from_secs(300));
    rig.until(JobId(3), State::Done).await;
    assert_eq!(rig.hands.begun.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_schedule_that_is_none_is_refused_with_its_name() {
    let rig = Rig::new().await;
    for cron in ["", "every day", "61 * * * *", "0 0 31 2 *"] {
        let refused = builder(&rig.store, &rig.hands, config()).periodic(periodic(cron)).start().await;
        assert!(matches!(refused, Err(StartError::BadCron { ref name, .. }) if name == "tick"), "{cron:?}");
    }
    let unknown = Periodic { job: NewJob::raw("NONE", serde_json::Value::Null), ..periodic("* * * * *") };
    let refused = builder(&rig.store, &rig.hands, config()).periodic(unknown).start().await;
    assert!(matches!(refused, Err(StartError::BadPeriodic { .. })));
}

#[tokio::test]
async fn a_parent_starts_after_its_children_and_fails_with_one_that_fails() {
    let mut rig = Rig::new().await;
    let tree = |last| (job(Act::Done), vec![job(Act::Done), job(Act::Done), job(last)]);
    let (parent, children) = tree(Act::Wait);
    let (parent, children) = rig.jobs.add_tree(parent, children).await.unwrap();
    rig.until(children[2].id, State::Running).await;
    while rig.jobs.job(parent.id).await.unwrap().children_open > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.jobs.why(parent.id).await.unwrap(), Why::Blocked { children_open: 1 });
    rig.hands.go.notify_one();
    rig.until(parent.id, State::Done).await;
    assert_eq!(rig.jobs.job(children[0].id).await.unwrap().parent, Some(parent.id));

    let (parent, children) = tree(Act::Fail);
    let (parent, children) = rig.jobs.add_tree(parent, children).await.unwrap();
    rig.until(children[2].id, State::Failed).await;
    let job = rig.jobs.job(parent.id).await.unwrap().row;
    let error = format!("job {}, for which it waited, is failed", children[2].id);
    assert_eq!((job.state, job.error), (State::Failed, Some(error)));
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_tree_is_added_whole_or_not_at_all() {
    let rig = Rig::new().await;
    rig.jobs.pause("normal").await.unwrap();
    rig.added(job(Act::Done).key("taken")).await;
    let children = vec![job(Act::Done), job(Act::Done).key("taken")];
    let refused = rig.jobs.add_tree(job(Act::Done), children).await;
    assert!(refused.unwrap_err().to_string().contains("key = taken"));
    assert_eq!(rig.jobs.list(&Default::default(), None, 10).await.unwrap().rows.len(), 1);
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_batch_tells_how_its_jobs_stand() {
    let mut rig = Rig::new().await;
    let jobs = [Act::Done, Act::Done, Act::Fail, Act::Wait].map(|act| job(act).batch("import"));
    let added = rig.jobs.add_many(jobs.into()).await.unwrap();
    rig.until(added[3].as_ref().unwrap().id, State::Running).await;
    loop {
        let batch = rig.jobs.batch("import").await.unwrap();
        if batch.open == 1 {
            assert_eq!((batch.done, batch.failed, batch.cancelled), (2, 1, 0));
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_ended_long_ago_is_removed_and_what_is_open_never() {
    let retention = Retention {
        done: Duration::from_secs(60),
        cancelled: Duration::from_secs(60),
        failed: Duration::from_secs(3600),
        most: 2,
    };
    let mut rig = Rig::with(Config { retention, ..config() }).await;
    let waits = rig.added(job(Act::Done).delay(Duration::from_secs(360_000))).await.id;
    for act in [Act::Done, Act::Done, Act::Done, Act::Fail] {
        let id = rig.add(act.clone()).await;
        rig.until(id, if act == Act::Fail { State::Failed } else { State::Done }).await;
    }
    let (store, hands, folder) = (rig.store.clone(), Arc::clone(&rig.hands), Arc::clone(&rig.folder));
    rig.jobs.stop(Duration::from_secs(1)).await;
    // The first sweep is at the start.
    let jobs = builder(&store, &hands, Config { retention, ..config() }).start().await.unwrap();
    let left = |jobs: eider_jobs::Jobs| async move {
        let rows = jobs.list(&Default::default(), None, 100).await.unwrap().rows;
        rows.into_iter().map(|row| row.id.0).collect::<Vec<_>>()
    };
    while left(jobs.clone()).await.len() > 4 {
        tokio::task::yield_now().await;
    }
    assert_eq!(left(jobs.clone()).await, [5, 4, 3, waits.0], "the oldest beyond the most");
    jobs.stop(Duration::from_secs(1)).await;
    hands.wall_ms.fetch_add(61_000, std::sync::atomic::Ordering::SeqCst);
    let jobs = builder(&store, &hands, Config { retention, ..config() }).start().await.unwrap();
    while left(jobs.clone()).await.len() > 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(left(jobs.clone()).await, [5, waits.0], "failed ones are kept longer");
    let rig = Rig { folder, events: jobs.events(), seen: Vec::new(), store, hands, jobs };
    rig.counts_are_true().await;
}
