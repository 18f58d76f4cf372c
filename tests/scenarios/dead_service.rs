//! Thousands of jobs against a service that is down or asks for silence: it is spared, and no job is lost.

use std::time::Duration;

use eider_engine::Engine;
use eider_engine::api::{JobCounts, JobFilter, JobState, NewJobRequest, ServiceLimits};
use serde_json::json;

use crate::provider::{Fault, Provider};
use crate::rig::{PATIENCE, Rig};

/// The machine that runs the tests may be loaded.
const CONFIG: &str = "rate_limit_per_minute = 1000\n[load]\nput_off = false";

async fn add_tokens(engine: &Engine, jobs: usize) {
    let add = |n: usize| {
        let payload = json!({ "kind": "PROCESS_CONTENT", "payload": { "token": format!("token-{n}") } });
        let request: NewJobRequest = serde_json::from_value(payload).unwrap();
        engine.add_job(request, None)
    };
    // As many at once as the writer's queue takes.
    for first in (0..jobs).step_by(500) {
        let added = futures::future::join_all((first..jobs.min(first + 500)).map(add)).await;
        assert!(added.iter().all(Result::is_ok));
    }
}

async fn low(engine: &Engine) -> JobCounts {
    engine.jobs_view().await.unwrap().queues.into_iter().find(|queue| queue.name == "low").unwrap().counts
}

/// Once no job of the low queue waits or runs any more.
async fn settled(engine: &Engine) -> JobCounts {
    let waited = async {
        loop {
            let counts = low(engine).await;
            if counts.waiting + counts.running == 0 {
                return counts;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.expect("every job is put off")
}

fn market(engine: &Engine) -> ServiceLimits {
    engine.limits_view().services.remove(0)
}

#[tokio::test]
async fn five_thousand_jobs_spare_a_dead_service_and_say_what_they_wait_for() {
    let provider = Provider::start().await;
    provider.always("/coins/", Fault::Reply(500, vec![], "{}".into()));
    let rig = Rig::start(&provider, CONFIG).await;
    rig.engine.pause_queue("low").await.unwrap();
    add_tokens(&rig.engine, 5_000).await;
    rig.engine.set_queue_concurrency("low", 64).await.unwrap();
    rig.engine.resume_queue("low").await.unwrap();
    let counts = settled(&rig.engine).await;
    assert!(counts.snoozed + counts.scheduled >= 5_000, "none is lost: {counts:?}");
    assert_eq!(counts.failed, 0, "{counts:?}");

    let service = market(&rig.engine);
    let firsts = service.calls - service.retries;
    assert!(service.retries as f64 <= 20.0 + 0.2 * firsts as f64, "{service:?}");
    assert!((8..200).contains(&service.calls), "the breaker keeps nearly all of them off: {service:?}");
    let snoozed = JobFilter { states: vec![JobState::Snoozed], ..JobFilter::default() };
    let some = rig.engine.jobs_page(snoozed, None, 20).await.unwrap().items;
    assert!(!some.is_empty());
    for job in some {
        assert_eq!(job.attempt, 0, "no attempt was spent: {job:?}");
        let why = rig.engine.job(job.id).await.unwrap().why;
        let known = ["breaker_open", "rate_limited", "snoozed", "next"];
        assert!(why.as_ref().is_none_or(|why| known.contains(&why.code.as_str())), "{why:?}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn silence_that_is_asked_for_is_kept_by_every_job() {
    let provider = Provider::start().await;
    let rig = Rig::start(&provider, CONFIG).await;
    rig.quote_when("the-open-network", |quote| quote.price.is_some()).await;
    rig.engine.pause_queue("low").await.unwrap();
    add_tokens(&rig.engine, 200).await;
    let silence = Fault::Reply(429, vec![("retry-after", "30".to_owned())], "{}".into());
    provider.always("/coins/token-", silence);
    rig.engine.set_queue_concurrency("low", 4).await.unwrap();
    rig.engine.resume_queue("low").await.unwrap();
    settled(&rig.engine).await;
    let calls = provider.calls("/coins/token-");
    assert!((1..=4).contains(&calls.len()), "only those already on their way: {}", calls.len());
    let hold_ms = market(&rig.engine).hold_until_ms.expect("it is held");
    let snoozed = JobFilter { states: vec![JobState::Snoozed], ..JobFilter::default() };
    let put_off = rig.engine.jobs_page(snoozed, None, 500).await.unwrap().items;
    assert!(put_off.len() >= 190, "{}", put_off.len());
    let slack_ms = Duration::from_secs(2).as_millis() as i64;
    for job in put_off {
        assert!(job.run_at_ms >= hold_ms - slack_ms, "{job:?} would call into the silence until {hold_ms}");
    }
    rig.stop().await;
}
