use std::sync::atomic::Ordering;
use std::time::Duration;

use eider_limits::{Attempt, Config, Priority, RetryAfter};
use proptest::prelude::*;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{MemoryJournal, START_MS, Server, config, most_in_a_minute, open_at, secs};

#[derive(Debug, Clone, Copy)]
struct Call {
    pause_ms: u64,
    priority: Priority,
    /// From the sending to the server, and from there back.
    there_ms: u64,
    back_ms: u64,
    reply: Reply,
    /// The caller gives up after so long.
    patience_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Reply {
    Good,
    Failure,
    Limited(Option<u64>),
}

#[derive(Debug, Clone)]
enum Step {
    Call(Call),
    Crash { down_ms: u64 },
    Stop { down_ms: u64 },
}

fn call() -> impl Strategy<Value = Call> {
    let reply = prop_oneof![
        6 => Just(Reply::Good),
        2 => Just(Reply::Failure),
        1 => prop::option::of(0..90_u64).prop_map(Reply::Limited),
    ];
    let patience = prop::option::weighted(0.3, 0..40_000_u64);
    let priority = prop::sample::select(Priority::ALL.to_vec());
    (0..4_000_u64, priority, 0..7_000_u64, 0..7_000_u64, reply, patience).prop_map(
        |(pause_ms, priority, there_ms, back_ms, reply, patience_ms)| Call {
            pause_ms,
            priority,
            there_ms,
            back_ms,
            reply,
            patience_ms,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => call().prop_map(Step::Call),
        1 => (0..50_000_u64).prop_map(|down_ms| Step::Crash { down_ms }),
        1 => (0..50_000_u64).prop_map(|down_ms| Step::Stop { down_ms }),
    ]
}

async fn run(limit: u32, steps: Vec<Step>) -> Vec<std::time::Instant> {
    let mut config = Config { concurrency: 6, attempts: 3, ..config(limit) };
    // The limiter alone is on trial.
    config.breaker.min_calls = 1_000;
    let (server, began) = (Server::default(), Instant::now());
    let wall = || START_MS + i64::try_from(began.elapsed().as_millis()).unwrap();
    let mut journal = MemoryJournal::default();
    let mut pipeline = open_at(config.clone(), &journal, wall()).await;
    let mut callers = JoinSet::new();
    for step in steps {
        let down_ms = match step {
            Step::Call(call) => {
                sleep(Duration::from_millis(call.pause_ms)).await;
                let (pipeline, server) = (pipeline.clone(), server.clone());
                callers.spawn(async move {
                    let attempt = || async {
                        sleep(Duration::from_millis(call.there_ms)).await;
                        server.see();
                        sleep(Duration::from_millis(call.back_ms)).await;
                        match call.reply {
                            Reply::Good => Attempt::Done(1),
                            Reply::Failure => Attempt::Retry("500"),
                            Reply::Limited(after) => {
                                let after = after.map(|after| RetryAfter::Delay(secs(after)));
                                Attempt::Limited { after, error: "429" }
                            }
                        }
                    };
                    let patience = Duration::from_millis(call.patience_ms.unwrap_or(600_000));
                    let _ = timeout(patience, pipeline.call(call.priority, secs(400), attempt)).await;
                });
                continue;
            }
            Step::Crash { down_ms } => {
                journal.dead.store(true, Ordering::SeqCst);
                callers.shutdown().await;
                down_ms
            }
            Step::Stop { down_ms } => {
                pipeline.stop().await;
                callers.shutdown().await;
                down_ms
            }
        };
        sleep(Duration::from_millis(down_ms)).await;
        journal = journal.next_process();
        pipeline = open_at(config.clone(), &journal, wall()).await;
    }
    callers.join_all().await;
    let status = pipeline.status();
    assert_eq!((status.running, status.waiting.total()), (0, 0));
    server.seen().into_iter().map(Instant::into_std).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_minute_of_the_servers_log_holds_more_than_the_limit_across_restarts(
        limit in 1..8_u32,
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        let log = runtime.block_on(run(limit, steps));
        let most = most_in_a_minute(&log);
        prop_assert!(most <= limit as usize, "{} calls within 60 s, the limit is {}", most, limit);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_in_flight_at_a_crash_counts_from_the_restart() {
    let (journal, server) = (MemoryJournal::default(), Server::default());
    let pipeline = open_at(config(2), &journal, START_MS).await;
    server.ok(&pipeline, secs(1)).await.unwrap();
    let never = pipeline.call(Priority::Normal, secs(1), std::future::pending::<Attempt<u32, String>>);
    let mut never = Box::pin(never);
    assert!(timeout(secs(5), &mut never).await.is_err());

    let after_crash = journal.next_process();
    let pipeline = open_at(config(2), &after_crash, START_MS + 40_000).await;
    assert_eq!(pipeline.status().used, 2);
    let wait = server.ok(&pipeline, secs(1)).await.unwrap_err().retry_after().unwrap();
    assert!(wait > secs(19) && wait < secs(21), "the one that ended: {wait:?}");
    tokio::time::advance(secs(25)).await;
    assert_eq!(pipeline.status().used, 1, "the one that did not counts from the restart");
    server.ok(&pipeline, secs(1)).await.unwrap();
    pipeline.stop().await;

    // Its end is on the disk now, so a second restart does not count it anew.
    let pipeline = open_at(config(2), &after_crash.next_process(), START_MS + 40_000 + 61_000).await;
    assert_eq!(pipeline.status().used, 1);
    drop(never);
}

#[tokio::test(start_paused = true)]
async fn calls_of_two_processes_never_share_an_id() {
    let (mut journal, server) = (MemoryJournal::default(), Server::default());
    for calls in 1..=3 {
        // The clock says the same each time.
        let pipeline = open_at(config(50), &journal, START_MS).await;
        server.ok(&pipeline, secs(1)).await.unwrap();
        pipeline.stop().await;
        assert_eq!(journal.disk.lock().unwrap().calls.len(), calls);
        journal = journal.next_process();
    }
}
