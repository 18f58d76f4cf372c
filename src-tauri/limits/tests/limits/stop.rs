use eider_limits::{Attempt, Backoff, CallError, Config, Priority};
use futures::FutureExt;
use futures::future::poll_immediate;
use tokio::time::{Instant, sleep};

use crate::support::{MemoryJournal, Server, config, open, secs};

#[tokio::test(start_paused = true)]
async fn stopping_refuses_who_waits_and_awaits_who_runs() {
    let (journal, server) = (MemoryJournal::default(), Server::default());
    let backoff = Backoff { base: secs(60), cap: secs(60) };
    let pipeline = open(Config { concurrency: 2, backoff, ..config(2) }, &journal).await;
    let running = pipeline.call(Priority::Normal, secs(1), || async {
        sleep(secs(4)).await;
        Attempt::<_, String>::Done(7)
    });
    let pausing = server.call(&pipeline, Priority::Normal, secs(900), || Attempt::Retry("500".into()));
    let waiting = server.ok(&pipeline, secs(900));
    let stopping = async {
        sleep(secs(1)).await;
        let began = Instant::now();
        tokio::join!(pipeline.stop(), pipeline.stop());
        assert_eq!(began.elapsed().as_secs(), 3, "both wait for the running one");
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
    let pipeline = open(config(2), &MemoryJournal::default()).await;
    let server = Server::default();
    let mut forgotten = server.ok(&pipeline, secs(1)).map(drop).boxed_local();
    assert!(poll_immediate(&mut forgotten).await.is_none());
    assert_eq!(pipeline.status().running, 1);
    let began = Instant::now();
    pipeline.stop().await;
    assert_eq!(began.elapsed(), secs(15), "an attempt's time and the journal's");
    drop(forgotten);
    assert_eq!(pipeline.status().running, 0);
}
