use std::sync::atomic::Ordering;
use std::time::Duration;

use eider_limits::{Attempt, Backoff, CallError, Config, Pipeline, Priority};
use futures::FutureExt;
use futures::future::poll_immediate;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{MemoryJournal, Outcome, START_MS, Server, config, open, open_at, secs};

#[tokio::test(start_paused = true)]
async fn stopping_refuses_who_waits_and_awaits_who_runs() {
    let (journal, server) = (MemoryJournal::default(), Server::default());
    let backoff = Backoff { base: secs(60), cap: secs(60) };
    let pipeline = open(Config { concurrency: 2, backoff, ..config(2) }, &journal).await;
    let running = pipeline.call(Priority::Normal, secs(1), || async {
        sleep(Duration::from_millis(1_500)).await;
        Attempt::<_, String>::Done(7)
    });
    let pausing = server.call(&pipeline, Priority::Normal, secs(900), || Attempt::Retry("500".into()));
    let waiting = server.ok(&pipeline, secs(900));
    let stopping = async {
        sleep(secs(1)).await;
        let began = Instant::now();
        tokio::join!(pipeline.stop(), pipeline.stop());
        let took = began.elapsed().as_millis();
        assert!((500..520).contains(&took), "both wait for the running one: {took} ms");
        let ends: Vec<_> = journal.disk.lock().unwrap().calls.values().map(|(_, end)| *end).collect();
        assert!(ends.len() == 2 && ends.iter().all(Option::is_some), "{ends:?}");
        pipeline.stop().await;
    };
    let (running, pausing, waiting, ()) = tokio::join!(running, pausing, waiting, stopping);
    assert_eq!(running, Ok(7));
    assert_eq!((pausing, waiting), (Err(CallError::Closed), Err(CallError::Closed)));
    assert_eq!(server.ok(&pipeline, secs(1)).await, Err(CallError::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_polls_does_not_hold_up_the_stop_for_ever() {
    let (journal, server) = (MemoryJournal::default(), Server::default());
    let pipeline = open(config(2), &journal).await;
    let mut forgotten = server.ok(&pipeline, secs(1)).map(drop).boxed_local();
    assert!(poll_immediate(&mut forgotten).await.is_none());
    assert_eq!(pipeline.status().running, 1);
    let began = Instant::now();
    pipeline.stop().await;
    assert_eq!(began.elapsed(), secs(2), "the grace, and the time to drop it");
    drop(forgotten);
    assert_eq!(pipeline.status().running, 0);
    let began = Instant::now();
    pipeline.stop().await;
    assert!(began.elapsed() < secs(1), "the second stop has only its end to record");
    assert!(journal.disk.lock().unwrap().calls.values().all(|(_, end)| end.is_some()));
}

/// Told when it is dropped, as a connection is closed.
struct Connection<'a>(&'a Server);

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.0.see();
    }
}

/// A call that is accepted and never answered; `closed` sees when its attempt is dropped.
async fn unanswered(pipeline: &Pipeline, closed: &Server) -> Outcome {
    let attempt = || async {
        let _connection = Connection(closed);
        std::future::pending().await
    };
    pipeline.call(Priority::Normal, secs(1), attempt).await
}

/// A stop waited for `attempt_timeout`, so that quitting took up to two minutes.
#[tokio::test(start_paused = true)]
async fn a_service_that_never_answers_holds_up_the_stop_for_a_second() {
    let (journal, closed) = (MemoryJournal::default(), Server::default());
    let config = Config { attempt_timeout: secs(120), concurrency: 2, ..config(3) };
    let pipeline = open(config.clone(), &journal).await;
    let stopping = async {
        sleep(secs(20)).await;
        let began = Instant::now();
        tokio::join!(pipeline.stop(), pipeline.stop());
        let took = began.elapsed().as_millis();
        assert!((1_000..1_020).contains(&took), "the grace and one write: {took} ms");
        assert!(closed.seen().iter().all(|at| *at == began + secs(1)), "neither before the grace nor later");
    };
    let (one, other, ()) =
        tokio::join!(unanswered(&pipeline, &closed), unanswered(&pipeline, &closed), stopping);
    assert_eq!((one, other), (Err(CallError::Closed), Err(CallError::Closed)));
    assert_eq!(closed.seen().len(), 2, "both attempts were dropped");
    let status = pipeline.status();
    assert_eq!((status.running, status.used, status.calls, status.errors), (0, 2, 2, 0));

    // They reached the service for all anybody knows, so they count until a window after they were dropped.
    let next = open_at(config, &journal.next_process(), START_MS + 30_000).await;
    assert_eq!(next.status().used, 2);
    tokio::time::advance(secs(50)).await;
    assert_eq!(next.status().used, 2);
    tokio::time::advance(secs(2)).await;
    assert_eq!(next.status().used, 0, "counted from the drop, not from the restart");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_hangs_holds_up_the_stop_for_no_more_than_its_bound() {
    let (journal, closed) = (MemoryJournal::default(), Server::default());
    let pipeline = open(Config { concurrency: 2, ..config(3) }, &journal).await;
    let stopping = async {
        sleep(secs(1)).await;
        journal.hanging.store(true, Ordering::SeqCst);
        let recording = unanswered(&pipeline, &closed);
        let began = Instant::now();
        let stop = async {
            pipeline.stop().await;
            began.elapsed()
        };
        let recording = async { (recording.await, began.elapsed()) };
        let ((outcome, refused), stopped) = tokio::join!(recording, stop);
        assert_eq!((outcome, refused), (Err(CallError::Closed), secs(1)), "it is not sent");
        assert_eq!(stopped, secs(6), "the grace, and the journal's bound");
    };
    let (sent, ()) = tokio::join!(unanswered(&pipeline, &closed), stopping);
    assert_eq!(sent, Err(CallError::Closed));
    let status = pipeline.status();
    assert_eq!((status.running, status.used), (0, 1), "only the one that was sent counts");
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_was_given_up_is_finished_by_the_next() {
    let (journal, closed) = (MemoryJournal::default(), Server::default());
    let pipeline = open(config(2), &journal).await;
    let stopping = async {
        sleep(secs(1)).await;
        assert!(timeout(Duration::from_millis(300), pipeline.stop()).await.is_err());
        assert_eq!(unanswered(&pipeline, &closed).await, Err(CallError::Closed), "nobody is let in any more");
        pipeline.stop().await;
        assert!(journal.disk.lock().unwrap().calls.values().all(|(_, end)| end.is_some()));
    };
    let (sent, ()) = tokio::join!(unanswered(&pipeline, &closed), stopping);
    assert_eq!((sent, closed.seen().len()), (Err(CallError::Closed), 1));
}

#[tokio::test(start_paused = true)]
async fn a_second_stop_gives_no_new_time_to_a_call_that_the_first_has_ended() {
    let (journal, closed) = (MemoryJournal::default(), Server::default());
    let pipeline = open(config(2), &journal).await;
    let mut forgotten = unanswered(&pipeline, &closed).boxed_local();
    assert!(timeout(Duration::from_millis(10), &mut forgotten).await.is_err(), "recorded and sent");
    assert!(timeout(Duration::from_millis(1_500), pipeline.stop()).await.is_err());
    let mut again = pipeline.stop().boxed_local();
    assert!(poll_immediate(&mut again).await.is_none());
    assert_eq!(poll_immediate(&mut forgotten).await, Some(Err(CallError::Closed)));
    again.await;
    assert!(journal.disk.lock().unwrap().calls.values().all(|(_, end)| end.is_some()));
}
