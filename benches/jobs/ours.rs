//! Eider's part: a process of its own, as the peers have, that holds one queue in a database.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use eider_jobs::{
    AddError, Clock, Config, Defaults, Handler, Jobs, MIGRATIONS, NewJob, Outcome, QueueConfig, Running,
};
use eider_store::{Store, StoreError};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::work::{Answer, Payload, Work, now_us};

pub(crate) const QUEUE: &str = "bench";

/// A handler that does nothing but note how long its jobs waited.
#[derive(Clone, Default)]
struct Note {
    waits_us: Arc<Mutex<Vec<f64>>>,
    /// Told with each job that starts.
    started: Arc<Notify>,
}

impl Handler for Note {
    type Payload = Payload;
    const KIND: &'static str = "BENCH";

    fn defaults(&self) -> Defaults {
        Defaults { queue: QUEUE, ..Defaults::default() }
    }

    fn example(&self) -> Payload {
        Payload::new(0)
    }

    async fn run(&self, payload: Payload, _job: Running) -> Outcome {
        let waited = now_us() - payload.sent_us;
        self.waits_us.lock().expect("nothing panics with it").push(waited as f64);
        self.started.notify_one();
        Outcome::Done
    }
}

/// The processor as the program sets it up, with one queue of this many places.
pub(crate) async fn open(folder: &Path, handler: impl Handler, places: u32) -> anyhow::Result<(Store, Jobs)> {
    let store = Store::open(&folder.join("eider.db"), &[MIGRATIONS], eider_store::Config::default())?.store;
    let queue = QueueConfig { concurrency: places, bound: 10_000_000, ..QueueConfig::new(QUEUE) };
    let config = Config { queues: vec![queue], sole_owner: true, ..Config::default() };
    let jobs = Jobs::builder(store.clone(), config, Clock::system()).register(handler).start().await?;
    Ok((store, jobs))
}

/// Adds so many in batches, one after the other.
pub(crate) async fn add_many(
    jobs: &Jobs,
    count: usize,
    batch: usize,
    new: impl Fn(usize) -> NewJob,
) -> anyhow::Result<()> {
    for first in (0..count).step_by(batch) {
        let many = (first..count.min(first + batch)).map(&new).collect();
        for added in jobs.add_many(many).await? {
            added?;
        }
    }
    Ok(())
}

/// The child: answers each line of its standard input until that ends.
pub(crate) fn serve(folder: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let note = Note::default();
    let (store, jobs) = runtime.block_on(async {
        let (store, jobs) = open(Path::new(folder), note.clone(), 100).await?;
        jobs.pause(QUEUE).await?;
        anyhow::Ok((store, jobs))
    })?;
    let version = format!("Eider, SQLite {}", eider_store::rusqlite::version());
    say(&Answer { version, ..Answer::default() })?;
    for line in std::io::stdin().lock().lines() {
        let work: Work = serde_json::from_str(&line?)?;
        say(&runtime.block_on(perform(&jobs, &note, work))?)?;
    }
    runtime.block_on(async {
        jobs.stop(Duration::from_secs(1)).await;
        store.close().await;
    });
    Ok(())
}

fn say(answer: &Answer) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(answer)?)?;
    Ok(out.flush()?)
}

async fn perform(jobs: &Jobs, note: &Note, work: Work) -> anyhow::Result<Answer> {
    let new = |number| NewJob::of::<Note>(&Payload::new(number));
    let since = Instant::now();
    match work {
        Work::Add { jobs: count, callers } => {
            let mut tasks = JoinSet::new();
            for caller in 0..callers {
                let jobs = jobs.clone();
                tasks.spawn(async move {
                    for number in (caller..count).step_by(callers) {
                        jobs.add(new(number)).await?;
                    }
                    anyhow::Ok(())
                });
            }
            all(tasks).await?;
        }
        Work::AddMany { jobs: count, batch } => add_many(jobs, count, batch, new).await?,
        Work::AddPaced { jobs: count, per_second } => {
            let mut tasks = JoinSet::new();
            while tasks.len() < count {
                let due = (since.elapsed().as_secs_f64() * per_second as f64) as usize + 1;
                while tasks.len() < due.min(count) {
                    let (jobs, job) = (jobs.clone(), new(tasks.len()));
                    tasks.spawn(async move { add_patiently(&jobs, job).await });
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            all(tasks).await?;
        }
        Work::Work { concurrency } => {
            jobs.set_concurrency(QUEUE, concurrency).await?;
            jobs.resume(QUEUE).await?;
        }
        Work::Burn { jobs: count, concurrency } => {
            jobs.set_concurrency(QUEUE, concurrency).await?;
            jobs.resume(QUEUE).await?;
            started(note, count).await;
            while open_jobs(jobs).await? > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let seconds = since.elapsed().as_secs_f64();
            jobs.pause(QUEUE).await?;
            return Ok(Answer { seconds, ..Answer::default() });
        }
        Work::WaitTimes { jobs: count } => {
            let waits_us = started(note, count).await;
            return Ok(Answer { waits_us, ..Answer::default() });
        }
    }
    Ok(Answer { seconds: since.elapsed().as_secs_f64(), ..Answer::default() })
}

/// Where too many calls wait for the disk already, it tries again; the job's time runs on.
async fn add_patiently(jobs: &Jobs, job: NewJob) -> anyhow::Result<()> {
    while let Err(error) = jobs.add(job.clone()).await {
        anyhow::ensure!(matches!(error, AddError::Store(StoreError::QueueFull { .. })), error);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

async fn all(mut tasks: JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(())
}

/// Waits until so many jobs started since this was asked last, and takes their times.
async fn started(note: &Note, count: usize) -> Vec<f64> {
    loop {
        let mut waits_us = note.waits_us.lock().expect("nothing panics with it");
        if waits_us.len() >= count {
            return std::mem::take(&mut *waits_us);
        }
        drop(waits_us);
        note.started.notified().await;
    }
}

async fn open_jobs(jobs: &Jobs) -> anyhow::Result<u64> {
    let queues = jobs.queues().await?;
    Ok(queues.first().context("there is one queue")?.counts.open())
}
