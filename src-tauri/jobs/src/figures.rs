//! How a queue fares: waits, run times, throughput, and its depth over the last ten minutes.

use std::collections::VecDeque;

use hdrhistogram::Histogram;

/// Longer times count as this.
const LONGEST_US: u64 = 24 * 3600 * 1_000_000;
/// After so long the older half of the times is forgotten.
const HALF_MS: i64 = 600_000;
/// Samples of the depth that are kept.
const DEPTHS: usize = 60;

/// What was gathered in the last ten to twenty minutes.
#[derive(Default)]
struct Halves<T> {
    newer: T,
    older: T,
    since_ms: Option<i64>,
}

impl<T: Default> Halves<T> {
    fn turn(&mut self, now_ms: i64) -> &mut Self {
        let since_ms = *self.since_ms.get_or_insert(now_ms);
        let age_ms = now_ms.saturating_sub(since_ms);
        if age_ms >= 2 * HALF_MS {
            *self = Self { since_ms: Some(now_ms), ..Self::default() };
        } else if age_ms >= HALF_MS {
            self.begin(since_ms + HALF_MS);
        } else if age_ms <= -HALF_MS {
            // The clock was set back.
            self.begin(now_ms);
        }
        self
    }

    fn begin(&mut self, since_ms: i64) {
        self.older = std::mem::take(&mut self.newer);
        self.since_ms = Some(since_ms);
    }
}

/// Times of the last ten to twenty minutes.
#[derive(Default)]
pub(crate) struct Times {
    halves: Halves<Hdr>,
    /// Their quantiles, and since when the newer half was gathered; until another time comes.
    known: Option<(Option<i64>, Option<Quantiles>)>,
}

struct Hdr(Histogram<u64>);

impl Default for Hdr {
    fn default() -> Self {
        // Two digits of the largest value take some 20 KiB.
        Self(Histogram::new_with_bounds(1, LONGEST_US, 2).expect("the bounds are in order"))
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
        self.halves.turn(now_ms).newer.0.saturating_record(us.max(1));
        self.known = None;
    }

    pub(crate) fn quantiles(&mut self, now_ms: i64) -> Option<Quantiles> {
        let halves = self.halves.turn(now_ms);
        if let Some((since_ms, quantiles)) = self.known
            && since_ms == halves.since_ms
        {
            return quantiles;
        }
        let mut all = halves.newer.0.clone();
        // Both have the same bounds, so nothing can be out of them.
        let _ = all.add(&halves.older.0);
        let at = |quantile| all.value_at_quantile(quantile) as f64 / 1000.0;
        let quantiles =
            (!all.is_empty()).then(|| Quantiles { p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99) });
        self.known = Some((halves.since_ms, quantiles));
        quantiles
    }
}

/// Jobs that ended since the start of the process; it only grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    /// Those that ended well.
    pub done: u64,
    /// Those that failed or were cancelled while they ran.
    pub otherwise: u64,
}

#[derive(Default)]
struct Ends {
    all: u64,
    well: u64,
}

/// The figures of one queue.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) waits: Times,
    pub(crate) runs: Times,
    /// Ended jobs by second, the newest last.
    ended: VecDeque<(i64, u64)>,
    ends: Halves<Ends>,
    depth: VecDeque<u64>,
    /// Since the start of the process.
    pub(crate) total: Total,
    /// Handlers that were told to end and have not.
    pub(crate) stuck: u32,
}

impl Figures {
    pub(crate) fn ended(&mut self, well: bool, run_us: u64, now_ms: i64) {
        self.runs.add(run_us, now_ms);
        let ends = &mut self.ends.turn(now_ms).newer;
        (ends.all, ends.well) = (ends.all + 1, ends.well + u64::from(well));
        let total = &mut self.total;
        *(if well { &mut total.done } else { &mut total.otherwise }) += 1;
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

    /// Which share of the jobs that ended in the last ten to twenty minutes ended well.
    pub(crate) fn completion_rate(&mut self, now_ms: i64) -> Option<f64> {
        let Halves { newer, older, .. } = self.ends.turn(now_ms);
        let (all, well) = (newer.all + older.all, newer.well + older.well);
        (all > 0).then(|| well as f64 / all as f64)
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
        assert!(times.quantiles(2 * HALF_MS - 1).unwrap().p99_ms > 4900.0);
        let left = times.quantiles(2 * HALF_MS).unwrap();
        assert!((0.99..1.02).contains(&left.p99_ms), "{left:?}");
        assert_eq!(times.quantiles(4 * HALF_MS), None, "also where nothing came since");
    }

    #[test]
    fn a_clock_that_is_set_back_forgets_nothing_at_once() {
        let mut times = Times::default();
        times.add(1000, 100 * HALF_MS);
        assert!(times.quantiles(0).is_some());
        assert!(times.quantiles(HALF_MS - 1).is_some());
        assert_eq!(times.quantiles(HALF_MS), None);
    }

    #[test]
    fn the_completion_rate_is_that_of_the_last_minutes() {
        let mut figures = Figures::default();
        assert_eq!(figures.completion_rate(0), None);
        for n in 0..4 {
            figures.ended(n < 3, 1, 0);
        }
        assert_eq!(figures.completion_rate(HALF_MS), Some(0.75));
        figures.ended(false, 1, HALF_MS);
        assert_eq!(figures.completion_rate(2 * HALF_MS), Some(0.0));
        assert_eq!(figures.completion_rate(4 * HALF_MS), None);
    }

    #[test]
    fn throughput_is_that_of_the_last_whole_minute() {
        let mut figures = Figures::default();
        for second in 0..120 {
            figures.ended(true, 1, second * 1000);
        }
        assert_eq!(figures.per_minute(120_000), 60);
        assert_eq!(figures.per_minute(1_000_000), 0);
    }
}
