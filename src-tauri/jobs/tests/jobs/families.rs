//! Parents, children, and what moves them.

use std::time::Duration;

use eider_jobs::{JobId, State, Why};

use crate::support::{Act, Rig, job};

/// A paused queue with a parent of these children.
async fn tree(rig: &Rig, acts: &[Act]) -> (JobId, Vec<JobId>) {
    let children = acts.iter().cloned().map(job).collect();
    let (parent, children) = rig.jobs.add_tree(job(Act::Done), children).await.unwrap();
    (parent.id, children.into_iter().map(|child| child.id).collect())
}

#[tokio::test]
async fn a_parent_that_is_cancelled_takes_its_open_children_with_it() {
    let mut rig = Rig::new().await;
    rig.jobs.set_concurrency("normal", 2).await.unwrap();
    let (parent, children) = tree(&rig, &[Act::Done, Act::Wait, Act::Wait, Act::Wait]).await;
    rig.until(children[2], State::Running).await;
    rig.jobs.cancel(parent).await.unwrap();
    rig.until(parent, State::Cancelled).await;
    for id in &children[1..] {
        rig.until(*id, State::Cancelled).await;
    }
    assert_eq!(rig.state(children[0]).await, State::Done);
    assert_eq!(rig.outcomes(children[3]).await, [""; 0], "it never began");
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_parent_that_is_retried_waits_for_its_failed_children_once_more() {
    let mut rig = Rig::new().await;
    let (parent, children) = tree(&rig, &[Act::Done, Act::Wait, Act::Wait]).await;
    rig.until(children[2], State::Running).await;
    rig.until(children[0], State::Done).await;
    rig.jobs.cancel(children[1]).await.unwrap();
    let event = rig.until(parent, State::Failed).await;
    let error = format!("job {}, for which it waited, is cancelled", children[1]);
    assert_eq!(event.error, Some(error), "its failure is told");
    rig.jobs.retry(parent).await.unwrap();
    assert_eq!(rig.jobs.why(parent).await.unwrap(), Why::Blocked { children_open: 2 });
    rig.until(children[1], State::Running).await;
    rig.until(children[1], State::Running).await;
    rig.hands.go.notify_one();
    rig.hands.go.notify_one();
    for id in [children[1], children[2], parent] {
        rig.until(id, State::Done).await;
    }
    assert_eq!(rig.jobs.job(children[0]).await.unwrap().row.attempt, 1, "what was done is not done again");
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_child_that_runs_again_is_waited_for_again() {
    let mut rig = Rig::new().await;
    let (parent, children) = tree(&rig, &[Act::Done, Act::Wait]).await;
    rig.until(children[1], State::Running).await;
    rig.until(children[0], State::Done).await;
    rig.jobs.retry(children[0]).await.unwrap();
    rig.until(children[0], State::Done).await;
    assert_eq!(rig.jobs.why(parent).await.unwrap(), Why::Blocked { children_open: 1 });
    rig.hands.go.notify_one();
    rig.until(parent, State::Done).await;
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_child_whose_process_dies_for_good_fails_its_parent() {
    let mut rig = Rig::new().await;
    let children = vec![job(Act::Wait).attempts(1)];
    let (parent, children) = rig.jobs.add_tree(job(Act::Done), children).await.unwrap();
    rig.until(children[0].id, State::Running).await;
    let mut rig = rig.crash().await;
    assert_eq!(rig.state(parent.id).await, State::Failed);
    rig.jobs.retry(parent.id).await.unwrap();
    rig.until(children[0].id, State::Running).await;
    rig.hands.go.notify_one();
    rig.until(parent.id, State::Done).await;
    rig.counts_are_true().await;
}

#[tokio::test]
async fn what_was_removed_of_a_family_is_not_waited_for() {
    let mut rig = Rig::new().await;
    let (parent, children) = tree(&rig, &[Act::Fail, Act::Done]).await;
    rig.until(parent, State::Failed).await;
    rig.until(children[1], State::Done).await;
    rig.jobs.discard(children[0]).await.unwrap();
    rig.jobs.retry(parent).await.unwrap();
    rig.until(parent, State::Done).await;
    let orphan = tree(&rig, &[Act::Fail, Act::Wait]).await;
    rig.until(orphan.1[1], State::Running).await;
    rig.until(orphan.0, State::Failed).await;
    rig.jobs.discard(orphan.0).await.unwrap();
    rig.hands.go.notify_one();
    rig.until(orphan.1[1], State::Done).await;
    rig.pass(Duration::from_secs(1));
    rig.counts_are_true().await;
}
