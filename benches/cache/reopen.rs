//! Opening a level of a million entries after its process was killed in the middle of writing.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eider_cache::{Level, Levels};
use foyer::{
    BlockEngineConfig, DeviceBuilder, FsDeviceBuilder, HybridCache, HybridCacheBuilder, HybridCachePolicy,
};

use crate::ours::{Ours, Text, class, runtime, text};
use crate::report::Report;

const ENTRIES: usize = 1_000_000;
const VALUE: usize = 100;
/// Of the peer's entries one in so many is looked for; of ours every one.
const SAMPLE: usize = 20;
/// Values that are sent at once.
const BURST: usize = 2048;

pub(crate) fn measure(report: &mut Report, scale: usize) -> anyhow::Result<()> {
    let entries = ENTRIES / scale;
    let (eider, foyer) = (killed("eider", entries)?, killed("foyer", entries)?);
    let work = format!("reopening {entries} entries of {VALUE} B after kill -9");
    let kept = |found: f64| format!("{:.2} % of what was acknowledged is found", found * 100.0);
    report.row(&work, "eider", eider.0, "s", kept(eider.1));
    report.row(
        &work,
        "foyer",
        foyer.0,
        "s",
        kept(foyer.1) + "; a write is acknowledged before it is written",
    );
    report.goal(format!("{work}: seconds"), eider.0, 1.0);
    report.goal(format!("{work}: / foyer"), eider.0 / foyer.0, 1.0);
    report.goal(format!("{work}: share lost of what was acknowledged"), 1.0 - eider.1, 0.0);
    Ok(())
}

/// Has a child write, kills it, and opens what it left: seconds to open, and the share that is found.
fn killed(contender: &str, entries: usize) -> anyhow::Result<(f64, f64)> {
    let folder = tempfile::tempdir()?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--write", contender])
        .arg(folder.path())
        .arg(entries.to_string())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line)?;
    anyhow::ensure!(line == "acknowledged\n", "the child said {line:?}");
    // It goes on writing further entries until then.
    std::thread::sleep(Duration::from_millis(20));
    child.kill()?;
    child.wait()?;
    let runtime = runtime()?;
    runtime.block_on(async {
        if contender == "eider" {
            let started = Instant::now();
            let ours = open_eider(folder.path()).await?;
            let took = started.elapsed().as_secs_f64();
            let region = ours.cache.region("entries")?;
            let mut found = 0;
            for number in 0..entries {
                let hit = region.get::<Text>(&number.to_string()).await;
                found += usize::from(hit.is_some_and(|hit| hit.value.0 == text(number, VALUE)));
            }
            ours.close().await;
            return Ok((took, found as f64 / entries as f64));
        }
        let started = Instant::now();
        let cache = open_foyer(folder.path()).await?;
        let took = started.elapsed().as_secs_f64();
        let mut found = 0;
        // A read of its files takes long; a sample tells enough.
        for number in (0..entries).step_by(SAMPLE) {
            let entry = cache.get(&number.to_string()).await?;
            found += usize::from(entry.is_some_and(|entry| *entry.value() == text(number, VALUE)));
        }
        cache.close().await?;
        Ok((took, found as f64 / entries.div_ceil(SAMPLE) as f64))
    })
}

async fn open_eider(folder: &Path) -> anyhow::Result<Ours> {
    Ours::open(folder, 1 << 20, Some(2 << 30)).await
}

async fn open_foyer(folder: &Path) -> anyhow::Result<HybridCache<String, String>> {
    let device = FsDeviceBuilder::new(folder).with_capacity(2 << 30).build()?;
    let engine = BlockEngineConfig::new(device).with_block_size(16 << 20).with_buffer_pool_size(64 << 20);
    Ok(HybridCacheBuilder::new()
        .with_policy(HybridCachePolicy::WriteOnInsertion)
        .memory(1 << 20)
        .with_weighter(|key: &String, value: &String| key.len() + value.len())
        .storage()
        .with_engine_config(engine)
        .build()
        .await?)
}

/// The child: writes so many entries, says so, and goes on with others until it is killed.
pub(crate) fn write(contender: &str, folder: &str, entries: usize) -> anyhow::Result<()> {
    let runtime = runtime()?;
    runtime.block_on(async {
        if contender == "eider" {
            let ours = open_eider(Path::new(folder)).await?;
            let region = Arc::new(ours.cache.region("entries")?);
            let class = class(Levels::NONE.with(Level::Files).with(Level::Memory));
            let mut number = 0;
            loop {
                let burst: Vec<_> = (number..number + BURST)
                    .map(|number| {
                        let region = Arc::clone(&region);
                        tokio::spawn(async move {
                            let value = Text(text(number, VALUE));
                            region.set(&number.to_string(), value, &class, &["entries"]).await
                        })
                    })
                    .collect();
                for set in burst {
                    set.await??;
                }
                let before = number;
                number += BURST;
                if before < entries && number >= entries {
                    println!("acknowledged");
                }
            }
        }
        let cache = open_foyer(Path::new(folder)).await?;
        let mut number = 0;
        loop {
            for number in number..number + BURST {
                cache.insert(number.to_string(), text(number, VALUE));
            }
            cache.storage().wait().await;
            let before = number;
            number += BURST;
            if before < entries && number >= entries {
                println!("acknowledged");
            }
        }
    })
}
