//! Priorities, places, limits, load, and the state of queues.

use std::sync::atomic::Ordering;
use std::time::Duration;

use eider_jobs::{AddError, Config, JobId, Priority, QueueConfig, Rate, State, Why};

use crate::support::{Act, Rig, config, job, named};

fn one_queue(queue: QueueConfig) -> Config {
    Config { queues: vec![queue], ..config() }
}

fn normal() -> QueueConfig {
    QueueConfig { concurrency: 1, ..QueueConfig::new("normal") }
}

#[tokio::test]
async fn waiting_jobs_start_by_weight_and_low_ones_are_not_starved() {
    let mut rig = Rig::with(one_queue(normal())).await;
    rig.jobs.pause("normal").await.unwrap();
    let jobs = Priority::ALL
        .iter()
        .flat_map(|priority| (0..30).map(|_| named(Act::Done, priority.name()).priority(*priority)));
    rig.jobs.add_many(jobs.collect()).await.unwrap();
    let last = rig.jobs.list(&Default::default(), None, 1).await.unwrap().rows[0].id;
    rig.jobs.resume("normal").await.unwrap();
    rig.until(last, State::Done).await;
    let begun = rig.hands.begun.lock().unwrap().clone();
    let of = |name: &str| begun[..30].iter().filter(|begun| *begun == name).count();
    assert_eq!(["critical", "high", "normal", "low"].map(of), [16, 8, 4, 2]);
    assert_eq!(begun.len(), 120);
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_job_that_waited_too_long_goes_before_more_urgent_ones() {
    let mut rig = Rig::with(one_queue(normal())).await;
    rig.jobs.pause("normal").await.unwrap();
    rig.added(named(Act::Done, "old and low").priority(Priority::Low)).await;
    rig.pass(Duration::from_secs(301));
    rig.added(named(Act::Done, "urgent").priority(Priority::Critical)).await;
    rig.jobs.resume("normal").await.unwrap();
    rig.until(JobId(2), State::Done).await;
    assert_eq!(*rig.hands.begun.lock().unwrap(), ["old and low", "urgent"]);
}

#[tokio::test]
async fn no_more_run_at_once_than_there_are_places_and_places_can_be_changed() {
    let mut rig = Rig::with(one_queue(QueueConfig { concurrency: 3, ..normal() })).await;
    let ids: Vec<JobId> = rig
        .jobs
        .add_many((0..10).map(|_| job(Act::Wait)).collect())
        .await
        .unwrap()
        .into_iter()
        .map(|added| added.unwrap().id)
        .collect();
    for id in &ids[..3] {
        rig.until(*id, State::Running).await;
    }
    assert_eq!(rig.jobs.why(ids[3]).await.unwrap(), Why::Concurrency { running: 3, limit: 3 });
    rig.jobs.set_concurrency("normal", 5).await.unwrap();
    for id in &ids[3..5] {
        rig.until(*id, State::Running).await;
    }
    rig.jobs.set_concurrency("normal", 1).await.unwrap();
    rig.hands.go.notify_waiters();
    for id in &ids[5..] {
        rig.until(*id, State::Running).await;
        assert_eq!(rig.hands.running.load(Ordering::SeqCst).max(1), 1);
        rig.hands.go.notify_one();
        rig.until(*id, State::Done).await;
    }
    assert_eq!(rig.hands.most_running.load(Ordering::SeqCst), 5);
    let rig = rig.restart().await;
    assert_eq!(rig.jobs.queues().await.unwrap()[2].concurrency, 1, "it outlives a restart");
}

#[tokio::test]
async fn a_paused_queue_takes_jobs_and_starts_none_also_after_a_restart() {
    let rig = Rig::new().await;
    rig.jobs.pause("normal").await.unwrap();
    let id = rig.add(Act::Done).await;
    let mut rig = rig.restart().await;
    assert_eq!(rig.jobs.why(id).await.unwrap(), Why::Paused);
    assert_eq!(rig.state(id).await, State::Waiting);
    rig.jobs.resume("normal").await.unwrap();
    rig.until(id, State::Done).await;
}

/// An HTTP client that hung up left a queue that was paused in the database and went on in the process.
#[tokio::test]
async fn a_pause_whose_caller_was_dropped_is_carried_out_all_the_same() {
    let rig = Rig::new().await;
    {
        let mut pause = std::pin::pin!(rig.jobs.pause("normal"));
        assert!(futures::poll!(&mut pause).is_pending());
    }
    // It comes after the pause.
    rig.jobs.set_concurrency("normal", 7).await.unwrap();
    let queue = &rig.jobs.queues().await.unwrap()[2];
    assert_eq!((queue.paused, queue.concurrency), (true, 7));
}

#[tokio::test]
async fn changes_to_a_queue_take_effect_in_the_order_in_which_they_are_kept() {
    let rig = Rig::new().await;
    let mut pause = Box::pin(rig.jobs.pause("normal"));
    assert!(futures::poll!(&mut pause).is_pending());
    rig.jobs.resume("normal").await.unwrap();
    pause.await.unwrap();
    assert!(!rig.jobs.queues().await.unwrap()[2].paused, "the resumption was asked for later");
    let rig = rig.restart().await;
    assert!(!rig.jobs.queues().await.unwrap()[2].paused);
}

#[tokio::test]
async fn a_drained_queue_finishes_what_it_has_and_refuses_more() {
    let mut rig = Rig::new().await;
    let id = rig.add(Act::Wait).await;
    rig.until(id, State::Running).await;
    rig.jobs.drain("normal").await.unwrap();
    let refused = rig.jobs.add(job(Act::Done)).await;
    assert!(matches!(refused, Err(AddError::Draining { ref queue }) if queue == "normal"), "{refused:?}");
    rig.hands.go.notify_one();
    rig.until(id, State::Done).await;
    rig.jobs.resume("normal").await.unwrap();
    assert!(rig.jobs.add(job(Act::Done)).await.is_ok());
}

#[tokio::test]
async fn a_limited_queue_starts_no_more_than_its_rate() {
    let rate = Some(Rate { jobs: 2, per: Duration::from_secs(60) });
    let mut rig = Rig::with(one_queue(QueueConfig { rate, concurrency: 8, ..normal() })).await;
    let started_ms = rig.hands.wall_ms.load(Ordering::SeqCst);
    for _ in 0..5 {
        rig.add(Act::Done).await;
    }
    rig.until(JobId(2), State::Done).await;
    assert_eq!(rig.jobs.why(JobId(3)).await.unwrap(), Why::QueueRate { until_ms: started_ms + 60_000 });
    rig.pass(Duration::from_secs(59));
    assert_eq!(rig.state(JobId(3)).await, State::Waiting);
    rig.pass(Duration::from_secs(1));
    rig.until(JobId(4), State::Done).await;
    assert_eq!(rig.state(JobId(5)).await, State::Waiting);
}

#[tokio::test]
async fn a_clock_that_is_set_back_lets_no_more_start_than_the_rate() {
    let rate = Some(Rate { jobs: 2, per: Duration::from_secs(60) });
    let mut rig = Rig::with(one_queue(QueueConfig { rate, concurrency: 8, ..normal() })).await;
    for _ in 0..3 {
        rig.add(Act::Done).await;
    }
    rig.until(JobId(2), State::Done).await;
    let back_ms = 24 * 3600 * 1000;
    rig.hands.wall_ms.fetch_sub(back_ms, Ordering::SeqCst);
    let now_ms = rig.hands.wall_ms.load(Ordering::SeqCst);
    assert_eq!(rig.jobs.why(JobId(3)).await.unwrap(), Why::QueueRate { until_ms: now_ms + 60_000 });
    rig.pass(Duration::from_secs(60));
    rig.until(JobId(3), State::Done).await;
}

#[tokio::test]
async fn a_delayed_job_of_a_paused_queue_waits_when_it_is_due() {
    let mut rig = Rig::with(one_queue(normal())).await;
    rig.jobs.pause("normal").await.unwrap();
    let id = rig.added(job(Act::Done).delay(Duration::from_secs(60))).await.id;
    rig.pass(Duration::from_secs(60));
    while rig.jobs.why(id).await.unwrap() != Why::Paused {
        tokio::task::yield_now().await;
    }
    rig.jobs.resume("normal").await.unwrap();
    rig.until(id, State::Done).await;
}

#[tokio::test]
async fn a_full_queue_refuses_with_its_bound_and_a_time_and_keeps_what_it_took() {
    let mut rig = Rig::with(one_queue(QueueConfig { bound: 3, ..normal() })).await;
    rig.jobs.pause("normal").await.unwrap();
    let added = rig.jobs.add_many((0..5).map(|_| job(Act::Done)).collect()).await.unwrap();
    assert_eq!(added.iter().filter(|added| added.is_ok()).count(), 3);
    let refused = added[4].as_ref().unwrap_err();
    assert!(matches!(refused, AddError::QueueFull { bound: 3, .. }), "{refused}");
    rig.counts_are_true().await;
    rig.jobs.resume("normal").await.unwrap();
    rig.until(JobId(3), State::Done).await;
    assert!(rig.jobs.add(job(Act::Done)).await.is_ok());
}

#[tokio::test]
async fn load_that_lasts_puts_low_work_off_then_refuses_it() {
    let mut rig = Rig::with(one_queue(QueueConfig { bound: 4, concurrency: 4, ..normal() })).await;
    let low = || job(Act::Done).priority(Priority::Low);
    for _ in 0..3 {
        rig.jobs.set_load(0.95);
    }
    let (first, second) = (rig.added(low()).await.id, rig.added(low()).await.id);
    let urgent = rig.add(Act::Done).await;
    rig.until(urgent, State::Done).await;
    assert_eq!(rig.jobs.why(first).await.unwrap(), Why::Load { factor: 0.95 });
    let refused = rig.jobs.add(low()).await;
    assert!(matches!(refused, Err(AddError::Overloaded { .. })), "{refused:?}");
    assert!(rig.jobs.queues().await.unwrap()[0].deferring);
    for _ in 0..5 {
        rig.jobs.set_load(0.2);
    }
    rig.until(second, State::Done).await;
    assert!(rig.jobs.add(low()).await.is_ok());
}

/// On a machine that is always loaded, low work was put off for good.
#[tokio::test]
async fn load_without_end_puts_low_work_off_for_a_quarter_of_an_hour_then_lets_one_run_at_a_time() {
    let mut rig = Rig::with(one_queue(QueueConfig { concurrency: 4, ..normal() })).await;
    for _ in 0..3 {
        rig.jobs.set_load(0.95);
    }
    let low = || job(Act::Wait).priority(Priority::Low);
    let (first, second) = (rig.added(low()).await.id, rig.added(low()).await.id);
    rig.pass(Duration::from_secs(15 * 60 - 1));
    let later = rig.added(low()).await.id;
    let urgent = rig.add(Act::Done).await;
    rig.until(urgent, State::Done).await;
    assert_eq!(rig.jobs.why(first).await.unwrap(), Why::Load { factor: 0.95 });
    rig.pass(Duration::from_secs(1));
    rig.until(first, State::Running).await;
    assert_eq!(rig.jobs.why(second).await.unwrap(), Why::Load { factor: 0.95 });
    rig.hands.go.notify_one();
    rig.until(second, State::Running).await;
    rig.hands.go.notify_one();
    rig.until(second, State::Done).await;
    let urgent = rig.add(Act::Done).await;
    rig.until(urgent, State::Done).await;
    assert_eq!(rig.jobs.why(later).await.unwrap(), Why::Load { factor: 0.95 }, "it is not due for long");
    assert_eq!(rig.hands.most_running.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn queues_tell_how_they_fare() {
    let mut rig = Rig::new().await;
    for _ in 0..10 {
        let id = rig.add(Act::Done).await;
        rig.until(id, State::Done).await;
    }
    for act in [Act::Fail, Act::Cancel] {
        let (id, ends) =
            (rig.add(act.clone()).await, if act == Act::Fail { State::Failed } else { State::Cancelled });
        rig.until(id, ends).await;
    }
    rig.pass(Duration::from_secs(1));
    let queues = rig.jobs.queues().await.unwrap();
    let queue = &queues[2];
    assert_eq!((queue.counts.of(State::Done), queue.ended_per_minute), (10, 12));
    assert_eq!((queue.completion_rate, queues[0].completion_rate), (Some(10.0 / 12.0), None));
    assert!(queue.waits.is_some() && queue.runs.is_some());
    assert_eq!(queue.depth.len(), 1, "the first sample is taken at the start");
}
