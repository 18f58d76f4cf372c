//! L2: values written to files, and read back after the cache was closed and opened again.
//!
//! Nobody syncs: each contender's writes are in the hands of the system when its time is taken, and would survive
//! `kill -9`, not a power cut.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eider_cache::{Level, Levels};
use foyer::{
    BlockEngineConfig, DeviceBuilder, FsDeviceBuilder, HybridCache, HybridCacheBuilder, HybridCachePolicy,
};
use rusqlite::{Connection, OptionalExtension};

use crate::ours::{Ours, Text, class, runtime, text};
use crate::report::Report;
use crate::rounds::median;

/// Callers that write at the same time.
const CALLERS: usize = 16;
const ROUNDS: usize = 3;
const CONTENDERS: [&str; 4] = ["eider", "foyer", "cacache", "sqlite"];

/// What one round of one contender came to.
struct Round {
    set_us: f64,
    /// With the files in the system's memory.
    warm_us: f64,
    /// With the system's memory of files dropped, where that is permitted.
    cold_us: Option<f64>,
    found: f64,
}

pub(crate) fn measure(report: &mut Report, scale: usize) -> anyhow::Result<()> {
    for (length, entries) in [(512, 20_000), (4 << 10, 10_000), (64 << 10, 2_000)] {
        let values: Arc<[String]> = (0..entries / scale).map(|number| text(number, length)).collect();
        let mut rounds: [Vec<Round>; 4] = std::array::from_fn(|_| Vec::new());
        for _ in 0..ROUNDS {
            for (contender, rounds) in CONTENDERS.iter().zip(&mut rounds) {
                rounds.push(round(contender, &values)?);
            }
        }
        let of = |index: usize, figure: fn(&Round) -> f64| median(rounds[index].iter().map(figure).collect());
        let promises = [
            "in files when the call returns; expiry, tags, checksums",
            "in files after a wait for each 16; checksums, no expiry",
            "in files when the call returns; checksums, no expiry, no bound",
            "one transaction each, synchronous=OFF; no checksums, no expiry",
        ];
        for (index, contender) in CONTENDERS.iter().enumerate() {
            let kept = of(index, |round| round.found) * 100.0;
            let promise = format!("{}; {kept:.1} % found again", promises[index]);
            report.row(
                format!("L2 set, {length} B"),
                contender,
                of(index, |round| round.set_us),
                "µs",
                promise,
            );
        }
        let cold = rounds.iter().flatten().all(|round| round.cold_us.is_some());
        for (index, contender) in CONTENDERS.iter().enumerate() {
            let warm = of(index, |round| round.warm_us);
            report.row(
                format!("L2 get after reopening, {length} B"),
                contender,
                warm,
                "µs",
                "files in the system's memory",
            );
            if cold {
                let cold = of(index, |round| round.cold_us.unwrap_or(f64::NAN));
                report.row(
                    format!("L2 get after reopening, {length} B"),
                    contender,
                    cold,
                    "µs",
                    "files on the disk only",
                );
            }
        }
        for (index, contender) in CONTENDERS.iter().enumerate().skip(1) {
            let ratio = |figure: fn(&Round) -> f64| of(0, figure) / of(index, figure);
            report.goal(format!("L2 set, {length} B: / {contender}"), ratio(|round| round.set_us), 1.0);
            report.goal(format!("L2 get, {length} B: / {contender}"), ratio(|round| round.warm_us), 1.0);
            if cold {
                let figure = |round: &Round| round.cold_us.unwrap_or(f64::NAN);
                report.goal(format!("L2 get from the disk, {length} B: / {contender}"), ratio(figure), 1.0);
            }
        }
    }
    Ok(())
}

fn round(contender: &str, values: &Arc<[String]>) -> anyhow::Result<Round> {
    let folder = tempfile::tempdir()?;
    match contender {
        "eider" => eider(folder.path(), values),
        "foyer" => foyer(folder.path(), values),
        "cacache" => cacache(folder.path(), values),
        _ => sqlite(folder.path(), values),
    }
}

/// Reads every value once in an order that is not the written one; returns the time of a read and the share found.
macro_rules! read_all {
    ($values:expr, $number:ident => $read:expr) => {{
        let (count, mut found) = ($values.len(), 0_usize);
        let started = Instant::now();
        for turn in 0..count {
            let $number = (turn * 7919 + 13) % count;
            let read: Option<usize> = $read;
            if let Some(length) = read {
                assert_eq!(length, $values[$number].len(), "the value that was written");
                found += 1;
            }
        }
        (started.elapsed().as_secs_f64() * 1e6 / count as f64, found as f64 / count as f64)
    }};
}

fn per_value(time: Duration, values: &[String]) -> f64 {
    time.as_secs_f64() * 1e6 / values.len() as f64
}

fn key(number: usize) -> String {
    format!("token/{number}/page")
}

fn eider(folder: &Path, values: &Arc<[String]>) -> anyhow::Result<Round> {
    let (runtime, bound) = (runtime()?, Some(1 << 30));
    let class = class(Levels::NONE.with(Level::Files).with(Level::Memory));
    let ours = runtime.block_on(Ours::open(folder, 1 << 20, bound))?;
    let region = ours.cache.region("pages")?;
    let started = Instant::now();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (region, values) = (region.clone(), Arc::clone(values));
                tokio::spawn(async move {
                    for number in (caller..values.len()).step_by(CALLERS) {
                        let value = Text(values[number].clone());
                        region.set(&key(number), value, &class, &["pages"]).await.expect("within bounds");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
    });
    let set_us = per_value(started.elapsed(), values);
    runtime.block_on(ours.close());
    let read = |dropped: bool| -> anyhow::Result<Option<(f64, f64)>> {
        if dropped && !drop_file_memory() {
            return Ok(None);
        }
        let ours = runtime.block_on(Ours::open(folder, 1 << 20, bound))?;
        let region = ours.cache.region("pages")?;
        let times = runtime.block_on(async {
            read_all!(values, number => region.get::<Text>(&key(number)).await.map(|hit| hit.value.0.len()))
        });
        runtime.block_on(ours.close());
        Ok(Some(times))
    };
    let (warm, cold) = (read(false)?.unwrap_or_default(), read(true)?);
    Ok(Round { set_us, warm_us: warm.0, cold_us: cold.map(|cold| cold.0), found: warm.1 })
}

async fn open_foyer(folder: &Path) -> anyhow::Result<HybridCache<String, String>> {
    let device = FsDeviceBuilder::new(folder).with_capacity(1 << 30).build()?;
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

fn foyer(folder: &Path, values: &Arc<[String]>) -> anyhow::Result<Round> {
    let runtime = runtime()?;
    let set_us = runtime.block_on(async {
        let cache = open_foyer(folder).await?;
        let started = Instant::now();
        for (number, value) in values.iter().enumerate() {
            cache.insert(key(number), value.clone());
            // As many may be on their way as with the others. Where nobody waits, its queue overflows and it drops
            // what it was given.
            if number % CALLERS == CALLERS - 1 {
                cache.storage().wait().await;
            }
        }
        cache.storage().wait().await;
        let time = started.elapsed();
        cache.close().await?;
        anyhow::Ok(per_value(time, values))
    })?;
    let read = |dropped: bool| -> anyhow::Result<Option<(f64, f64)>> {
        if dropped && !drop_file_memory() {
            return Ok(None);
        }
        runtime.block_on(async {
            let cache = open_foyer(folder).await?;
            let times =
                read_all!(values, number => cache.get(&key(number)).await?.map(|entry| entry.value().len()));
            cache.close().await?;
            Ok(Some(times))
        })
    };
    let (warm, cold) = (read(false)?.unwrap_or_default(), read(true)?);
    Ok(Round { set_us, warm_us: warm.0, cold_us: cold.map(|cold| cold.0), found: warm.1 })
}

fn cacache(folder: &Path, values: &Arc<[String]>) -> anyhow::Result<Round> {
    let runtime = runtime()?;
    let started = Instant::now();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (folder, values) = (folder.to_owned(), Arc::clone(values));
                tokio::spawn(async move {
                    for number in (caller..values.len()).step_by(CALLERS) {
                        cacache::write(&folder, key(number), &values[number])
                            .await
                            .expect("it can be written");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
    });
    let set_us = per_value(started.elapsed(), values);
    let read = |dropped: bool| {
        (!dropped || drop_file_memory()).then(|| {
            runtime.block_on(async {
                read_all!(values, number => cacache::read(folder, key(number)).await.ok().map(|value| value.len()))
            })
        })
    };
    let (warm, cold) = (read(false).unwrap_or_default(), read(true));
    Ok(Round { set_us, warm_us: warm.0, cold_us: cold.map(|cold| cold.0), found: warm.1 })
}

fn open_sqlite(folder: &Path) -> anyhow::Result<Connection> {
    let db = Connection::open(folder.join("values.db"))?;
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-1000;
         CREATE TABLE IF NOT EXISTS entries(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;",
    )
    .or_else(|_| {
        db.execute_batch("CREATE TABLE IF NOT EXISTS entries(key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;")
    })?;
    Ok(db)
}

fn sqlite(folder: &Path, values: &Arc<[String]>) -> anyhow::Result<Round> {
    let db = open_sqlite(folder)?;
    let started = Instant::now();
    for (number, value) in values.iter().enumerate() {
        db.prepare_cached("INSERT INTO entries(key, value) VALUES (?1, ?2)")?
            .execute((key(number), value.as_bytes()))?;
    }
    let set_us = per_value(started.elapsed(), values);
    drop(db);
    let read = |dropped: bool| -> anyhow::Result<Option<(f64, f64)>> {
        if dropped && !drop_file_memory() {
            return Ok(None);
        }
        let db = open_sqlite(folder)?;
        Ok(Some(read_all!(values, number => db
            .prepare_cached("SELECT value FROM entries WHERE key = ?1")?
            .query_row([key(number)], |row| row.get::<_, Vec<u8>>(0))
            .optional()?
            .map(|value| value.len()))))
    };
    let (warm, cold) = (read(false)?.unwrap_or_default(), read(true)?);
    Ok(Round { set_us, warm_us: warm.0, cold_us: cold.map(|cold| cold.0), found: warm.1 })
}

/// Has the system write back and forget what it holds of files; only an administrator may.
fn drop_file_memory() -> bool {
    let synced = Command::new("sync").status().is_ok_and(|status| status.success());
    synced && fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}
