//! Two processes, and a machine that stands still: stopped processes look at nothing and give no sign of life.

use std::sync::Arc;
use std::time::Duration;

use eider_jobs::Config;
use rustix::process::{Pid, Signal, kill_process};
use store::Store;

use crate::child::{Process, folder, wait_for_parent};
use crate::support::{Act, Hands, START_MS, builder, job, open};

const LEASE: Duration = Duration::from_secs(2);
/// Between two looks at what other processes did.
const LOOK: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child_runs_a_job_until_its_parent_says_so() {
    let Some(folder) = folder() else { return };
    let store = open(&folder);
    let hands = Arc::new(Hands { wall_ms: START_MS.into(), ..Hands::default() });
    let config = Config { lease: LEASE, ..Config::default() };
    let jobs = builder(&store, &hands, config).start().await.unwrap();
    jobs.set_concurrency("normal", 1).await.unwrap();
    let mut events = jobs.events();
    let id = jobs.add(job(Act::Wait)).await.unwrap().id;
    while events.recv().await.unwrap().id != id {}
    println!("\nruns");
    tokio::task::spawn_blocking(wait_for_parent).await.unwrap();
    hands.go.notify_waiters();
    jobs.stop(Duration::from_secs(5)).await;
    store.close().await;
    println!("\nended");
}

async fn rows(store: &Store, sql: &'static str) -> Vec<(i64, i64)> {
    let read = move |db: &store::rusqlite::Connection| {
        let mut select = db.prepare(sql)?;
        Ok(select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<Vec<_>, _>>()?)
    };
    store.read("test.rows", read).await.unwrap()
}

async fn beats(store: &Store) -> Vec<(i64, i64)> {
    rows(store, "SELECT id, beat FROM job_session ORDER BY id").await
}

/// Waits until every process has given so many signs of life more.
async fn beat_on(store: &Store, times: i64) {
    let before = beats(store).await;
    loop {
        let now = beats(store).await;
        if now.iter().zip(&before).all(|(now, before)| now.1 >= before.1 + times) {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn signal(children: &[&Process], signal: Signal) {
    for child in children {
        kill_process(Pid::from_raw(child.id() as i32).unwrap(), signal).unwrap();
    }
}

#[tokio::test]
async fn a_machine_that_slept_rescues_nothing_and_a_process_that_stands_still_alone_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let test = "sleep::the_child_runs_a_job_until_its_parent_says_so";
    let mut first = Process::start(test, folder.path());
    first.until("runs");
    let mut second = Process::start(test, folder.path());
    second.until("runs");
    let running = "SELECT id, starts FROM job WHERE state = 4 ORDER BY id";
    assert_eq!(rows(&store, running).await, [(1, 1), (2, 1)]);
    beat_on(&store, 2).await;
    signal(&[&first, &second], Signal::STOP);
    // Nothing tells that time passes for those that stand still: a real wait, twice as long as a lease.
    tokio::time::sleep(2 * LEASE).await;
    signal(&[&first, &second], Signal::CONT);
    beat_on(&store, 4).await;
    assert_eq!(rows(&store, running).await, [(1, 1), (2, 1)], "nothing was rescued");

    signal(&[&first], Signal::STOP);
    while rows(&store, "SELECT id, state FROM job WHERE id = 1").await != [(1, 0)] {
        tokio::time::sleep(LOOK).await;
    }
    assert_eq!(rows(&store, running).await, [(2, 1)]);
    signal(&[&first], Signal::CONT);
    for child in [&mut second, &mut first] {
        drop(child.stdin.take());
        child.until("ended");
    }
    let twice =
        "SELECT id, starts FROM job WHERE state = 5 AND starts > 1 + (SELECT count(*) FROM job_attempt
                 WHERE job = job.id)";
    assert_eq!(rows(&store, twice).await, [], "no late end counted");
}
