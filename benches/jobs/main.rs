//! The job processor beside BullMQ and apalis, and the limiter beside governor, in one run.
//!
//! Contenders take turns in rounds, each in fresh processes with fresh folders, so that what else the machine does
//! hits them alike; figures are medians of the rounds, and what counts are the ratios. All are as durable: a job is on
//! the disk when the call returns. `--quick` does a tenth of the work.

mod add;
mod burn;
mod contender;
mod fetch;
mod limiter;
#[path = "../machine.rs"]
mod machine;
mod memory;
mod ours;
mod peer;
mod redis;
mod report;
mod rounds;
mod steady;
mod work;

use crate::report::Report;

/// One group of figures; a larger number does less work.
type Part = fn(&mut Report, usize) -> anyhow::Result<()>;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--serve", folder] => return ours::serve(folder),
        ["--users", contender] => return limiter::hold(contender),
        _ => {}
    }
    let quick = words.contains(&"--quick");
    let only = words.iter().find(|word| !word.starts_with("--"));
    let wanted = |name: &str| only.is_none_or(|only| *only == name);
    let mut report = Report::new(quick)?;
    let scale = if quick { 10 } else { 1 };
    let parts: [(&str, Part); 7] = [
        ("add", add::one_by_one),
        ("batch", add::in_batches),
        ("burn", burn::measure),
        ("steady", steady::measure),
        ("fetch", fetch::measure),
        ("limiter", limiter::measure),
        ("memory", memory::measure),
    ];
    for (_, measure) in parts.iter().filter(|(name, _)| wanted(name)) {
        measure(&mut report, scale)?;
    }
    report.finish()
}
