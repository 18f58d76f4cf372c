use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eider_limits::{Attempt, CallError, Config, DrivenClock, NoJournal, Pipeline, Priority};
use futures::FutureExt;
use futures::future::{join_all, poll_immediate};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::support::{MemoryJournal, Outcome, START_MS, Server, config, open, secs};

/// The window and its margin for the drift of clocks.
const WINDOW: Duration = Duration::from_millis(60_060);

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_limit_wait_for_the_window() {
    let server = Server::default();
    let pipeline = open(config(3), &MemoryJournal::default()).await;
    let began = Instant::now();
    let results = join_all((0..7).map(|_| server.ok(&pipeline, secs(200)))).await;
    assert!(results.iter().all(Result::is_ok));
    let at: Vec<_> = server.seen().iter().map(|seen| seen.duration_since(began).as_secs()).collect();
    assert_eq!(at, [0, 0, 0, 60, 60, 60, 120]);
    let status = pipeline.status();
    assert_eq!((status.used, status.running, status.waiting.total(), status.calls), (1, 0, 0, 7));
    assert!(status.last_success_ms.is_some() && status.errors == 0 && status.p95.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_would_wait_too_long_is_told_at_once_when_to_come() {
    let server = Server::default();
    let pipeline = open(config(1), &MemoryJournal::default()).await;
    server.ok(&pipeline, Duration::ZERO).await.unwrap();
    let began = Instant::now();
    let refused = server.ok(&pipeline, secs(5)).await.unwrap_err();
    assert_eq!(Instant::now(), began, "it did not wait");
    let CallError::Limited { until_ms, wait } = refused else { panic!("{refused}") };
    assert_eq!(wait, WINDOW);
    assert_eq!(pipeline.status().resets_at_ms, Some(until_ms));
    tokio::time::advance(wait).await;
    server.ok(&pipeline, Duration::ZERO).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_waiter_whose_time_is_up_leaves_and_learns_of_those_ahead() {
    let server = Server::default();
    let pipeline = open(config(1), &MemoryJournal::default()).await;
    server.ok(&pipeline, secs(1)).await.unwrap();
    let patient = server.ok(&pipeline, secs(300));
    let (first, second) = tokio::join!(patient, server.ok(&pipeline, secs(70)));
    first.unwrap();
    let CallError::Limited { wait, .. } = second.unwrap_err() else { panic!() };
    assert!(wait > secs(45), "one minute after the first, seen from 70 s: {wait:?}");
}

#[tokio::test(start_paused = true)]
async fn the_urgent_are_served_first() {
    let server = Server::default();
    let pipeline = open(config(1), &MemoryJournal::default()).await;
    server.ok(&pipeline, secs(1)).await.unwrap();
    let order = Mutex::new(Vec::new());
    let waiters = [Priority::Low, Priority::Normal, Priority::Critical, Priority::High].map(|priority| {
        let order = &order;
        server.call(&pipeline, priority, secs(600), move || {
            order.lock().unwrap().push(priority);
            Attempt::Done(1)
        })
    });
    let outcomes = join_all(waiters).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(*order.lock().unwrap(), Priority::ALL);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_dropped_waiters_leave_no_trace() {
    let server = Server::default();
    let pipeline = open(config(1), &MemoryJournal::default()).await;
    server.ok(&pipeline, secs(1)).await.unwrap();
    let began = Instant::now();
    let mut waiters: Vec<_> = (0..100).map(|_| server.ok(&pipeline, secs(600)).boxed_local()).collect();
    for waiter in &mut waiters {
        assert!(poll_immediate(waiter).await.is_none());
    }
    assert_eq!(pipeline.status().waiting.normal, 100);
    drop(waiters);
    let status = pipeline.status();
    assert_eq!((status.waiting.total(), status.running, status.used), (0, 0, 1));
    server.ok(&pipeline, secs(600)).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 60, "none of them took the slot with it");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_head_dropped_after_its_wake_up_wakes_the_next() {
    let pipeline = open(Config { concurrency: 1, ..config(50) }, &MemoryJournal::default()).await;
    let server = Server::default();
    let reply = Notify::new();
    let mut running = pipeline
        .call(Priority::Normal, secs(1), || async {
            reply.notified().await;
            Attempt::<_, String>::Done(1)
        })
        .boxed_local();
    assert!(poll_immediate(&mut running).await.is_none());
    // The journal's write takes a moment; then the call is in flight.
    tokio::time::advance(Duration::from_millis(5)).await;
    assert!(poll_immediate(&mut running).await.is_none());
    let mut head = server.ok(&pipeline, secs(5)).boxed_local();
    assert!(poll_immediate(&mut head).await.is_none());
    let next = server.ok(&pipeline, secs(5));
    let next_and_more = async {
        tokio::task::yield_now().await;
        reply.notify_one();
        assert_eq!(running.await, Ok(1));
        drop(head);
    };
    let began = Instant::now();
    let (served, ()) = tokio::join!(next, next_and_more);
    served.unwrap();
    assert!(began.elapsed() < secs(1), "woken, not timed out");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_counts_in_the_window_from_its_drop() {
    let pipeline = open(config(1), &MemoryJournal::default()).await;
    let server = Server::default();
    let never = pipeline.call(Priority::Normal, secs(1), std::future::pending::<Attempt<u32, String>>);
    let dropped = tokio::time::timeout(secs(7), never).await;
    assert!(dropped.is_err());
    let status = pipeline.status();
    assert_eq!((status.running, status.used, status.calls, status.errors), (0, 1, 1, 0));
    let CallError::Limited { wait, .. } = server.ok(&pipeline, secs(1)).await.unwrap_err() else { panic!() };
    assert_eq!(wait, WINDOW, "from the drop, not from the sending 7 s ago");
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_before_it_was_sent_counts_nowhere() {
    let journal = MemoryJournal::default();
    let pipeline = open(Config { month_budget: Some(9), ..config(1) }, &journal).await;
    let server = Server::default();
    let mut recording = server.ok(&pipeline, secs(1)).boxed_local();
    assert!(poll_immediate(&mut recording).await.is_none());
    assert_eq!(pipeline.status().running, 1);
    drop(recording);
    let status = pipeline.status();
    assert_eq!((status.running, status.used, status.month_left, status.calls), (0, 0, Some(9), 0));
    server.ok(&pipeline, Duration::ZERO).await.unwrap();
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn never_more_in_flight_than_configured() {
    let pipeline = open(Config { concurrency: 3, ..config(50) }, &MemoryJournal::default()).await;
    let (running, most) = (AtomicU32::new(0), AtomicU32::new(0));
    let calls = (0..20).map(|_| {
        pipeline.call(Priority::Normal, secs(60), || async {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(secs(1)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            Attempt::<_, String>::Done(1)
        })
    });
    let began = Instant::now();
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!((most.load(Ordering::SeqCst), began.elapsed().as_secs()), (3, 7));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_and_makes_room_for_the_urgent() {
    let server = Server::default();
    let pipeline = open(Config { queue: 2, ..config(1) }, &MemoryJournal::default()).await;
    server.ok(&pipeline, secs(1)).await.unwrap();
    let began = Instant::now();
    let ok = async |priority| {
        let outcome = server.call(&pipeline, priority, secs(600), || Attempt::Done(1)).await;
        assert!(outcome.is_ok() || began.elapsed() < secs(1), "refused at once");
        outcome
    };
    let outcomes: [Outcome; 4] =
        join_all([Priority::Normal, Priority::Low, Priority::Low, Priority::Critical].map(&ok))
            .await
            .try_into()
            .unwrap();
    let full = Err(CallError::QueueFull { bound: 2 });
    assert_eq!(outcomes, [Ok(1), full.clone(), full, Ok(1)]);
}

#[tokio::test(start_paused = true)]
async fn the_gate_puts_off_what_it_does_not_let_pass() {
    let clock = Arc::new(DrivenClock::starting_at(START_MS));
    let gate = |priority| priority <= Priority::High;
    let pipeline = Pipeline::open_with_clock(config(5), Arc::new(NoJournal), gate, clock).await.unwrap();
    let server = Server::default();
    let shed = server.ok(&pipeline, secs(1)).await;
    assert_eq!(shed, Err(CallError::Shed { priority: Priority::Normal }));
    server.call(&pipeline, Priority::High, secs(1), || Attempt::Done(1)).await.unwrap();
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_raised_limit_serves_waiters_at_once() {
    let server = Server::default();
    let pipeline = open(config(1), &MemoryJournal::default()).await;
    server.ok(&pipeline, secs(1)).await.unwrap();
    let began = Instant::now();
    let raise = async { pipeline.set_limit(2).unwrap() };
    let (served, ()) = tokio::join!(server.ok(&pipeline, secs(100)), raise);
    served.unwrap();
    assert!(began.elapsed() < secs(1));
    assert!(pipeline.set_limit(0).is_err());
    assert_eq!((pipeline.status().limit, pipeline.status().allowed), (2, 2));
}

/// Real threads, no timers: a lost wake-up would leave a caller to its patience, and so to an error.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_lost_among_threads_and_callers_that_give_up() {
    let config = Config { concurrency: 2, queue: 1_000, ..config(100_000) };
    let pipeline = Pipeline::open(config, Arc::new(NoJournal), |_| true).await.unwrap();
    let callers: Vec<_> = (0..400_u32)
        .map(|number| {
            let pipeline = pipeline.clone();
            tokio::spawn(async move {
                let attempt = || async {
                    tokio::task::yield_now().await;
                    Attempt::<u32, String>::Done(number)
                };
                let call = pipeline.call(Priority::ALL[number as usize % 4], secs(60), attempt);
                if number % 3 > 0 {
                    return call.await.map(Some);
                }
                // Gives up after a few polls, wherever the call is by then.
                let give_up = async {
                    for _ in 0..number % 7 {
                        tokio::task::yield_now().await;
                    }
                };
                tokio::select! {
                    biased;
                    outcome = call => outcome.map(Some),
                    () = give_up => Ok(None),
                }
            })
        })
        .collect();
    for (number, caller) in callers.into_iter().enumerate() {
        let served = caller.await.unwrap().unwrap();
        assert!(served.is_some() || number % 3 == 0);
    }
    let status = pipeline.status();
    assert_eq!((status.running, status.waiting.total()), (0, 0));
}
