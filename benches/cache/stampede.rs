//! Many callers want the same missing keys at once.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use eider_cache::Levels;

use crate::ours::{Ours, Text, class, runtime};
use crate::report::Report;
use crate::rounds::{median, timed};

const KEYS: usize = 100;
const COMPUTING: Duration = Duration::from_millis(100);

pub(crate) fn measure(report: &mut Report, scale: usize) -> anyhow::Result<()> {
    let rounds = 10.min(30 / scale);
    for callers in [10, 100] {
        let (runtime, folder) = (runtime()?, tempfile::tempdir()?);
        let ours = runtime.block_on(Ours::open(folder.path(), 64 << 20, None))?;
        let region = ours.cache.region("stampede")?;
        let moka: moka::future::Cache<String, Arc<Text>> = moka::future::Cache::new(100_000);
        let computed = [Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0))];
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..rounds {
            let calls =
                |_: usize| (0..KEYS).flat_map(move |key| (0..callers).map(move |_| format!("{round}/{key}")));
            times[0].push(ms(timed(|| {
                runtime.block_on(async {
                    let tasks: Vec<_> = calls(0)
                        .map(|key| {
                            let (region, count) = (region.clone(), Arc::clone(&computed[0]));
                            tokio::spawn(async move {
                                let compute = move || async move {
                                    count.fetch_add(1, Ordering::Relaxed);
                                    tokio::time::sleep(COMPUTING).await;
                                    Ok::<_, Infallible>(Text("value".into()))
                                };
                                let class = class(Levels::MEMORY);
                                region.get_or_compute(&key, &class, &["stampede"], compute).await.is_ok()
                            })
                        })
                        .collect();
                    for task in tasks {
                        assert!(task.await.expect("no panic"), "every caller is answered");
                    }
                });
            })));
            times[1].push(ms(timed(|| {
                runtime.block_on(async {
                    let tasks: Vec<_> = calls(0)
                        .map(|key| {
                            let (moka, count) = (moka.clone(), Arc::clone(&computed[1]));
                            tokio::spawn(async move {
                                let compute = async move {
                                    count.fetch_add(1, Ordering::Relaxed);
                                    tokio::time::sleep(COMPUTING).await;
                                    Ok::<_, Infallible>(Arc::new(Text("value".into())))
                                };
                                moka.try_get_with(key, compute).await.is_ok()
                            })
                        })
                        .collect();
                    for task in tasks {
                        assert!(task.await.expect("no panic"), "every caller is answered");
                    }
                });
            })));
        }
        let [ours_ms, moka_ms] = times.map(median);
        let per = computed.map(|count| count.load(Ordering::Relaxed) as f64 / (rounds * KEYS) as f64);
        let work = format!("stampede, {KEYS} keys × {callers} callers, 100 ms each");
        let promise = |per: f64| format!("{per:.3} computations a key and round");
        let survives = "; a dropped caller, a panic and a hang harm nobody else";
        report.row(&work, "eider get_or_compute", ours_ms, "ms", promise(per[0]) + survives);
        report.row(
            &work,
            "moka try_get_with",
            moka_ms,
            "ms",
            promise(per[1]) + "; a dropped leader is replaced",
        );
        report.goal(format!("{work}: time / moka"), ours_ms / moka_ms, 1.1);
        report.goal(format!("{work}: computations a key and round"), per[0], 1.0);
        runtime.block_on(ours.close());
    }
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
