use std::sync::atomic::Ordering;
use std::time::Duration;

use eider_limits::conformance::check_journal;
use eider_limits::{Attempt, CallError, Config, Priority};
use tokio::time::Instant;

use crate::support::{MemoryJournal, START_MS, Server, config, open, open_at, secs};

#[tokio::test(start_paused = true)]
async fn the_journal_of_these_tests_keeps_the_contract() {
    let journal = MemoryJournal::default();
    check_journal(async || journal.clone()).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_is_durable_before_it_is_sent_and_its_end_with_the_next() {
    let journal = MemoryJournal::default();
    let pipeline = open(config(50), &journal).await;
    for number in 1..=3 {
        let answer = || {
            let disk = journal.disk.lock().unwrap();
            let open = disk.calls.values().filter(|(_, end)| end.is_none()).count();
            assert_eq!((disk.calls.len(), open), (number, 1), "this one, and the earlier ones have ended");
            assert_eq!(disk.month.map(|month| month.calls), Some(number as u32));
            Attempt::Done(1)
        };
        Server::default().call(&pipeline, Priority::Normal, secs(1), answer).await.unwrap();
    }
    tokio::time::advance(secs(70)).await;
    Server::default().ok(&pipeline, secs(1)).await.unwrap();
    // The third one's end became known to the disk only with the fourth's start.
    assert_eq!(journal.disk.lock().unwrap().calls.len(), 2, "what no longer counts is forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_fails_or_hangs_refuses_the_call_and_nothing_is_sent() {
    let (journal, server) = (MemoryJournal::default(), Server::default());
    let pipeline = open(Config { month_budget: Some(9), ..config(1) }, &journal).await;
    journal.failing.store(true, Ordering::SeqCst);
    let refused = server.ok(&pipeline, secs(1)).await.unwrap_err();
    assert_eq!(refused, CallError::Unrecorded { reason: "the disk is full".into() });
    journal.hanging.store(true, Ordering::SeqCst);
    let began = Instant::now();
    let refused = server.ok(&pipeline, secs(1)).await.unwrap_err();
    assert_eq!((refused.code(), began.elapsed().as_secs()), ("unrecorded", 5));
    let status = pipeline.status();
    assert_eq!((status.used, status.running, status.month_left, status.unrecorded), (0, 0, Some(9), 2));
    assert_eq!(server.seen().len(), 0);
    journal.hanging.store(false, Ordering::SeqCst);
    journal.failing.store(false, Ordering::SeqCst);
    server.ok(&pipeline, Duration::ZERO).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ends_survive_a_write_that_failed() {
    let (journal, server) = (MemoryJournal::default(), Server::default());
    let pipeline = open(config(50), &journal).await;
    server.ok(&pipeline, secs(1)).await.unwrap();
    journal.failing.store(true, Ordering::SeqCst);
    server.ok(&pipeline, secs(1)).await.unwrap_err();
    journal.failing.store(false, Ordering::SeqCst);
    for _ in 0..5 {
        server.ok(&pipeline, secs(1)).await.unwrap();
    }
    pipeline.stop().await;
    assert_eq!(journal.ends_written.load(Ordering::SeqCst), 7, "each once, also of the one not sent");
    assert!(journal.disk.lock().unwrap().calls.values().all(|(_, end)| end.is_some()));
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_past_counts_as_a_full_window_once() {
    let (journal, server) = (MemoryJournal::default(), Server::default());
    journal.failing.store(true, Ordering::SeqCst);
    let pipeline = open(config(3), &journal).await;
    journal.failing.store(false, Ordering::SeqCst);
    assert_eq!(pipeline.status().used, 3);
    let began = Instant::now();
    server.ok(&pipeline, secs(100)).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_between_two_runs_makes_it_more_careful_only() {
    let (journal, server) = (MemoryJournal::default(), Server::default());
    let pipeline = open(config(1), &journal).await;
    server.ok(&pipeline, secs(1)).await.unwrap();
    pipeline.stop().await;
    let pipeline = open_at(config(1), &journal.next_process(), START_MS - 3_600_000).await;
    let wait = server.ok(&pipeline, secs(1)).await.unwrap_err().retry_after().unwrap();
    assert!(wait > secs(59) && wait < secs(61), "counted from the restart: {wait:?}");
}
