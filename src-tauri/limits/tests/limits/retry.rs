use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use eider_limits::{Attempt, Backoff, CallError, Config, Priority, RetryBudget};
use tokio::time::Instant;

use crate::support::{MemoryJournal, START_MS, Server, config, open, secs};

#[tokio::test(start_paused = true)]
async fn a_failure_is_tried_three_times_and_a_success_ends_it() {
    let pipeline = open(config(50), &MemoryJournal::default()).await;
    for (good_at, expected) in [
        (1, Ok(1)),
        (2, Ok(2)),
        (3, Ok(3)),
        (4, Err(CallError::Failed { error: "attempt 3".to_string(), attempts: 3 })),
    ] {
        let server = Server::default();
        let number = AtomicU32::new(0);
        let answer = || match number.fetch_add(1, Ordering::SeqCst) + 1 {
            now if now == good_at => Attempt::Done(now),
            now => Attempt::Retry(format!("attempt {now}")),
        };
        // The breaker is not what is looked at here.
        pipeline.close_breaker();
        assert_eq!(server.call(&pipeline, Priority::Normal, secs(60), answer).await, expected);
        assert_eq!(server.seen().len(), good_at.min(3) as usize);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_worth_a_retry_is_returned_at_once_and_is_no_failure_of_the_service() {
    let server = Server::default();
    let pipeline = open(config(50), &MemoryJournal::default()).await;
    for _ in 0..20 {
        let outcome =
            server.call(&pipeline, Priority::Normal, secs(60), || Attempt::Fail("404".into())).await;
        assert_eq!(outcome, Err(CallError::Failed { error: "404".into(), attempts: 1 }));
    }
    assert_eq!((server.seen().len(), pipeline.status().errors), (20, 20));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_an_answer_is_given_up_after_its_time() {
    let pipeline = open(config(50), &MemoryJournal::default()).await;
    let began = Instant::now();
    let never = pipeline.call(Priority::Normal, secs(60), std::future::pending::<Attempt<u32, String>>);
    let outcome = never.await.unwrap_err();
    assert_eq!(outcome, CallError::TimedOut { after: secs(10), attempts: 3 });
    assert_eq!(outcome.to_string(), "no answer within 10 s, 3 times");
    assert_eq!(
        CallError::<String>::TimedOut { after: secs(1), attempts: 1 }.to_string(),
        "no answer within 1 s"
    );
    assert_eq!((began.elapsed().as_secs(), pipeline.status().errors), (30, 3));
}

#[tokio::test(start_paused = true)]
async fn every_attempt_takes_a_slot_and_the_last_error_is_kept_when_no_more_are_left() {
    let server = Server::default();
    let pipeline = open(config(2), &MemoryJournal::default()).await;
    let outcome = server.call(&pipeline, Priority::Normal, secs(5), || Attempt::Retry("502".into())).await;
    assert_eq!(outcome, Err(CallError::Failed { error: "502".into(), attempts: 2 }));
    assert_eq!((server.seen().len(), pipeline.status().used), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn no_pause_is_begun_that_the_callers_patience_does_not_cover() {
    let server = Server::default();
    let backoff = Backoff { base: secs(60), cap: secs(60) };
    let pipeline = open(Config { backoff, attempts: 10, ..config(50) }, &MemoryJournal::default()).await;
    let began = Instant::now();
    let outcome = server.call(&pipeline, Priority::Normal, secs(20), || Attempt::Retry("500".into())).await;
    assert!(matches!(outcome, Err(CallError::Failed { .. })));
    assert!(began.elapsed() <= secs(21), "{:?}", began.elapsed());
    let now_or_never =
        server.call(&pipeline, Priority::Normal, Duration::ZERO, || Attempt::Retry("500".into()));
    assert_eq!(now_or_never.await, Err(CallError::Failed { error: "500".into(), attempts: 1 }));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_panics_gives_everything_back() {
    let pipeline = open(config(1), &MemoryJournal::default()).await;
    let caller = pipeline.clone();
    let panics = tokio::spawn(async move {
        let attempt = || async { panic!("a bug in a source") };
        caller.call::<u32, String, _, _>(Priority::Normal, secs(1), attempt).await
    });
    assert!(panics.await.unwrap_err().is_panic());
    let status = pipeline.status();
    assert_eq!((status.running, status.used), (0, 1));
    let server = Server::default();
    server.ok(&pipeline, secs(100)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_never_reached_the_service_takes_no_slot_and_no_budget_also_after_a_restart() {
    let journal = MemoryJournal::default();
    let config = Config { month_budget: Some(10), ..config(2) };
    let pipeline = open(config.clone(), &journal).await;
    for _ in 0..3 {
        let unresolved = || async { Attempt::<u32, String>::NotSent("no such host".into()) };
        let outcome = pipeline.call(Priority::Normal, secs(60), unresolved).await;
        assert_eq!(outcome, Err(CallError::Failed { error: "no such host".into(), attempts: 3 }));
        // The breaker is not what is looked at here.
        pipeline.close_breaker();
    }
    let status = pipeline.status();
    assert_eq!((status.used, status.month_left, status.calls, status.errors), (0, Some(10), 0, 9));
    pipeline.stop().await;
    let reopened = open(config, &journal.next_process()).await;
    assert_eq!(reopened.status().used, 0);
}

#[tokio::test(start_paused = true)]
async fn thousands_of_calls_to_a_dead_service_stay_within_the_retry_budget() {
    const CALLS: usize = 5_000;
    let server = Server::default();
    let mut config = Config { concurrency: 64, ..config(100_000) };
    // What bounds the retries here is the budget alone.
    config.breaker.min_calls = 1_000;
    config.breaker.failure_ratio = 1.0;
    let pipeline = open(config, &MemoryJournal::default()).await;
    for _ in 0..CALLS {
        pipeline.close_breaker();
        let outcome =
            server.call(&pipeline, Priority::Normal, secs(60), || Attempt::Retry("502".into())).await;
        assert!(outcome.is_err());
    }
    let status = pipeline.status();
    let retries = server.seen().len() - CALLS;
    assert_eq!(status.retries as usize, retries);
    assert!(retries <= CALLS / 5 + RetryBudget::MOST as usize, "{retries} retries");
    assert!(retries >= CALLS / 5, "{retries} retries: the budget is there to be used");
    assert!(status.retry_budget_permille < 50);
    assert_eq!(status.concurrency, 1, "a service that only fails gets one call at a time");
}

#[tokio::test(start_paused = true)]
async fn what_the_breaker_did_is_told_newest_first() {
    let server = Server::default();
    let pipeline = open(Config { attempts: 1, ..config(50) }, &MemoryJournal::default()).await;
    let fail = || Attempt::Retry("502 from the provider".to_string());
    for _ in 0..8 {
        let _ = server.call(&pipeline, Priority::Normal, secs(1), fail).await;
    }
    tokio::time::advance(secs(6)).await;
    for _ in 0..2 {
        server.ok(&pipeline, secs(1)).await.unwrap();
    }
    pipeline.isolate();
    pipeline.close_breaker();
    let told: Vec<_> = pipeline.status().breaker_history;
    let reasons: Vec<&str> = told.iter().map(|change| change.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "switched on by hand",
            "switched off by hand",
            "it answers again",
            "the pause is over; a few calls probe",
            "502 from the provider",
        ]
    );
    assert!(told.windows(2).all(|pair| pair[0].at_ms >= pair[1].at_ms));
    (0..40).for_each(|_| {
        pipeline.isolate();
        pipeline.close_breaker();
    });
    assert_eq!(pipeline.status().breaker_history.len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_full_window_is_foretold_from_the_pace_of_its_last_quarter() {
    let server = Server::default();
    let pipeline = open(config(50), &MemoryJournal::default()).await;
    assert_eq!(pipeline.status().full_at_ms, None, "nobody calls");
    for _ in 0..15 {
        server.ok(&pipeline, secs(1)).await.unwrap();
        tokio::time::advance(secs(1)).await;
    }
    let now_ms = START_MS + 15_000;
    let full_at_ms = pipeline.status().full_at_ms.expect("a call a second is more than fifty a minute");
    let ahead_s = (full_at_ms - now_ms) / 1000;
    assert!((30..=40).contains(&ahead_s), "35 more at one a second: {ahead_s}");
    tokio::time::advance(secs(30)).await;
    assert_eq!(pipeline.status().full_at_ms, None, "nobody calls any more");
}
