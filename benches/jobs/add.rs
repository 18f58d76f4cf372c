//! Adding jobs that are durable when the call returns.

use crate::contender::Name;
use crate::report::Report;
use crate::rounds::{in_turns, median};
use crate::work::Work;

const CALLERS: usize = 16;
const BATCH: usize = 1000;

pub(crate) fn one_by_one(report: &mut Report, scale: usize) -> anyhow::Result<()> {
    let add = |jobs| Work::Add { jobs, callers: CALLERS };
    let contenders = [Name::Eider, Name::BullMq, Name::BullMqPipelined];
    measure(report, &contenders, format!("add one by one, {CALLERS} callers"), add, 20_000 / scale)
}

pub(crate) fn in_batches(report: &mut Report, scale: usize) -> anyhow::Result<()> {
    let add = |jobs| Work::AddMany { jobs, batch: BATCH };
    // It sends a batch at once by itself.
    let contenders = [Name::Eider, Name::BullMq];
    measure(report, &contenders, format!("add in batches of {BATCH}"), add, 50_000 / scale)
}

fn measure(
    report: &mut Report,
    contenders: &[Name],
    work: String,
    add: impl Fn(usize) -> Work,
    jobs: usize,
) -> anyhow::Result<()> {
    let rounds = in_turns(report, contenders, |_, contender| {
        contender.ask(add(2000))?;
        Ok(jobs as f64 / contender.ask(add(jobs))?.seconds)
    })?;
    let medians: Vec<f64> = rounds.into_iter().map(median).collect();
    for (name, per_second) in contenders.iter().zip(&medians) {
        let promise = if *name == Name::Eider { "on the disk" } else { "on the disk, in Redis's own log" };
        report.row(&work, name.text(), *per_second, "jobs/s", promise);
    }
    for (name, per_second) in contenders.iter().zip(&medians).skip(1) {
        report.at_least(format!("{work}: × {}", name.text()), medians[0] / per_second, 5.0);
    }
    Ok(())
}
