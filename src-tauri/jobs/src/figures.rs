//! How a queue fares: waits, run times, throughput, and its depth over the last ten minutes.

use std::collections::VecDeque;

use hdrhistogram::Histogram;

/// Longer times count as this.
const LONGEST_US: u64 = 24 * 3600 * 1_000_000;
/// After so long the older half of the times is forgotten.
const HALF_MS: i64 = 600_000;
/// Samples of the depth that are kept.
const DEPTHS: usize = 60;

/// Times of the last ten to twenty minutes.
pub(crate) struct Times {
    halves: [Histogram<u64>; 2],
    since_ms: i64,
}

impl Default for Times {
    fn default() -> Self {
        // Two digits of the largest value take some 20 KiB.
        let empty = || Histogram::new_with_bounds(1, LONGEST_US, 2).expect("the bounds are in order");
        Self { halves: [empty(), empty()], since_ms: i64::MIN }
    }
}

/// Three points of a distribution, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantiles {
    /// Half of the times are shorter.
    pub p50_ms: f64,
    /// 95 of 100 are shorter.
    pub p95_ms: f64,
    /// 99 of 100 are shorter.
    pub p99_ms: f64,
}

impl Times {
    pub(crate) fn add(&mut self, us: u64, now_ms: i64) {
        // A clock that was set back begins a half too.
        if now_ms.abs_diff(self.since_ms) >= HALF_MS as u64 {
            self.halves.swap(0, 1);
            self.halves[0].reset();
            self.since_ms = now_ms;
        }
        self.halves[0].saturating_record(us.max(1));
    }

    pub(crate) fn quantiles(&self) -> Option<Quantiles> {
        let mut all = self.halves[0].clone();
        // Both have the same bounds, so nothing can be out of them.
        let _ = all.add(&self.halves[1]);
        let at = |quantile| all.value_at_quantile(quantile) as f64 / 1000.0;
        (!all.is_empty()).then(|| Quantiles { p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99) })
    }
}

/// The figures of one queue.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) waits: Times,
    pub(crate) runs: Times,
    /// Ended jobs by second, the newest last.
    ended: VecDeque<(i64, u64)>,
    depth: VecDeque<u64>,
    /// Handlers that were told to end and have not.
    pub(crate) stuck: u32,
}

impl Figures {
    pub(crate) fn ended(&mut self, run_us: u64, now_ms: i64) {
        self.runs.add(run_us, now_ms);
        let second = now_ms / 1000;
        match self.ended.back_mut() {
            Some((at, jobs)) if *at == second => *jobs += 1,
            _ => self.ended.push_back((second, 1)),
        }
        self.forget(second);
    }

    fn forget(&mut self, second: i64) {
        // Those from the future are left by a clock that was set back.
        self.ended.retain(|(at, _)| (second - 60..=second).contains(at));
    }

    pub(crate) fn per_minute(&self, now_ms: i64) -> u64 {
        let second = now_ms / 1000;
        self.ended.iter().filter(|(at, _)| (second - 60..second).contains(at)).map(|(_, jobs)| jobs).sum()
    }

    pub(crate) fn sample_depth(&mut self, waiting: u64) {
        if self.depth.len() == DEPTHS {
            self.depth.pop_front();
        }
        self.depth.push_back(waiting);
    }

    pub(crate) fn depth(&self) -> Vec<u64> {
        self.depth.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn times_are_forgotten_after_twenty_minutes_at_the_latest() {
        let mut times = Times::default();
        times.add(5_000_000, 0);
        times.add(1000, HALF_MS);
        assert!(times.quantiles().unwrap().p99_ms > 4900.0);
        times.add(1000, 2 * HALF_MS);
        let left = times.quantiles().unwrap();
        assert!((0.99..1.02).contains(&left.p99_ms), "{left:?}");
        assert_eq!(Times::default().quantiles(), None);
    }

    #[test]
    fn throughput_is_that_of_the_last_whole_minute() {
        let mut figures = Figures::default();
        for second in 0..120 {
            figures.ended(1, second * 1000);
        }
        assert_eq!(figures.per_minute(120_000), 60);
        assert_eq!(figures.per_minute(1_000_000), 0);
    }
}
