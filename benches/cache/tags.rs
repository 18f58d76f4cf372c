//! Invalidating a tag costs one mark, however many entries carry it.

use std::time::Instant;

use eider_cache::Levels;

use crate::ours::{Ours, Text, class, runtime};
use crate::report::Report;
use crate::rounds::median;

const ROUNDS: usize = 101;

pub(crate) fn measure(report: &mut Report, scale: usize) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let folder = tempfile::tempdir()?;
    let ours = runtime.block_on(Ours::open(folder.path(), 4 << 30, None))?;
    let region = ours.cache.region("tags")?;
    let class = class(Levels::MEMORY);
    let sizes = [1, 1000, 1_000_000 / scale];
    let mut times: [Vec<f64>; 3] = std::array::from_fn(|_| Vec::new());
    runtime.block_on(async {
        for (which, size) in sizes.into_iter().enumerate() {
            for number in 0..size {
                let tag = format!("tag-{which}");
                region.set(&format!("{which}/{number}"), Text("x".into()), &class, &[&tag]).await?;
            }
        }
        for _ in 0..ROUNDS {
            for (which, times) in times.iter_mut().enumerate() {
                let started = Instant::now();
                ours.cache.invalidate_tag(&format!("tag-{which}")).await?;
                times.push(started.elapsed().as_secs_f64() * 1e6);
                assert!(region.get::<Text>(&format!("{which}/0")).await.is_none(), "it is invalid at once");
            }
        }
        anyhow::Ok(())
    })?;
    let times = times.map(median);
    for (size, time) in sizes.into_iter().zip(times) {
        let promise = "durable against kill -9 when it returns; holds at every level and in flight";
        report.row(format!("invalidating a tag of {size} entries"), "eider", time, "µs", promise);
    }
    report.goal("invalidating a tag of the most entries: / of one", times[2] / times[0], 1.5);
    runtime.block_on(ours.close());
    Ok(())
}
