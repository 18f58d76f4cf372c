//! Which share of requests is answered where memory holds one of a hundred keys.

use std::num::NonZeroUsize;

use eider_cache::Levels;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::ours::{Ours, Text, class, runtime};
use crate::report::Report;

const KEYS: usize = 100_000;
const HELD: usize = KEYS / 100;

pub(crate) fn measure(report: &mut Report, scale: usize) -> anyhow::Result<()> {
    let requests = 400_000 / scale;
    for skew in [0.9, 1.0, 1.1] {
        let drawn = draw(skew, requests);
        let [eider, moka, lru] = [eider(&drawn)?, moka(&drawn), lru(&drawn)];
        let work = format!("hit rate, Zipf {skew}, room for 1 % of the keys");
        report.row(&work, "eider", eider * 100.0, "%", "bounded in bytes");
        report.row(&work, "moka", moka * 100.0, "%", "bounded in entries");
        report.row(&work, "lru", lru * 100.0, "%", "bounded in entries");
        // Half a point: the two count their room in different units.
        report.goal(format!("{work}: points behind moka"), (moka - eider) * 100.0, 0.5);
    }
    Ok(())
}

fn draw(skew: f64, requests: usize) -> Vec<u32> {
    let mut sum = 0.0;
    let cumulated: Vec<f64> = (1..=KEYS)
        .map(|rank| {
            sum += 1.0 / (rank as f64).powf(skew);
            sum
        })
        .collect();
    let mut random = SmallRng::seed_from_u64(7);
    let mut one = || {
        let point = random.random::<f64>() * sum;
        cumulated.partition_point(|upto| *upto < point) as u32
    };
    (0..requests).map(|_| one()).collect()
}

fn eider(drawn: &[u32]) -> anyhow::Result<f64> {
    let (runtime, class) = (runtime()?, class(Levels::MEMORY));
    let key = |number: u32| format!("{number:06}");
    let value = || Text("0123456789".into());
    runtime.block_on(async {
        // What the bound counts for as many entries as the others may hold.
        let folder = tempfile::tempdir()?;
        let roomy = Ours::open(folder.path(), 1 << 30, None).await?;
        let region = roomy.cache.region("zipf")?;
        for number in 0..HELD as u32 {
            region.set(&key(number), value(), &class, &[]).await?;
        }
        let room = roomy.memory_bytes();
        roomy.close().await;
        let folder = tempfile::tempdir()?;
        let ours = Ours::open(folder.path(), room, None).await?;
        let region = ours.cache.region("zipf")?;
        let mut hits = 0_usize;
        for number in drawn {
            let key = key(*number);
            if region.get::<Text>(&key).await.is_some() {
                hits += 1;
            } else {
                region.set(&key, value(), &class, &[]).await?;
            }
        }
        ours.close().await;
        Ok(hits as f64 / drawn.len() as f64)
    })
}

fn moka(drawn: &[u32]) -> f64 {
    let cache: moka::sync::Cache<u32, ()> = moka::sync::Cache::new(HELD as u64);
    share(drawn, |number| {
        let hit = cache.get(&number).is_some();
        if !hit {
            cache.insert(number, ());
        }
        hit
    })
}

fn lru(drawn: &[u32]) -> f64 {
    let mut cache = lru::LruCache::new(NonZeroUsize::new(HELD).expect("it is positive"));
    share(drawn, |number| {
        let hit = cache.get(&number).is_some();
        if !hit {
            cache.put(number, ());
        }
        hit
    })
}

fn share(drawn: &[u32], mut is_hit: impl FnMut(u32) -> bool) -> f64 {
    drawn.iter().filter(|number| is_hit(**number)).count() as f64 / drawn.len() as f64
}
