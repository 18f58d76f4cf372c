//! A hit in memory: the whole hierarchy with tags, region and figures, beside bare maps with eviction.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use eider_cache::Levels;

use crate::ours::{Ours, Text, class, runtime, text};
use crate::report::Report;
use crate::rounds::{medians, timed};

const KEYS: usize = 10_000;
const ROUNDS: usize = 15;

pub(crate) fn measure(report: &mut Report, scale: usize) -> anyhow::Result<()> {
    let operations = 1_000_000 / scale;
    for threads in [1, 2] {
        let [get, compute, moka, foyer, quick] = contend(threads, operations)?;
        let work = format!("hit in memory, {threads} thread(s)");
        let ours = "region, tags, both clocks, time to live, counters";
        report.row(&work, "eider get", get, "ns", ours);
        report.row(&work, "eider get_or_compute", compute, "ns", ours);
        report.row(&work, "moka get", moka, "ns", "no expiry set");
        report.row(&work, "foyer get", foyer, "ns", "no expiry");
        report.row(&work, "quick_cache get", quick, "ns", "no expiry");
        report.goal(format!("{work}: get / moka"), get / moka, 1.5);
        report.goal(format!("{work}: get_or_compute / moka"), compute / moka, 1.5);
        report.goal(format!("{work}: get / foyer"), get / foyer, 1.0);
        report.goal(format!("{work}: get_or_compute / foyer"), compute / foyer, 1.0);
    }
    Ok(())
}

fn contend(threads: usize, operations: usize) -> anyhow::Result<[f64; 5]> {
    let (runtime, folder) = (runtime()?, tempfile::tempdir()?);
    let keys: Arc<[String]> = (0..KEYS).map(|number| format!("token/{number}/price")).collect();
    let class = class(Levels::MEMORY);
    let ours = runtime.block_on(Ours::open(folder.path(), 256 << 20, None))?;
    let region = ours.cache.region("prices")?;
    let moka: moka::sync::Cache<String, Arc<Text>> = moka::sync::Cache::new(10 * KEYS as u64);
    let foyer: foyer::Cache<String, Arc<Text>> = foyer::CacheBuilder::new(10 * KEYS).build();
    let quick: quick_cache::sync::Cache<String, Arc<Text>> = quick_cache::sync::Cache::new(10 * KEYS);
    for (number, key) in keys.iter().enumerate() {
        let value = Arc::new(Text(text(number, 100)));
        runtime.block_on(region.set(key, (*value).clone(), &class, &["coingecko", "prices"]))?;
        moka.insert(key.clone(), Arc::clone(&value));
        foyer.insert(key.clone(), Arc::clone(&value));
        quick.insert(key.clone(), value);
    }
    moka.run_pending_tasks();
    let each = operations / threads;
    let key = |turn: usize, start: usize| &keys[(start + turn * 7919) % KEYS];
    // Our calls are futures that are ready at once; they run inside the runtime, as they do in the program.
    let in_runtime = |start: usize, compute: bool| {
        runtime.block_on(async {
            for turn in 0..each {
                let key = key(turn, start);
                let hit = if compute {
                    let value = || async { Ok::<_, Infallible>(Text(String::new())) };
                    region.get_or_compute(key, &class, &["coingecko", "prices"], value).await.ok()
                } else {
                    region.get::<Text>(key).await
                };
                black_box(hit.expect("it was set"));
            }
        });
    };
    let on_threads = |work: &(dyn Fn(usize) + Sync)| -> Duration {
        timed(|| {
            std::thread::scope(|scope| {
                (0..threads).for_each(|thread| {
                    scope.spawn(move || work(thread * 3571));
                });
            });
        })
    };
    let figures = medians(
        ROUNDS,
        each,
        [
            &mut || on_threads(&|start| in_runtime(start, false)),
            &mut || on_threads(&|start| in_runtime(start, true)),
            &mut || {
                on_threads(&|start| {
                    (0..each)
                        .for_each(|turn| drop(black_box(moka.get(key(turn, start)).expect("it was set"))));
                })
            },
            &mut || {
                on_threads(&|start| {
                    (0..each).for_each(|turn| {
                        drop(black_box(foyer.get(key(turn, start)).expect("it was set").value().clone()));
                    });
                })
            },
            &mut || {
                on_threads(&|start| {
                    (0..each)
                        .for_each(|turn| drop(black_box(quick.get(key(turn, start)).expect("it was set"))));
                })
            },
        ],
    );
    runtime.block_on(ours.close());
    Ok(figures)
}
