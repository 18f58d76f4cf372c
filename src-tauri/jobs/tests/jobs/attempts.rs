//! What becomes of an attempt, by its outcome.

use std::time::Duration;

use eider_jobs::{Hold, State, Why};

use crate::support::{Act, Rig, START_MS, job};

const S: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_job_that_is_done_keeps_its_result() {
    let mut rig = Rig::new().await;
    let id = rig.add(Act::Result("brought".into())).await;
    rig.until(id, State::Done).await;
    let job = rig.jobs.job(id).await.unwrap();
    assert_eq!((job.row.attempt, job.result.as_deref()), (1, Some("\"brought\"")));
    assert_eq!((job.row.about.as_str(), job.row.ended_at_ms), ("job", Some(START_MS)));
    assert_eq!(rig.outcomes(id).await, ["done"]);
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_failed_attempt_is_repeated_after_its_backoff_until_none_is_left() {
    let mut rig = Rig::new().await;
    let (recovers, dies) = (rig.add(Act::RetryUntil(3)).await, rig.add(Act::Retry).await);
    rig.until(dies, State::Scheduled).await;
    let why = rig.jobs.why(dies).await.unwrap();
    let Why::Backoff { at_ms, attempt: 1 } = why else { panic!("{why:?}") };
    assert!((START_MS + 8000..=START_MS + 10_000).contains(&at_ms), "{at_ms}");
    rig.pass(5 * S);
    assert_eq!(rig.state(dies).await, State::Scheduled, "not before its time");
    rig.pass(6 * S);
    rig.until(dies, State::Scheduled).await;
    rig.pass(11 * S);
    let event = rig.until(dies, State::Failed).await;
    assert_eq!(event.error.as_deref(), Some("it did not work"));
    assert_eq!(rig.outcomes(dies).await, ["retry", "retry", "retry"], "every attempt's error is kept");
    rig.until(recovers, State::Done).await;
    assert_eq!(rig.outcomes(recovers).await, ["done", "retry", "retry"]);
    assert_eq!(rig.jobs.job(recovers).await.unwrap().row.error, None);
    rig.counts_are_true().await;
}

#[tokio::test]
async fn what_cannot_work_is_not_tried_again_and_a_panic_harms_its_job_alone() {
    let mut rig = Rig::new().await;
    let (fails, panics, done) =
        (rig.add(Act::Fail).await, rig.add(Act::Panic).await, rig.add(Act::Done).await);
    assert_eq!(rig.until(fails, State::Failed).await.error.as_deref(), Some("it cannot work"));
    rig.until(panics, State::Scheduled).await;
    let error = rig.jobs.job(panics).await.unwrap().row.error.unwrap();
    assert!(error.contains("panicked: the handler's own"), "{error}");
    assert_eq!(rig.outcomes(panics).await, ["panicked"]);
    rig.until(done, State::Done).await;
    rig.counts_are_true().await;
}

#[tokio::test]
async fn a_snoozed_job_keeps_its_attempt_and_says_what_holds_it_up() {
    let mut rig = Rig::new().await;
    let id = rig.add(Act::Snooze(5000)).await;
    for round in 1..=10 {
        rig.until(id, State::Snoozed).await;
        assert_eq!(rig.jobs.job(id).await.unwrap().row.attempt, 0, "round {round}");
        let because = Some(Hold::RateLimited { service: "coingecko".into() });
        let until_ms = START_MS + round * 5000;
        assert_eq!(rig.jobs.why(id).await.unwrap(), Why::Snoozed { until_ms, because });
        rig.pass(5 * S);
    }
    rig.until(id, State::Snoozed).await;
    rig.counts_are_true().await;
}

#[tokio::test]
async fn of_a_job_that_is_put_off_again_and_again_the_latest_hundred_attempts_are_kept() {
    let mut rig = Rig::new().await;
    let id = rig.add(Act::Snooze(5000)).await;
    for _ in 0..105 {
        rig.until(id, State::Snoozed).await;
        rig.pass(5 * S);
    }
    rig.until(id, State::Snoozed).await;
    let timeline = rig.jobs.job(id).await.unwrap().timeline;
    assert_eq!(timeline.len(), 100);
    assert_eq!(timeline[0].started_at_ms, START_MS + 105 * 5000, "the latest first");
    assert_eq!(timeline[99].started_at_ms, START_MS + 6 * 5000);
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_told_to_end_and_dropped_where_it_does_not() {
    let mut rig = Rig::new().await;
    let brief = |act| job(act).timeout(Duration::from_millis(20));
    let waits = rig.added(brief(Act::Wait)).await.id;
    rig.until(waits, State::Scheduled).await;
    let ignores = rig.added(brief(Act::Stubborn)).await.id;
    rig.until(ignores, State::Scheduled).await;
    let finishes = rig.added(brief(Act::Finish)).await.id;
    rig.until(finishes, State::Done).await;
    for id in [waits, ignores] {
        let job = rig.jobs.job(id).await.unwrap();
        assert_eq!(job.timeline[0].outcome, "timed_out");
        assert_eq!(job.row.error.as_deref(), Some("no end within 20 ms"));
    }
    rig.counts_are_true().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_handler_that_blocks_its_thread_is_reported_and_its_place_stays_taken() {
    let mut rig = Rig::new().await;
    *rig.hands.blocked.lock().unwrap() = true;
    rig.jobs.set_concurrency("normal", 1).await.unwrap();
    let blocks = rig.added(job(Act::Block).timeout(Duration::from_millis(20))).await.id;
    rig.until(blocks, State::Scheduled).await;
    let next = rig.add(Act::Done).await;
    let queue = &rig.jobs.queues().await.unwrap()[2];
    assert_eq!((queue.running, queue.stuck), (1, 1));
    assert_eq!(rig.jobs.why(next).await.unwrap(), Why::Concurrency { running: 1, limit: 1 });
    *rig.hands.blocked.lock().unwrap() = false;
    rig.hands.go_blocked.notify_all();
    rig.until(next, State::Done).await;
    let queue = &rig.jobs.queues().await.unwrap()[2];
    assert_eq!(queue.stuck, 0);
}

#[tokio::test]
async fn no_attempt_begins_after_the_overall_time() {
    let mut rig = Rig::new().await;
    let id = rig.added(job(Act::Retry).overall(15 * S)).await.id;
    rig.until(id, State::Scheduled).await;
    rig.pass(11 * S);
    let error = rig.until(id, State::Failed).await.error.unwrap();
    assert!(error.ends_with("its overall time is up"), "{error}");
    assert_eq!(rig.outcomes(id).await.len(), 2);
}

#[tokio::test]
async fn a_job_is_not_put_off_beyond_its_overall_time_nor_begun_after_it() {
    let mut rig = Rig::new().await;
    let snoozes = rig.added(job(Act::Snooze(16_000)).overall(15 * S)).await.id;
    let error = rig.until(snoozes, State::Failed).await.error.unwrap();
    assert!(error.ends_with("its overall time is up"), "{error}");
    rig.jobs.pause("normal").await.unwrap();
    let late = rig.added(job(Act::Done).overall(15 * S)).await.id;
    rig.pass(15 * S);
    rig.jobs.resume("normal").await.unwrap();
    let error = rig.until(late, State::Failed).await.error.unwrap();
    assert_eq!(error, "its overall time is up");
    assert_eq!(rig.hands.begun.lock().unwrap().len(), 1, "its handler was not called");
}

#[tokio::test]
async fn progress_is_shown_while_it_runs() {
    let mut rig = Rig::new().await;
    let id = rig.add(Act::Progress).await;
    rig.until(id, State::Running).await;
    let row = loop {
        let row = rig.jobs.job(id).await.unwrap().row;
        if row.progress.is_some() {
            break row;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((row.progress, row.progress_note.as_deref()), (Some(0.5), Some("half of it")));
    rig.hands.go.notify_one();
    rig.until(id, State::Done).await;
}

#[tokio::test]
async fn a_handler_can_say_that_nobody_wants_its_job() {
    let mut rig = Rig::new().await;
    let id = rig.add(Act::Cancel).await;
    assert_eq!(rig.until(id, State::Cancelled).await.error.as_deref(), Some("nobody wants it"));
    assert_eq!(rig.outcomes(id).await, ["cancelled"]);
}
