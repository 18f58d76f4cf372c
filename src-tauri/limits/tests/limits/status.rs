use std::time::Duration;

use eider_limits::{Attempt, BreakerView, Priority};

use crate::support::{MemoryJournal, START_MS, config, open, secs};

#[tokio::test(start_paused = true)]
async fn the_status_tells_how_long_attempts_take() {
    let pipeline = open(config(50), &MemoryJournal::default()).await;
    let status = pipeline.status();
    assert_eq!((status.p50, status.p95, status.last_error, status.resets_at_ms), (None, None, None, None));
    assert_eq!((status.breaker, status.breaker_since_ms), (BreakerView::Closed, START_MS));
    for tenths in 1..=20_u32 {
        let attempt = || async move {
            tokio::time::sleep(Duration::from_millis(100) * tenths).await;
            Attempt::<_, String>::Done(1)
        };
        pipeline.call(Priority::Normal, secs(1), attempt).await.unwrap();
    }
    let status = pipeline.status();
    assert_eq!((status.p50, status.p95), (Some(secs(1)), Some(Duration::from_millis(1_900))));
    assert_eq!((status.used, status.limit, status.calls, status.errors), (20, 50, 20, 0));
    assert!(status.resets_at_ms.is_some_and(|at| at > START_MS + 80_000));
}

#[tokio::test(start_paused = true)]
async fn the_status_shows_who_runs_and_who_waits() {
    let pipeline = open(config(3), &MemoryJournal::default()).await;
    let calls =
        [Priority::High, Priority::High, Priority::High, Priority::Low, Priority::Critical].map(|priority| {
            pipeline.call(priority, secs(100), || async {
                tokio::time::sleep(secs(5)).await;
                Attempt::<_, String>::Done(1)
            })
        });
    let look = async {
        tokio::time::sleep(secs(1)).await;
        let status = pipeline.status();
        assert_eq!((status.running, status.used, status.resets_at_ms), (3, 3, None));
        let waiting = status.waiting;
        assert_eq!((waiting.critical, waiting.high, waiting.normal, waiting.low), (1, 0, 0, 1));
        assert_eq!(waiting.total(), 2);
    };
    let (outcomes, ()) = tokio::join!(futures::future::join_all(calls), look);
    assert!(outcomes.iter().all(Result::is_ok));
}
