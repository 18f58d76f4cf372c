//! Contenders in turns.

use std::time::{Duration, Instant};

/// The median time of one operation in nanoseconds for each contender; each `run` does `operations` of them.
pub(crate) fn medians<const N: usize>(
    rounds: usize,
    operations: usize,
    mut runs: [&mut dyn FnMut() -> Duration; N],
) -> [f64; N] {
    let mut times: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..rounds {
        for (run, times) in runs.iter_mut().zip(&mut times) {
            times.push(run().as_nanos() as f64 / operations as f64);
        }
    }
    times.map(median)
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub(crate) fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}
