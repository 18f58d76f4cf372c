//! apalis's part in the benchmark: `eider-jobs-bench-apalis FOLDER` says what it is, then answers each line of JSON on
//! its standard input with one on its standard output, until the input ends.

#[path = "../work.rs"]
mod work;

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use apalis::prelude::{BoxDynError, Data, TaskSink, WorkerBuilder, WorkerBuilderExt};
use apalis_sqlite::{Config, SqliteConnectOptions, SqlitePool, SqliteStorage};
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};

use crate::work::{Answer, Payload, Work, now_us};

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let folder = std::env::args().nth(1).context("it needs a folder")?;
    let pool = open(Path::new(&folder)).await?;
    say(&Answer { version: version(&pool).await?, ..Answer::default() })?;
    for line in std::io::stdin().lock().lines() {
        say(&perform(&pool, serde_json::from_str(&line?)?).await?)?;
    }
    Ok(())
}

/// Its `setup` sets `synchronous=OFF` on one connection, so that one is closed again.
async fn open(folder: &Path) -> anyhow::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("apalis.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePool::connect_with(options.clone()).await?;
    SqliteStorage::setup(&pool).await?;
    pool.close().await;
    Ok(SqlitePool::connect_with(options).await?)
}

async fn version(pool: &SqlitePool) -> anyhow::Result<String> {
    let of = |name: &str| -> anyhow::Result<&'static str> {
        let named = format!("name = \"{name}\"\n");
        let entry = include_str!("Cargo.lock").split("[[package]]").find(|entry| entry.contains(&named));
        let version = entry.and_then(|entry| entry.lines().find_map(|line| line.strip_prefix("version = ")));
        Ok(version.context("the lock file names it")?.trim_matches('"'))
    };
    let sqlite: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(pool).await?;
    Ok(format!("apalis {}, apalis-sqlite {}, SQLite {sqlite}", of("apalis")?, of("apalis-sqlite")?))
}

fn say(answer: &Answer) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(answer)?)?;
    Ok(out.flush()?)
}

async fn perform(pool: &SqlitePool, work: Work) -> anyhow::Result<Answer> {
    let since = Instant::now();
    match work {
        Work::AddMany { jobs, batch } => {
            let mut storage = SqliteStorage::<Payload>::new(pool);
            for first in (0..jobs).step_by(batch) {
                let many = (first..jobs.min(first + batch)).map(Payload::new).collect();
                storage.push_bulk(many).await.map_err(|error| anyhow::anyhow!("{error}"))?;
            }
        }
        Work::Burn { jobs, concurrency } => burn(pool, jobs, concurrency as usize).await?,
        other => bail!("it takes no part in {other:?}"),
    }
    Ok(Answer { seconds: since.elapsed().as_secs_f64(), ..Answer::default() })
}

async fn handle(_payload: Payload, handled: Data<Arc<AtomicUsize>>) -> Result<(), BoxDynError> {
    handled.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Runs a worker until the end of every job is on the disk.
async fn burn(pool: &SqlitePool, jobs: usize, concurrency: usize) -> anyhow::Result<()> {
    // A batch of as many as run at once took it least time; what it fetches is marked as taken already.
    let name = std::any::type_name::<Payload>();
    let config = Config::default().queue(name).batch_size(concurrency).lock_tasks(false);
    let handled = Arc::new(AtomicUsize::new(0));
    // A name that was used is taken for a worker that still lives.
    let worker = WorkerBuilder::new(format!("bench-{}", now_us()))
        .backend(SqliteStorage::<Payload>::new(pool).with_config(config))
        .data(Arc::clone(&handled))
        .concurrency(concurrency)
        .build(handle);
    let all_done = async {
        while handled.load(Ordering::Relaxed) < jobs {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let open = "SELECT count(*) FROM Jobs WHERE status <> 'Done'";
        while sqlx::query_scalar::<_, i64>(open).fetch_one(pool).await? > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        ended = worker.run() => bail!("the worker ended: {ended:?}"),
        done = all_done => done,
    }
}
