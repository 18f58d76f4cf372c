//! Running jobs that do nothing: what it costs to start one and to make its end durable.

use crate::contender::Name;
use crate::report::Report;
use crate::rounds::{in_turns, median};
use crate::work::Work;

const CONTENDERS: [Name; 3] = [Name::Eider, Name::BullMq, Name::Apalis];
const CONCURRENCY: u32 = 100;

/// apalis is given fewer: the more wait, the longer it takes over each.
fn jobs(name: Name, scale: usize) -> usize {
    if name == Name::Apalis { 1000.max(5000 / scale) } else { 100_000 / scale }
}

pub(crate) fn measure(report: &mut Report, scale: usize) -> anyhow::Result<()> {
    let rounds = in_turns(report, &CONTENDERS, |name, contender| {
        let mut burn = |jobs| {
            contender.ask(Work::AddMany { jobs, batch: 1000 })?;
            let burnt = contender.ask(Work::Burn { jobs, concurrency: CONCURRENCY })?;
            anyhow::Ok(jobs as f64 / burnt.seconds)
        };
        burn(jobs(name, scale).min(2000))?;
        burn(jobs(name, scale))
    })?;
    let medians: Vec<f64> = rounds.into_iter().map(median).collect();
    let promises = [
        "starts and ends on the disk; what ended is kept and can be listed",
        "starts and ends on the disk; what ended is removed at once, which costs it least",
        "starts and ends on the disk (it sets synchronous=OFF by itself); what ended is kept",
    ];
    for ((name, per_second), promise) in CONTENDERS.iter().zip(&medians).zip(promises) {
        let work = format!("burn down {} jobs, {CONCURRENCY} at once", jobs(*name, scale));
        report.row(work, name.text(), *per_second, "jobs/s", promise);
    }
    for (name, per_second) in CONTENDERS.iter().zip(&medians).skip(1) {
        report.at_least(format!("burn down: × {}", name.text()), medians[0] / per_second, 5.0);
    }
    Ok(())
}
