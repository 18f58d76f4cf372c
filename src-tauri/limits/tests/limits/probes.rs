use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use eider_limits::{Attempt, BreakerView, CallError, Config, Pipeline, Priority};
use futures::FutureExt;
use futures::future::poll_immediate;
use tokio::sync::Barrier;
use tokio::time::Instant;

use crate::support::{MemoryJournal, Server, config, open, secs};

async fn broken() -> (Pipeline, Server) {
    let server = Server::default();
    let config = Config { attempts: 1, concurrency: 64, ..config(1_000) };
    let pipeline = open(config, &MemoryJournal::default()).await;
    for _ in 0..8 {
        let outcome =
            server.call(&pipeline, Priority::Normal, secs(1), || Attempt::Retry("500".into())).await;
        assert_eq!(outcome, Err(CallError::Failed { error: "500".into(), attempts: 1 }));
    }
    (pipeline, server)
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_refuses_at_once_and_says_until_when() {
    let (pipeline, server) = broken().await;
    let CallError::Open { until_ms, wait } = server.ok(&pipeline, secs(60)).await.unwrap_err() else {
        panic!()
    };
    assert!(wait <= secs(5));
    assert_eq!(pipeline.status().breaker, BreakerView::Open { until_ms });
    assert_eq!(server.seen().len(), 8);
}

#[tokio::test(start_paused = true)]
async fn half_open_admits_exactly_its_probes_among_many_callers() {
    let (pipeline, _) = broken().await;
    tokio::time::advance(secs(5)).await;
    let sent = Arc::new(AtomicU32::new(0));
    let barrier = Arc::new(Barrier::new(50));
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let (pipeline, sent, barrier) = (pipeline.clone(), Arc::clone(&sent), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                let attempt = || async {
                    sent.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(secs(1)).await;
                    Attempt::<u32, String>::Done(1)
                };
                pipeline.call(Priority::Normal, secs(60), attempt).await
            })
        })
        .collect();
    let mut refused = 0;
    for caller in callers {
        match caller.await.unwrap() {
            Ok(_) => {}
            Err(CallError::Open { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((sent.load(Ordering::SeqCst), refused), (2, 48));
    assert_eq!(pipeline.status().breaker, BreakerView::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_probe_makes_room_for_another() {
    let (pipeline, server) = broken().await;
    tokio::time::advance(secs(5)).await;
    for _ in 0..10 {
        let never = pipeline.call(Priority::Normal, secs(1), std::future::pending::<Attempt<u32, String>>);
        assert!(tokio::time::timeout(secs(1), never).await.is_err());
        assert_eq!(pipeline.status().breaker, BreakerView::HalfOpen);
    }
    for _ in 0..10 {
        let mut recording = server.ok(&pipeline, secs(1)).boxed_local();
        assert!(poll_immediate(&mut recording).await.is_none(), "the journal's write takes a moment");
    }
    for _ in 0..2 {
        server.ok(&pipeline, secs(1)).await.unwrap();
    }
    assert_eq!(pipeline.status().breaker, BreakerView::Closed);
}

#[tokio::test(start_paused = true)]
async fn isolating_refuses_those_in_the_queue_too_and_closing_lets_calls_pass() {
    let server = Server::default();
    let pipeline = open(config(1), &MemoryJournal::default()).await;
    server.ok(&pipeline, secs(1)).await.unwrap();
    let began = Instant::now();
    let (waiting, ()) = tokio::join!(server.ok(&pipeline, secs(100)), async { pipeline.isolate() });
    assert_eq!(waiting, Err(CallError::Isolated));
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(server.ok(&pipeline, secs(100)).await, Err(CallError::Isolated));
    assert_eq!(pipeline.status().breaker, BreakerView::Isolated);
    pipeline.close_breaker();
    server.ok(&pipeline, secs(100)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_breaker_that_opens_refuses_those_in_the_queue() {
    let server = Server::default();
    let config = Config { attempts: 1, concurrency: 8, ..config(8) };
    let pipeline = open(config, &MemoryJournal::default()).await;
    let began = Instant::now();
    let calls =
        (0..20).map(|_| server.call(&pipeline, Priority::Normal, secs(600), || Attempt::Retry("500".into())));
    let outcomes = futures::future::join_all(calls).await;
    let open = outcomes.iter().filter(|outcome| matches!(outcome, Err(CallError::Open { .. }))).count();
    assert_eq!((open, server.seen().len()), (12, 8));
    assert!(began.elapsed() < secs(1));
}
