//! `kill -9` at 200 random points of 10,000 jobs.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use eider_jobs::{Clock, Config, Defaults, Handler, Jobs, NewJob, Outcome, QueueConfig, Running, State};

use crate::support::open;

/// Names the folder that the child works in.
const FOLDER: &str = "EIDER_JOBS_CHILD_FOLDER";
const JOBS: u32 = 10_000;
const KILLS: u32 = 200;
const CONCURRENCY: u32 = 16;

/// Says that it ran before it is acknowledged.
struct Tell;

impl Handler for Tell {
    type Payload = u32;
    const KIND: &'static str = "TELL";

    fn defaults(&self) -> Defaults {
        Defaults { attempts: 100, ..Defaults::default() }
    }

    fn example(&self) -> u32 {
        1
    }

    async fn run(&self, number: u32, _: Running) -> Outcome {
        println!("ran {number}");
        Outcome::Done
    }
}

async fn start(folder: &Path) -> (store::Store, Jobs) {
    let store = open(folder);
    let queue = QueueConfig { concurrency: CONCURRENCY, ..QueueConfig::new("normal") };
    let mut config = Config { queues: vec![queue], sole_owner: true, ..Config::default() };
    config.retention.most = u64::from(JOBS);
    let jobs = Jobs::builder(store.clone(), config, Clock::system()).register(Tell).start().await.unwrap();
    (store, jobs)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child_runs_jobs_until_it_is_killed_or_none_is_left() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let (store, jobs) = start(Path::new(&folder)).await;
    let mut events = jobs.events();
    while jobs.queues().await.unwrap()[0].counts.open() > 0 {
        let _ = events.recv().await;
    }
    jobs.stop(Duration::from_secs(5)).await;
    store.close().await;
    println!("none is left");
}

/// Runs a child and kills it after so many jobs; whether it came to the end.
fn child(folder: &Path, kill_after: Option<u32>, ran: &mut HashMap<u32, u32>) -> bool {
    let test = "killed::the_child_runs_jobs_until_it_is_killed_or_none_is_left";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut heard, mut ended) = (0, false);
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        ended |= line == "none is left";
        if let Some(number) = line.strip_prefix("ran ").and_then(|number| number.parse().ok()) {
            *ran.entry(number).or_default() += 1;
            heard += 1;
            if Some(heard) == kill_after {
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
    ended
}

#[tokio::test]
async fn no_job_is_lost_and_at_most_those_under_way_are_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let (store, jobs) = start(folder.path()).await;
    jobs.pause("normal").await.unwrap();
    let new = (0..JOBS).map(|number| NewJob::of::<Tell>(&number)).collect();
    assert!(jobs.add_many(new).await.unwrap().iter().all(Result::is_ok));
    jobs.stop(Duration::from_secs(5)).await;
    store.write("test.resume", |tx| Ok(tx.execute("UPDATE job_queue SET paused = 0", [])?)).await.unwrap();
    store.close().await;

    let (mut ran, mut killed) = (HashMap::new(), 0);
    for _ in 0..KILLS {
        let ended = child(folder.path(), Some(rand::random_range(1..40)), &mut ran);
        killed += u32::from(!ended);
    }
    assert_eq!(killed, KILLS, "there was work left for each of them");
    assert!(child(folder.path(), None, &mut ran), "the last one comes to the end");

    let repeated: u32 = ran.values().map(|runs| runs - 1).sum();
    println!("{repeated} repeated");
    assert_eq!(ran.len(), JOBS as usize, "none is lost");
    assert!(repeated <= KILLS * CONCURRENCY, "{repeated}");
    let (store, jobs) = start(folder.path()).await;
    let counts = jobs.queues().await.unwrap()[0].counts;
    assert_eq!((counts.of(State::Done), counts.open()), (u64::from(JOBS), 0));
    let (check, twice) = store
        .read("test.check", |db| {
            let check: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
            let done = "SELECT count(*) FROM job WHERE state <> 5 OR starts > 1 + (SELECT count(*)
                        FROM job_attempt WHERE job = job.id AND outcome = 'interrupted')";
            Ok((check, db.query_row(done, [], |row| row.get::<_, i64>(0))?))
        })
        .await
        .unwrap();
    assert_eq!((check.as_str(), twice), ("ok", 0), "each start beyond the first has its reason");
}
