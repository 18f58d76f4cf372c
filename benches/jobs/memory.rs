//! Resident memory with many jobs that wait, and while they are worked off.

use std::time::{Duration, Instant};

use crate::contender::Name;
use crate::report::Report;
use crate::work::Work;

/// What counts as flat.
const FLAT: f64 = 1.25;

pub(crate) fn measure(report: &mut Report, scale: usize) -> anyhow::Result<()> {
    let many = 1_000_000.min(4_000_000 / scale);
    // By then what SQLite keeps in memory is full.
    let some = many / 2;
    let watched = Duration::from_secs(10).min(Duration::from_secs(20) / scale as u32);
    let fewer = 100_000 / scale;
    let mut eider = Name::Eider.start()?;
    report.version(eider.version()?);
    let mut queued = |jobs| {
        eider.ask(Work::AddMany { jobs, batch: 1000 })?;
        anyhow::Ok(eider.resident()? as f64)
    };
    let (with_some, with_many) = (queued(some)?, queued(many - some)?);
    eider.ask(Work::Work { concurrency: 100 })?;
    let (until, mut working) = (Instant::now() + watched, with_many);
    while Instant::now() < until {
        working = working.max(eider.resident()? as f64);
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(eider);
    let mut bullmq = Name::BullMq.start()?;
    report.version(bullmq.version()?);
    bullmq.ask(Work::AddMany { jobs: fewer, batch: 1000 })?;
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    let redis = mib(bullmq.resident()? as f64);

    let work = |jobs: usize| format!("memory with {jobs} queued jobs");
    let process = "the whole process";
    report.row(work(some), "Eider", mib(with_some), "MiB", process);
    report.row(work(fewer), "BullMQ", redis, "MiB", "Redis alone; it grows with the jobs");
    report.row(work(many), "Eider", mib(with_many), "MiB", process);
    let watched = format!("the most within {} s", watched.as_secs());
    report.row(format!("{}, working", work(many)), "Eider", mib(working), "MiB", watched);
    report.at_most(format!("{}: × with {some}", work(many)), with_many / with_some, FLAT);
    report.at_most(format!("{}: × while working", work(many)), working / with_many, FLAT);
    Ok(())
}
