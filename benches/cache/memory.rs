//! What an entry costs in memory beside its payload, in a process of its own for each contender.

use std::process::Command;
use std::sync::Arc;

use anyhow::Context;
use eider_cache::Levels;

use crate::ours::{Ours, Text, class, runtime, text};
use crate::report::Report;

const ENTRIES: usize = 1_000_000;
const VALUE: usize = 100;

pub(crate) fn measure(report: &mut Report, _scale: usize) -> anyhow::Result<()> {
    for (contender, holds) in [
        ("eider", "keys, values, tags, times, validator"),
        ("moka", "keys and values"),
        ("foyer", "keys and values"),
    ] {
        let out = Command::new(std::env::current_exe()?).args(["--hold", contender]).output()?;
        anyhow::ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let said = String::from_utf8(out.stdout)?;
        let mut numbers = said.split_whitespace().map(str::parse::<f64>);
        let mut next =
            || numbers.next().context("two numbers were expected")?.context("a number was expected");
        let (bytes, counted): (f64, f64) = (next()?, next()?);
        let counted =
            if counted > 0.0 { format!("; the bound counts {counted:.0} B for it") } else { String::new() };
        let promise = format!("{holds}; resident memory{counted}");
        report.row(
            format!("memory an entry over {VALUE} B of payload"),
            contender,
            bytes - VALUE as f64,
            "B",
            promise,
        );
    }
    Ok(())
}

/// The child: holds a million entries, and prints what one takes and what the bound counts for it.
pub(crate) fn hold(contender: &str) -> anyhow::Result<()> {
    let key = |number: usize| format!("token/{number:07}/price");
    let value = |number| Arc::new(Text(text(number, VALUE)));
    let runtime = runtime()?;
    let folder = tempfile::tempdir()?;
    let before;
    let mut counted = 0;
    match contender {
        "eider" => {
            let ours = runtime.block_on(Ours::open(folder.path(), 8 << 30, None))?;
            before = resident()?;
            let region = ours.cache.region("prices")?;
            runtime.block_on(async {
                for number in 0..ENTRIES {
                    region
                        .set(&key(number), Text(text(number, VALUE)), &class(Levels::MEMORY), &["prices"])
                        .await?;
                }
                anyhow::Ok(())
            })?;
            counted = ours.memory_bytes() / ENTRIES as u64;
            say(before, counted)?;
            runtime.block_on(ours.close());
            return Ok(());
        }
        "moka" => {
            let cache = moka::sync::Cache::new(2 * ENTRIES as u64);
            before = resident()?;
            (0..ENTRIES).for_each(|number| cache.insert(key(number), value(number)));
            cache.run_pending_tasks();
            say(before, counted)?;
        }
        "foyer" => {
            let cache: foyer::Cache<String, Arc<Text>> = foyer::CacheBuilder::new(2 * ENTRIES).build();
            before = resident()?;
            for number in 0..ENTRIES {
                cache.insert(key(number), value(number));
            }
            say(before, counted)?;
        }
        other => anyhow::bail!("there is no contender {other:?}"),
    }
    Ok(())
}

fn say(before: usize, counted: u64) -> anyhow::Result<()> {
    println!("{} {counted}", resident()?.saturating_sub(before) / ENTRIES);
    Ok(())
}

/// Resident memory of this process in bytes.
fn resident() -> anyhow::Result<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let pages: usize = pages.split_whitespace().nth(1).context("statm has two numbers")?.parse()?;
    Ok(pages * rustix::param::page_size())
}
