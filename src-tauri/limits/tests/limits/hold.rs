use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eider_limits::{Attempt, BreakerView, CallError, Config, Priority, RetryAfter};
use futures::future::join_all;
use tokio::time::Instant;

use crate::support::{Answer, MemoryJournal, START_MS, Server, config, open, open_at, secs};

fn limited(after: Option<RetryAfter>) -> Answer {
    Attempt::Limited { after, error: "too many requests".into() }
}

async fn check_silence(after: RetryAfter) {
    let server = Server::default();
    let pipeline = open(config(50), &MemoryJournal::default()).await;
    let began = Instant::now();
    let told = AtomicBool::new(false);
    let answer = || {
        let first = !told.swap(true, Ordering::SeqCst);
        if first { limited(Some(after)) } else { Attempt::Done(1) }
    };
    let patient = server.call(&pipeline, Priority::Low, secs(100), answer);
    let others = async {
        // Others come after the reply, of every priority, and all the time.
        tokio::time::sleep(secs(1)).await;
        join_all((0..40).map(|n| {
            let (pipeline, server) = (&pipeline, &server);
            async move {
                tokio::time::sleep(secs(n)).await;
                server.call(pipeline, Priority::ALL[n as usize % 4], secs(100), || Attempt::Done(1)).await
            }
        }))
        .await
    };
    let (patient, others) = tokio::join!(patient, others);
    assert!(patient.is_ok() && others.iter().all(Result::is_ok));
    let seen: Vec<_> = server.seen().iter().map(|seen| seen.duration_since(began)).collect();
    assert!(seen[0] < secs(1) && seen[1] >= secs(30) && seen[1] <= secs(32), "{after:?}: {:?}", &seen[..2]);
}

#[tokio::test(start_paused = true)]
async fn retry_after_thirty_seconds_means_no_call_by_anyone_for_thirty_seconds() {
    check_silence(RetryAfter::Delay(secs(30))).await;
    let at = UNIX_EPOCH + Duration::from_millis(START_MS.unsigned_abs()) + secs(31);
    check_silence(RetryAfter::parse(&httpdate::fmt_http_date(at)).unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn a_hold_beyond_the_callers_patience_returns_at_once_also_for_those_in_the_queue() {
    let server = Server::default();
    let pipeline = open(Config { concurrency: 1, ..config(50) }, &MemoryJournal::default()).await;
    let began = Instant::now();
    let asked = || limited(Some(RetryAfter::Delay(secs(30))));
    let calls = (0..5).map(|_| server.call(&pipeline, Priority::Normal, secs(10), asked));
    for refused in join_all(calls).await {
        let CallError::Limited { until_ms, wait } = refused.unwrap_err() else { panic!() };
        assert!(wait >= secs(29) && wait <= secs(31));
        assert_eq!(Some(until_ms), pipeline.status().hold_until_ms);
    }
    assert!(began.elapsed() < secs(1), "nobody slept");
    assert_eq!(server.seen().len(), 1);
    let status = pipeline.status();
    assert_eq!((status.allowed, status.limit, status.errors), (25, 50, 1));
    assert_eq!(status.last_error.map(|(text, _)| text).as_deref(), Some("too many requests"));
}

#[tokio::test(start_paused = true)]
async fn the_impatient_are_told_of_a_hold_also_behind_somebody_patient() {
    let server = Server::default();
    let pipeline = open(Config { concurrency: 1, ..config(50) }, &MemoryJournal::default()).await;
    let began = Instant::now();
    let asked = || limited(Some(RetryAfter::Delay(secs(30))));
    let first = server.call(&pipeline, Priority::Normal, secs(1), asked);
    let patient = server.ok(&pipeline, secs(100));
    let impatient = async {
        let refused = server.ok(&pipeline, secs(10)).await.unwrap_err();
        assert_eq!(refused.code(), "rate_limited");
        assert!(began.elapsed() < secs(1), "{:?}", began.elapsed());
    };
    let (first, patient, ()) = tokio::join!(first, patient, impatient);
    assert!(first.is_err() && patient.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_being_recorded_when_the_hold_comes_is_not_sent() {
    let server = Server::default();
    let pipeline = open(config(50), &MemoryJournal::default()).await;
    let first =
        server.call(&pipeline, Priority::Normal, secs(1), || limited(Some(RetryAfter::Delay(secs(30)))));
    let second = async {
        // One millisecond before the first reply: the turn is taken, the journal's write still runs.
        tokio::time::sleep(Duration::from_millis(1)).await;
        server.ok(&pipeline, secs(100)).await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap_err().code(), "rate_limited");
    second.unwrap();
    let seen = server.seen();
    assert!(seen.len() == 2 && seen[1].duration_since(seen[0]) >= secs(30));
    assert_eq!(pipeline.status().calls, 2);
}

#[tokio::test(start_paused = true)]
async fn a_429_never_trips_the_breaker() {
    let server = Server::default();
    let pipeline = open(Config { attempts: 1, ..config(10_000) }, &MemoryJournal::default()).await;
    for _ in 0..100 {
        let attempt = || async {
            server.see();
            // As slow as a failure would be.
            tokio::time::sleep(secs(9)).await;
            limited(Some(RetryAfter::Delay(secs(1))))
        };
        let refused = pipeline.call(Priority::Normal, secs(300), attempt).await.unwrap_err();
        assert_eq!(refused.code(), "rate_limited");
    }
    assert_eq!(pipeline.status().breaker, BreakerView::Closed);
    assert_eq!((server.seen().len(), pipeline.status().errors), (100, 100));
}

#[tokio::test(start_paused = true)]
async fn a_429_without_a_time_holds_longer_each_time() {
    let server = Server::default();
    let pipeline = open(Config { attempts: 7, ..config(50) }, &MemoryJournal::default()).await;
    for after in [None, Some(RetryAfter::Delay(Duration::ZERO)), Some(RetryAfter::At(SystemTime::UNIX_EPOCH))]
    {
        let before = server.seen().len();
        server.call(&pipeline, Priority::Normal, secs(900), || limited(after)).await.unwrap_err();
        let seen = server.seen();
        let pauses: Vec<_> = seen[before..].windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
        let least = if before == 0 { [5, 10, 20, 40, 60, 60] } else { [60; 6] };
        assert!(
            pauses.iter().zip(least).all(|(pause, least)| (least..least + 3).contains(pause)),
            "{pauses:?}"
        );
    }
    server.ok(&pipeline, secs(900)).await.unwrap();
    tokio::time::advance(secs(3_600)).await;
    let refused = server.call(&pipeline, Priority::Normal, secs(1), || limited(None)).await.unwrap_err();
    assert!(refused.retry_after().unwrap() < secs(6), "a good answer ends the row: {refused}");
}

#[tokio::test(start_paused = true)]
async fn waiters_profit_from_the_recovery_of_the_rate() {
    let server = Server::default();
    let pipeline = open(Config { attempts: 1, ..config(2) }, &MemoryJournal::default()).await;
    let began = Instant::now();
    let asked = || limited(Some(RetryAfter::Delay(secs(1))));
    server.call(&pipeline, Priority::Normal, secs(1), asked).await.unwrap_err();
    assert_eq!(pipeline.status().allowed, 1);
    server.ok(&pipeline, secs(100)).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 60, "one in a minute");
    server.ok(&pipeline, secs(10)).await.unwrap();
    assert!(began.elapsed() < secs(64), "two in a minute from 61 s on");
    assert_eq!(pipeline.status().allowed, 2);
}

#[tokio::test(start_paused = true)]
async fn recovery_is_not_missed_while_everything_counted_is_in_flight() {
    let server = Server::default();
    let config = Config { attempts: 1, attempt_timeout: secs(300), ..config(2) };
    let pipeline = open(config, &MemoryJournal::default()).await;
    let began = Instant::now();
    let slow = pipeline.call(Priority::Normal, secs(1), || async {
        tokio::time::sleep(secs(200)).await;
        Attempt::<u32, String>::Done(1)
    });
    let rest = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let asked = || limited(Some(RetryAfter::Delay(secs(1))));
        server.call(&pipeline, Priority::Normal, secs(1), asked).await.unwrap_err();
        server.ok(&pipeline, secs(150)).await.unwrap();
        assert!(began.elapsed() < secs(64), "{:?}", began.elapsed());
    };
    let (slow, ()) = tokio::join!(slow, rest);
    slow.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_of_a_year_is_clamped() {
    let server = Server::default();
    let pipeline = open(config(50), &MemoryJournal::default()).await;
    let year = || limited(Some(RetryAfter::Delay(secs(u64::MAX))));
    let refused = server.call(&pipeline, Priority::Normal, secs(1), year).await.unwrap_err();
    let wait = refused.retry_after().unwrap();
    assert!(wait >= secs(599) && wait <= secs(601), "{wait:?}");
}

#[tokio::test(start_paused = true)]
async fn a_restart_keeps_the_silence() {
    let (journal, server) = (MemoryJournal::default(), Server::default());
    let pipeline = open(config(50), &journal).await;
    let asked = || limited(Some(RetryAfter::Delay(secs(30))));
    server.call(&pipeline, Priority::Normal, secs(1), asked).await.unwrap_err();
    drop(pipeline);
    let pipeline = open_at(config(50), &journal.next_process(), START_MS + 10_000).await;
    let began = Instant::now();
    server.ok(&pipeline, secs(60)).await.unwrap();
    assert!((19..=22).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_hold_from_the_far_future_is_clamped_at_the_start() {
    let journal = MemoryJournal::default();
    journal.disk.lock().unwrap().hold_until_ms = Some(i64::MAX);
    let pipeline = open(config(50), &journal).await;
    assert_eq!(pipeline.status().hold_until_ms, Some(START_MS + 600_000));
}
