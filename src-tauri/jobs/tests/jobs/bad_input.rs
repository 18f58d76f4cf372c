//! What is refused, with the field and what is accepted.

use std::time::Duration;

use eider_jobs::{
    AddError, Config, JobId, JobsError, NewJob, Priority, QueueConfig, Rate, Retention, StartError, State,
    States, Unique,
};
use serde_json::json;

use crate::support::{Act, Rig, START_MS, builder, config, job, named};

const YEARS: Duration = Duration::from_secs(400 * 24 * 3600);

#[tokio::test]
async fn a_job_out_of_its_ranges_is_refused_and_nothing_is_kept() {
    let rig = Rig::new().await;
    let cases: Vec<(NewJob, &str)> = vec![
        (NewJob::raw("NONE", json!({})), "there is no kind `NONE`: use ACT"),
        (
            NewJob::raw("ACT", json!({ "act": "fly" })),
            "the payload is not what ACT takes: act: unknown variant `fly`",
        ),
        // Of an array the fields are taken by their order, and those that have a default are left out.
        (
            NewJob::raw("ACT", json!(["done"])),
            "the payload is not what ACT takes: it is an array where an object is expected, for example \
             {\"act\":\"done\",\"name\":\"example\"}",
        ),
        (job(Act::Result("x".repeat(70_000))), "at most 65536 are accepted"),
        (job(Act::Done).queue("none"), "there is no queue `none`: use critical, high, normal, low"),
        (job(Act::Done).attempts(0), "attempts = 0 is not accepted: use 1 to 100"),
        (job(Act::Done).attempts(101), "attempts = 101"),
        (job(Act::Done).timeout(Duration::ZERO), "timeout = 0ns"),
        (job(Act::Done).timeout(YEARS), "use 1 ms to 24 h"),
        (job(Act::Done).overall(Duration::ZERO), "overall = 0ns"),
        (
            job(Act::Done).delay(Duration::from_millis(31_622_400_001)),
            "delay_ms = 31622400001 is not accepted: use 0 to 31622400000 (366 days)",
        ),
        (job(Act::Done).delay(Duration::new(31_622_400, 1)), "delay_ms = 31622400001 is not accepted"),
        (job(Act::Done).at_ms(-1), "run_at_ms = -1"),
        (job(Act::Done).at_ms(START_MS * 2), "up to 366 days ahead"),
        (job(Act::Done).key(""), "key = 0 bytes is not accepted: use 1 to 256 bytes"),
        (job(Act::Done).key(&"k".repeat(257)), "key = 257 bytes"),
        (job(Act::Done).batch(""), "batch = 0 bytes"),
    ];
    for (job, says) in cases {
        let refused = rig.jobs.add(job).await.unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }
    assert_eq!(rig.jobs.list(&Default::default(), None, 10).await.unwrap().rows.len(), 0);
    assert!(matches!(rig.jobs.add(job(Act::Done).queue("x")).await, Err(AddError::UnknownQueue(_))));
}

#[tokio::test]
async fn a_queue_is_controlled_within_its_ranges_only() {
    let rig = Rig::new().await;
    for concurrency in [0, 1001] {
        let refused = rig.jobs.set_concurrency("normal", concurrency).await.unwrap_err();
        assert!(refused.to_string().ends_with("use 1 to 1000"), "{refused}");
    }
    let refused = [
        rig.jobs.pause("none").await,
        rig.jobs.resume("none").await,
        rig.jobs.drain("none").await,
        rig.jobs.set_concurrency("none", 1).await,
        rig.jobs.retry_failed(Some("none")).await.map(drop),
    ];
    assert!(refused.iter().all(|refused| matches!(refused, Err(JobsError::UnknownQueue(_)))), "{refused:?}");
    assert_eq!(rig.jobs.queues().await.unwrap()[2].concurrency, 8);
}

#[tokio::test]
async fn a_configuration_out_of_its_ranges_starts_nothing() {
    let rig = Rig::new().await;
    let queue = || QueueConfig::new("normal");
    let with = |queue| Config { queues: vec![queue], ..config() };
    let rate = |jobs, per| Some(Rate { jobs, per });
    let cases = [
        Config { queues: vec![], ..config() },
        Config { queues: vec![queue(), queue()], ..config() },
        Config { lease: Duration::ZERO, ..config() },
        Config { payload_max: 0, ..config() },
        with(QueueConfig::new("")),
        with(QueueConfig::new("No")),
        with(QueueConfig { concurrency: 0, ..queue() }),
        with(QueueConfig { bound: 0, ..queue() }),
        with(QueueConfig { weights: [1, 1, 0, 1], ..queue() }),
        with(QueueConfig { rate: rate(0, Duration::from_secs(1)), ..queue() }),
        with(QueueConfig { rate: rate(1, Duration::from_nanos(1)), ..queue() }),
        // The kind's own queue must be there.
        with(QueueConfig::new("other")),
    ];
    for config in cases {
        let refused = builder(&rig.store, &rig.hands, config.clone()).start().await;
        assert!(matches!(refused, Err(StartError::Invalid { .. })), "{config:?}");
    }
    let twice = builder(&rig.store, &rig.hands, config()).register(crate::support::Actor(rig.hands.clone()));
    assert!(matches!(twice.start().await, Err(StartError::KindTwice("ACT"))));
}

#[tokio::test]
async fn spans_without_end_are_just_that() {
    let forever = Duration::MAX;
    let mut endless = config();
    endless.retention = Retention { done: forever, cancelled: forever, failed: forever, most: u64::MAX };
    endless.queues.iter_mut().for_each(|queue| queue.age_limit = forever);
    endless.queues[2].concurrency = 1;
    let mut rig = Rig::with(endless.clone()).await;
    let unique = Unique { within: Some(forever), among: States::ALL, ..Unique::default() };
    let done = rig.added(job(Act::Done).key("once").unique(unique)).await.id;
    rig.until(done, State::Done).await;
    assert_eq!(rig.added(job(Act::Done).key("once").unique(unique)).await.id, done);
    rig.jobs.pause("normal").await.unwrap();
    rig.added(named(Act::Done, "low").priority(Priority::Low)).await;
    rig.pass(YEARS);
    let last = rig.added(named(Act::Done, "critical").priority(Priority::Critical)).await.id;
    rig.jobs.resume("normal").await.unwrap();
    rig.until(last, State::Done).await;
    assert_eq!(rig.hands.begun.lock().unwrap()[1], "critical", "nothing is ever old");
    rig.until(JobId(2), State::Done).await;
    rig.jobs.stop(Duration::ZERO).await;
    let jobs = builder(&rig.store, &rig.hands, endless).start().await.unwrap();
    // The first sweep is at the start.
    while rig.store.stats().queries.iter().all(|query| query.name != "jobs.sweep" || query.calls < 2) {
        tokio::task::yield_now().await;
    }
    assert_eq!(jobs.list(&Default::default(), None, 10).await.unwrap().rows.len(), 3, "all are kept");
}
