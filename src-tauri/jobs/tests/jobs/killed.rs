//! `kill -9` at 200 random points of 10,000 jobs, some of which are added meanwhile.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use eider_jobs::{Clock, Config, Defaults, Handler, Jobs, NewJob, Outcome, QueueConfig, Running, State};

use crate::child::{Process, folder};
use crate::support::open;

const JOBS: u32 = 10_000;
/// Of these, so many are there from the beginning; the children add the others.
const FIRST: u32 = 6_000;
const KILLS: u32 = 200;
const CONCURRENCY: u32 = 16;
const ADDERS: u32 = 4;

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

    /// Each fifth job fails the first time.
    async fn run(&self, number: u32, job: Running) -> Outcome {
        println!("ran {number}");
        if number.is_multiple_of(5) && job.attempt() == 1 {
            return Outcome::Retry { error: "at first".into(), after: Some(Duration::ZERO) };
        }
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

/// Several at once, so that they share commits with one another and with the turns.
async fn add(jobs: Jobs, numbers: Vec<u32>) {
    for number in numbers {
        println!("adds {number}");
        jobs.add(NewJob::of::<Tell>(&number).key(&number.to_string())).await.unwrap();
        println!("added {number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child_adds_and_runs_jobs_until_it_is_killed_or_none_is_left() {
    let Some(folder) = folder() else { return };
    let (store, jobs) = start(&folder).await;
    let mut events = jobs.events();
    let known = store.read("test.known", |db| {
        let mut select = db.prepare("SELECT CAST(payload AS INTEGER) FROM job")?;
        Ok(select.query_map([], |row| row.get(0))?.collect::<Result<HashSet<u32>, _>>()?)
    });
    let known = known.await.unwrap();
    // A part of what is missing at a time, so that there is something to add to the last child.
    let missing: Vec<u32> = (FIRST..JOBS).filter(|number| !known.contains(number)).collect();
    let all = std::env::var_os(LAST).is_some();
    let adders: Vec<_> = (0..ADDERS)
        .map(|adder| {
            let some = missing.iter().copied().filter(|number| number % ADDERS == adder);
            tokio::spawn(add(jobs.clone(), if all { some.collect() } else { some.take(8).collect() }))
        })
        .collect();
    for adder in adders {
        adder.await.unwrap();
    }
    while jobs.queues().await.unwrap()[0].counts.open() > 0 {
        let _ = events.recv().await;
    }
    jobs.stop(Duration::from_secs(5)).await;
    store.close().await;
    println!("none is left");
}

/// Tells a child that nobody is going to kill it.
const LAST: &str = "EIDER_JOBS_LAST_CHILD";

#[derive(Default)]
struct Heard {
    /// How often each job ran.
    ran: HashMap<u32, u32>,
    added: HashSet<u32>,
}

/// Runs a child and kills it after so many lines; whether it came to the end.
fn child(folder: &Path, kill_after: Option<u32>, heard: &mut Heard) -> bool {
    let mut program = std::process::Command::new(std::env::current_exe().unwrap());
    if kill_after.is_none() {
        program.env(LAST, "1");
    }
    let test = "killed::the_child_adds_and_runs_jobs_until_it_is_killed_or_none_is_left";
    let mut child = Process::of(program, test, folder);
    let (mut lines, mut ended) = (0, false);
    while let Some(line) = child.line() {
        ended |= line == "none is left";
        let number = |what| line.strip_prefix(what)?.parse::<u32>().ok();
        if let Some(number) = number("ran ") {
            *heard.ran.entry(number).or_default() += 1;
        } else if let Some(number) = number("added ") {
            heard.added.insert(number);
        } else if let Some(number) = number("adds ") {
            assert!(!heard.added.contains(&number), "{number} was acknowledged and is missing");
            continue;
        } else {
            continue;
        }
        lines += 1;
        if Some(lines) == kill_after {
            child.kill();
        }
    }
    ended
}

#[tokio::test]
async fn no_job_is_lost_and_at_most_those_under_way_are_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let (store, jobs) = start(folder.path()).await;
    jobs.pause("normal").await.unwrap();
    let new = (0..FIRST).map(|number| NewJob::of::<Tell>(&number)).collect();
    assert!(jobs.add_many(new).await.unwrap().iter().all(Result::is_ok));
    jobs.stop(Duration::from_secs(5)).await;
    store.write("test.resume", |tx| Ok(tx.execute("UPDATE job_queue SET paused = 0", [])?)).await.unwrap();
    store.close().await;

    let (mut heard, mut killed) = (Heard::default(), 0);
    for _ in 0..KILLS {
        let ended = child(folder.path(), Some(rand::random_range(1..40)), &mut heard);
        killed += u32::from(!ended);
    }
    assert_eq!(killed, KILLS, "there was work left for each of them");
    assert!(heard.added.len() < (JOBS - FIRST) as usize, "some were killed while they added");
    assert!(child(folder.path(), None, &mut heard), "the last one comes to the end");

    let expected = |number: &u32| if number.is_multiple_of(5) { 2 } else { 1 };
    let repeated: u32 = heard.ran.iter().map(|(number, runs)| runs.saturating_sub(expected(number))).sum();
    println!("{repeated} repeated, {} heard of as added", heard.added.len());
    assert_eq!(heard.ran.len(), JOBS as usize, "none is lost, also of those that were being added");
    assert!(repeated <= KILLS * CONCURRENCY, "{repeated}");
    let (store, jobs) = start(folder.path()).await;
    let counts = jobs.queues().await.unwrap()[0].counts;
    assert_eq!((counts.of(State::Done), counts.open()), (u64::from(JOBS), 0), "none is there twice");
    let (check, wrong) = store
        .read("test.check", |db| {
            let check: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
            let wrong = "SELECT count(*) FROM job WHERE state <> 5 OR attempt <> starts
                         OR starts <> 1 + (SELECT count(*) FROM job_attempt WHERE job = job.id)";
            Ok((check, db.query_row(wrong, [], |row| row.get::<_, i64>(0))?))
        })
        .await
        .unwrap();
    assert_eq!((check.as_str(), wrong), ("ok", 0), "each start but the last has its reason in the history");
}
