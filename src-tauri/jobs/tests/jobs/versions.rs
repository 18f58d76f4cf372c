//! Jobs of another version of the program: of queues and kinds that this one does not know.

use std::time::Duration;

use eider_jobs::{Config, Hold, QueueConfig, State, Why};
use store::rusqlite::Transaction;

use crate::support::{Act, Rig, config, job};

/// What the other version left in the database.
async fn change(rig: &Rig, sql: &'static str) {
    rig.store.write("test.change", move |tx: &Transaction<'_>| Ok(tx.execute_batch(sql)?)).await.unwrap();
}

async fn restarted_with(rig: Rig, config: Config) -> Rig {
    rig.jobs.stop(Duration::from_millis(50)).await;
    rig.store.close().await;
    Rig::open(rig.folder, rig.hands, config).await
}

#[tokio::test]
async fn open_jobs_of_a_renamed_queue_move_to_that_of_their_kind() {
    let mut old = config();
    old.queues.push(QueueConfig::new("older"));
    let mut rig = Rig::with(old).await;
    let failed = rig.added(job(Act::Fail).queue("older")).await.id;
    rig.until(failed, State::Failed).await;
    let running = rig.added(job(Act::Wait).queue("older")).await.id;
    rig.until(running, State::Running).await;
    rig.jobs.pause("older").await.unwrap();
    let many = (0..2500).map(|_| job(Act::Done).queue("older")).collect();
    let last = rig.jobs.add_many(many).await.unwrap().pop().unwrap().unwrap().id;
    let later = rig.added(job(Act::Done).queue("older").delay(Duration::from_secs(60))).await.id;

    let mut rig = restarted_with(rig, config()).await;
    for id in [running, last] {
        assert_eq!(rig.jobs.job(id).await.unwrap().row.queue, "normal");
    }
    rig.hands.go.notify_one();
    rig.until(last, State::Done).await;
    rig.pass(Duration::from_secs(60));
    rig.until(later, State::Done).await;
    assert_eq!(rig.jobs.job(failed).await.unwrap().row.queue, "older", "the past stays as it was");
    rig.jobs.retry(failed).await.unwrap();
    rig.until(failed, State::Failed).await;
    assert_eq!(rig.jobs.job(failed).await.unwrap().row.queue, "normal");
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_job_of_an_unknown_kind_and_queue_waits_for_its_version_and_can_be_looked_at() {
    let rig = Rig::new().await;
    rig.jobs.pause("normal").await.unwrap();
    let id = rig.add(Act::Done).await;
    change(&rig, "UPDATE job SET kind = 'NEWER', queue = 'newer'; UPDATE job_count SET queue = 'newer'")
        .await;
    let mut rig = restarted_with(rig, config()).await;
    rig.until(id, State::Snoozed).await;
    let job = rig.jobs.job(id).await.unwrap();
    assert_eq!(
        (job.row.queue.as_str(), job.row.attempt),
        ("critical", 0),
        "the first queue; no attempt is spent"
    );
    let because = Some(Hold::Other("this version has no handler for NEWER".into()));
    let why = rig.jobs.why(id).await.unwrap();
    assert!(matches!(&why, Why::Snoozed { because: told, .. } if *told == because), "{why:?}");
    rig.counts_are_true().await;

    // The version that knows it comes back.
    change(&rig, "UPDATE job SET kind = 'ACT'").await;
    rig.pass(Duration::from_secs(600));
    rig.until(id, State::Done).await;
}

#[tokio::test]
async fn a_job_whose_kind_is_gone_for_good_fails_after_a_week_and_can_be_replayed() {
    let mut rig = Rig::new().await;
    rig.jobs.pause("normal").await.unwrap();
    let id = rig.add(Act::Done).await;
    change(&rig, "UPDATE job SET kind = 'GONE'").await;
    rig.jobs.resume("normal").await.unwrap();
    rig.until(id, State::Snoozed).await;
    rig.pass(Duration::from_secs(8 * 24 * 3600));
    let event = rig.until(id, State::Failed).await;
    assert_eq!(event.error.as_deref(), Some("this version has no handler for GONE"));
    change(&rig, "UPDATE job SET kind = 'ACT'").await;
    rig.jobs.retry(id).await.unwrap();
    rig.until(id, State::Done).await;
    rig.counts_are_true().await;
}
