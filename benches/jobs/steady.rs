//! An even stream of jobs: how long each waits from before it is added until its handler begins.

use crate::contender::Name;
use crate::report::Report;
use crate::rounds::{in_turns, median, quantile};
use crate::work::Work;

const CONTENDERS: [Name; 2] = [Name::Eider, Name::BullMq];
const PER_SECOND: usize = 500;

/// Each with what serves it best: where every write waits for the disk, BullMQ's jobs wait the longer the more may run
/// at once, and with one or two it does not keep up.
fn concurrency(name: Name) -> u32 {
    if name == Name::BullMq { 4 } else { 100 }
}

pub(crate) fn measure(report: &mut Report, scale: usize) -> anyhow::Result<()> {
    let jobs = 10 * PER_SECOND / scale;
    let rounds = in_turns(report, &CONTENDERS, |name, contender| {
        contender.ask(Work::Work { concurrency: concurrency(name) })?;
        let mut stream = |jobs| {
            contender.ask(Work::AddPaced { jobs, per_second: PER_SECOND })?;
            contender.ask(Work::WaitTimes { jobs })
        };
        stream(PER_SECOND)?;
        let waits_us = stream(jobs)?.waits_us;
        Ok([0.5, 0.99].map(|share| quantile(waits_us.iter().copied(), share) / 1000.0))
    })?;
    let of = |contender: usize, at: usize| median(rounds[contender].iter().map(|round| round[at]));
    for (at, share, most) in [(0, "p50", 5.0), (1, "p99", 25.0)] {
        let work = format!("steady {PER_SECOND} jobs/s, from adding to the start, {share}");
        for (contender, name) in CONTENDERS.iter().enumerate() {
            let promise =
                format!("up to {} at once; the job and its start are on the disk", concurrency(*name));
            report.row(&work, name.text(), of(contender, at), "ms", promise);
        }
        report.at_most(format!("{work}, ms"), of(0, at), most);
        report.at_most(format!("{work}: / BullMQ"), of(0, at) / of(1, at), 1.0);
    }
    Ok(())
}
