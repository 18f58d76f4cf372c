//! What a tree of processes takes: memory now, and processor time over a while.

use std::{
    fs,
    time::{Duration, Instant},
};

use window_tests::Process;

/// Proportional set size of the tree in MiB: shared pages are counted once, split among those who share.
pub(crate) fn memory_mib(process: &Process) -> f64 {
    let pss = |pid: u32| -> Option<f64> {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?.split_whitespace().next()?.parse().ok()
    };
    process.tree().into_iter().filter_map(pss).sum::<f64>() / 1024.0
}

/// The share of one core that the tree keeps busy over `span`, in percent.
pub(crate) async fn cpu_pct(process: &Process, span: Duration) -> f64 {
    let (before, began) = (cpu_seconds(process), Instant::now());
    tokio::time::sleep(span).await;
    (cpu_seconds(process) - before) / began.elapsed().as_secs_f64() * 100.0
}

fn cpu_seconds(process: &Process) -> f64 {
    let ticks = |pid: u32| -> Option<f64> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name in parentheses: state, parent, …, user time and system time, 12th and 13th.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
    };
    let total: f64 = process.tree().into_iter().filter_map(ticks).sum();
    total / rustix::param::clock_ticks_per_second() as f64
}
