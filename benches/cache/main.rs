//! The cache beside moka, foyer, quick_cache, cacache and SQLite, in one run.
//!
//! Contenders take turns in rounds, so that what else the machine does hits them alike; figures are medians of the
//! rounds, and what counts are the ratios. `--quick` does a tenth of the work.

mod disk;
mod hit;
mod memory;
mod ours;
mod reopen;
mod report;
mod rounds;
mod stampede;
mod tags;
mod zipf;

use crate::report::Report;

/// One group of figures; a larger number does less work.
type Part = fn(&mut Report, usize) -> anyhow::Result<()>;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--hold", contender] => return memory::hold(contender),
        ["--write", contender, folder, entries] => return reopen::write(contender, folder, entries.parse()?),
        _ => {}
    }
    let quick = words.contains(&"--quick");
    let only = words.iter().find(|word| !word.starts_with("--"));
    let wanted = |name: &str| only.is_none_or(|only| *only == name);
    let mut report = Report::new(quick);
    let scale = if quick { 10 } else { 1 };
    let parts: [(&str, Part); 7] = [
        ("hit", hit::measure),
        ("stampede", stampede::measure),
        ("disk", disk::measure),
        ("reopen", reopen::measure),
        ("tags", tags::measure),
        ("zipf", zipf::measure),
        ("memory", memory::measure),
    ];
    for (_, measure) in parts.iter().filter(|(name, _)| wanted(name)) {
        measure(&mut report, scale)?;
    }
    report.finish()
}
