//! A turn of 16 places: 16 ends are acknowledged and the next 16 jobs fetched, beside more and more others.
//!
//! All handlers are held at a gate and let go at once, so that each turn does the same. What counts is the time that
//! the turn's statements take, as the store records it: a commit takes far longer and would hide any difference.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use eider_jobs::{Defaults, Handler, Jobs, NewJob, Outcome, Priority, Running};
use eider_store::{Latency, Store};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::ours::{QUEUE, add_many, open};
use crate::report::Report;
use crate::rounds::quantile;
use crate::work::Payload;

const PLACES: usize = 16;
const ROUNDS: usize = 10;
const TURNS: usize = 100;

/// Handlers wait here.
#[derive(Clone)]
struct Gate {
    started: Arc<Semaphore>,
    go: Arc<Semaphore>,
}

impl Handler for Gate {
    type Payload = Payload;
    const KIND: &'static str = "HELD";

    fn defaults(&self) -> Defaults {
        Defaults { queue: QUEUE, timeout: Duration::from_secs(3600), ..Defaults::default() }
    }

    fn example(&self) -> Payload {
        Payload::new(0)
    }

    async fn run(&self, _payload: Payload, _job: Running) -> Outcome {
        self.started.add_permits(1);
        self.go.acquire().await.expect("it is never closed").forget();
        Outcome::Done
    }
}

/// A queue with so many jobs beside those that run and those that are next.
struct Stock {
    name: String,
    gate: Gate,
    store: Store,
    jobs: Jobs,
    /// From letting 16 go until the next 16 have begun, with the commit.
    turns_us: Vec<f64>,
    _folder: TempDir,
}

pub(crate) fn measure(report: &mut Report, scale: usize) -> anyhow::Result<()> {
    // On one thread all ends of a turn are heard before the next begins.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (some, many) = (100_000 / scale, 1_000_000 / scale);
        let mut stocks = Vec::new();
        for (due, later) in [(0, 0), (some, 0), (many, 0), (some, some)] {
            stocks.push(Stock::fill(due, later).await?);
        }
        for _ in 0..ROUNDS {
            for stock in &mut stocks {
                for _ in 0..TURNS / scale.min(2) {
                    stock.turn().await?;
                }
            }
        }
        let statements = stocks.iter().map(Stock::statements).collect::<anyhow::Result<Vec<_>>>()?;
        for (stock, took) in stocks.iter().zip(&statements) {
            let us = |time: Duration| time.as_secs_f64() * 1e6;
            let whole = |share| quantile(stock.turns_us.iter().copied(), share);
            let (p50, p99) = (whole(0.5), whole(0.99));
            let promise =
                format!("statements of a turn; with its commit and the handlers {p50:.0}, p99 {p99:.0} µs");
            report.row(format!("{}, p50", stock.name), "Eider", us(took.p50), "µs", promise);
            report.row(format!("{}, p99", stock.name), "Eider", us(took.p99), "µs", "the same");
        }
        for (stock, took) in stocks.iter().zip(&statements).skip(1) {
            let ratio =
                |of: fn(&Latency) -> Duration| of(took).as_secs_f64() / of(&statements[0]).as_secs_f64();
            report.at_most(format!("{}: p50 / with none", stock.name), ratio(|took| took.p50), 2.0);
            report.at_most(format!("{}: p99 / with none", stock.name), ratio(|took| took.p99), 2.0);
        }
        for stock in stocks {
            stock.gate.go.add_permits(2 * PLACES);
            stock.jobs.stop(Duration::from_secs(1)).await;
            stock.store.close().await;
        }
        Ok(())
    })
}

impl Stock {
    async fn fill(due: usize, later: usize) -> anyhow::Result<Self> {
        let beside = if later > 0 { format!(" and {later} of higher priority later") } else { String::new() };
        let name = format!("fetch of {PLACES}, {due} due{beside}");
        let folder = tempfile::tempdir()?;
        let gate = Gate { started: Arc::new(Semaphore::new(0)), go: Arc::new(Semaphore::new(0)) };
        let (store, jobs) = open(folder.path(), gate.clone(), PLACES as u32).await?;
        jobs.pause(QUEUE).await?;
        let new = |number| NewJob::of::<Gate>(&Payload::new(number));
        let later_job =
            |number| new(number).priority(Priority::Critical).delay(Duration::from_secs(24 * 3600));
        add_many(&jobs, due, 1000, new).await?;
        add_many(&jobs, later, 1000, later_job).await?;
        // Those that run during the first turn.
        add_many(&jobs, PLACES, PLACES, new).await?;
        jobs.stop(Duration::from_secs(1)).await;
        store.close().await;
        // Opened anew, so that the store's figures are of the turns alone.
        let (store, jobs) = open(folder.path(), gate.clone(), PLACES as u32).await?;
        jobs.resume(QUEUE).await?;
        let stock = Self { name, gate, store, jobs, turns_us: Vec::new(), _folder: folder };
        stock.begun().await?;
        Ok(stock)
    }

    /// Adds as many as run, so that as many as before wait, and exchanges them.
    async fn turn(&mut self) -> anyhow::Result<()> {
        let jobs = self.jobs.clone();
        // The processor is not told, since it would look for work in a turn of its own.
        let add = self.store.write("bench.add", move |tx| {
            let new = |number| jobs.enqueue_in(tx, NewJob::of::<Gate>(&Payload::new(number)));
            Ok((0..PLACES).map(new).collect::<Vec<_>>())
        });
        for added in add.await? {
            added?;
        }
        let since = Instant::now();
        self.gate.go.add_permits(PLACES);
        self.begun().await?;
        self.turns_us.push(since.elapsed().as_secs_f64() * 1e6);
        Ok(())
    }

    async fn begun(&self) -> anyhow::Result<()> {
        let begun = self.gate.started.acquire_many(PLACES as u32);
        tokio::time::timeout(Duration::from_secs(30), begun)
            .await
            .context("16 jobs were to begin")??
            .forget();
        Ok(())
    }

    fn statements(&self) -> anyhow::Result<Latency> {
        let stats = self.store.stats();
        let turn = stats.queries.iter().find(|query| query.name == "jobs.turn");
        let turn = turn.context("the store records the turns")?;
        let expected = self.turns_us.len() as u64 + 1;
        // More would mean that ends were acknowledged apart from the fetch, which would make it look cheaper.
        anyhow::ensure!(
            turn.calls <= expected + expected / 100,
            "{} turns instead of {expected}",
            turn.calls
        );
        Ok(turn.took)
    }
}
