//! Job keys.

use std::sync::atomic::Ordering;
use std::time::Duration;

use eider_jobs::{JobsError, OnDuplicate, State, States, Unique, Why};

use crate::support::{Act, Rig, job, named};

#[tokio::test]
async fn while_a_job_of_the_key_is_open_adding_it_gives_that_one() {
    let mut rig = Rig::new().await;
    let keyed = || job(Act::Wait).key("DUCK");
    let first = rig.added(keyed()).await;
    rig.until(first.id, State::Running).await;
    let again = rig.added(keyed()).await;
    assert_eq!((first.existing, again.existing, again.id), (false, true, first.id));
    rig.hands.go.notify_one();
    rig.until(first.id, State::Done).await;
    assert!(!rig.added(keyed()).await.existing, "the first has ended");
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_key_can_stand_for_ended_jobs_too_for_its_time() {
    let mut rig = Rig::new().await;
    let day = Duration::from_secs(24 * 3600);
    let request = || job(Act::Done).key("request").unique(Unique::idempotent(day));
    let first = rig.added(request()).await;
    rig.until(first.id, State::Done).await;
    assert_eq!(rig.added(request()).await.id, first.id);
    rig.pass(day);
    assert!(!rig.added(request()).await.existing);
}

#[tokio::test]
async fn a_replacement_takes_over_payload_and_time_unless_the_job_runs() {
    let mut rig = Rig::new().await;
    let replace = Unique { policy: OnDuplicate::Replace, ..Unique::default() };
    let keyed = |act, name| named(act, name).key("k").unique(replace);
    let first = rig.added(keyed(Act::Done, "older").delay(Duration::from_secs(60))).await;
    let second = rig.added(keyed(Act::Wait, "newer")).await;
    assert_eq!((second.id, second.existing), (first.id, true));
    rig.until(first.id, State::Running).await;
    rig.added(keyed(Act::Done, "too late")).await;
    rig.hands.go.notify_one();
    rig.until(first.id, State::Done).await;
    assert_eq!(*rig.hands.begun.lock().unwrap(), ["newer"]);
    rig.counts_are_true().await;
}

#[tokio::test]
async fn asked_for_again_while_running_it_runs_once_more_afterwards() {
    let mut rig = Rig::new().await;
    let again = Unique { policy: OnDuplicate::RunOnceMore, ..Unique::default() };
    let keyed = |act, name| named(act, name).key("DUCK").unique(again);
    let first = rig.added(keyed(Act::Wait, "first")).await.id;
    rig.until(first, State::Running).await;
    for name in ["second", "third"] {
        assert_eq!(rig.added(keyed(Act::Done, name)).await.id, first);
    }
    rig.hands.go.notify_one();
    rig.until(first, State::Done).await;
    let more = eider_jobs::JobId(first.0 + 1);
    rig.until(more, State::Done).await;
    assert_eq!(*rig.hands.begun.lock().unwrap(), ["first", "third"], "once, as last asked for");
    assert!(!rig.added(keyed(Act::Done, "fourth")).await.existing);
    rig.counts_are_true().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_adders_at_once_one_adds() {
    let rig = Rig::new().await;
    rig.jobs.pause("normal").await.unwrap();
    let adders = (0..64).map(|_| {
        let jobs = rig.jobs.clone();
        tokio::spawn(async move { jobs.add(job(Act::Done).key("one")).await.unwrap() })
    });
    let added: Vec<_> = futures::future::join_all(adders).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(added.iter().filter(|added| !added.existing).count(), 1);
    assert!(added.iter().all(|one| one.id == added[0].id));
    assert_eq!(rig.hands.begun.lock().unwrap().len(), 0);
    let among = Unique { among: States::of(&[State::Running]), ..Unique::default() };
    assert!(!rig.added(job(Act::Done).key("one").unique(among)).await.existing, "only running ones count");
    assert_eq!(rig.hands.running.load(Ordering::SeqCst), 0);
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_replayed_job_does_not_stand_beside_another_of_its_key() {
    let mut rig = Rig::new().await;
    let first = rig.added(job(Act::Fail).key("DUCK")).await.id;
    rig.until(first, State::Failed).await;
    let second = rig.added(job(Act::Wait).key("DUCK")).await.id;
    rig.until(second, State::Running).await;
    let refused = rig.jobs.retry(first).await;
    assert!(
        matches!(refused, Err(JobsError::KeyTaken { id, by }) if (id, by) == (first, second)),
        "{refused:?}"
    );
    assert_eq!(rig.jobs.retry_failed(None).await.unwrap(), 0);
    assert_eq!(rig.state(first).await, State::Failed);
    rig.hands.go.notify_one();
    rig.until(second, State::Done).await;
    assert_eq!(rig.jobs.retry_failed(None).await.unwrap(), 1);
    rig.until(first, State::Failed).await;
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_cancelled_job_takes_the_run_that_was_asked_for_meanwhile_with_it() {
    let mut rig = Rig::new().await;
    let again = Unique { policy: OnDuplicate::RunOnceMore, ..Unique::default() };
    let keyed = |act, name| named(act, name).key("DUCK").unique(again);
    let first = rig.added(keyed(Act::Wait, "first")).await.id;
    rig.until(first, State::Running).await;
    rig.added(keyed(Act::Done, "second")).await;
    rig.jobs.cancel(first).await.unwrap();
    rig.until(first, State::Cancelled).await;
    assert_eq!(rig.jobs.list(&Default::default(), None, 10).await.unwrap().rows.len(), 1);
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_replaced_job_that_failed_before_says_that_it_is_scheduled() {
    let mut rig = Rig::new().await;
    let replace = Unique { policy: OnDuplicate::Replace, ..Unique::default() };
    let id = rig.added(job(Act::Retry).key("DUCK")).await.id;
    rig.until(id, State::Scheduled).await;
    rig.added(job(Act::Done).key("DUCK").unique(replace).delay(Duration::from_secs(60))).await;
    assert!(matches!(rig.jobs.why(id).await.unwrap(), Why::Scheduled { .. }));
    rig.pass(Duration::from_secs(60));
    rig.until(id, State::Done).await;
}
