//! A Brownian path with bursts, evaluated at any instant.

use super::noise::{gauss, hash};

/// The largest interval: 2³⁴ ms, 199 days. Its ends are independent of each other, so that no path strays for
/// ever: a price keeps its order of magnitude.
const TOP_BITS: u32 = 34;
/// The smallest interval: 4,096 ms. Within it the path is straight.
const FINEST_BITS: u32 = 12;
/// Intervals from 2³⁰ ms (12 days) down to 2²² ms (70 minutes) pass a burst on to all that lies within them.
const BURST_BITS: std::ops::RangeInclusive<u32> = 22..=30;
/// How strongly one such interval is calmer or wilder than the one around it.
const BURST: f64 = 0.22;
const DAY_MS: f64 = 86_400_000.0;

/// A path whose increments over one day have, on the whole, variance 1.
///
/// This is Lévy's construction: the middle of an interval is the mean of its ends plus a normal number whose
/// variance is a quarter of the interval's length. The bursts are a cascade: each interval multiplies the
/// volatility of everything within it by a number of mean square 1, so that wild hours cluster in wild weeks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path {
    key: u64,
}

/// The path at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) value: f64,
    /// The volatility around the instant; 1 on the whole.
    pub(super) volatility: f64,
}

impl Path {
    pub(super) const fn new(key: u64) -> Self {
        Self { key }
    }

    /// The path at a time in Unix milliseconds: a couple of hashes for each of 22 levels.
    pub(super) fn at(self, at_ms: i64) -> Place {
        let mut index = at_ms >> TOP_BITS;
        let (mut left, mut right) = (self.anchor(index), self.anchor(index + 1));
        let mut start = index << TOP_BITS;
        let mut volatility = 1.0;
        for bits in (FINEST_BITS..TOP_BITS).rev() {
            // The interval of length 2^(bits+1) at `index` is halved.
            if BURST_BITS.contains(&(bits + 1)) {
                volatility *= self.burst(bits + 1, index);
            }
            let quarter_days = (1_u64 << (bits + 1)) as f64 / DAY_MS / 4.0;
            let shift = gauss(hash(self.key, bits, index)) * libm::sqrt(quarter_days) * volatility;
            let middle = (left + right) / 2.0 + shift;
            let middle_ms = start + (1_i64 << bits);
            if at_ms < middle_ms {
                right = middle;
                index *= 2;
            } else {
                left = middle;
                start = middle_ms;
                index = index * 2 + 1;
            }
        }
        let part = (at_ms - start) as f64 / (1_i64 << FINEST_BITS) as f64;
        Place { value: left + (right - left) * part, volatility }
    }

    /// Independent ends, spread so that an increment over the largest interval has the variance of its length.
    fn anchor(self, index: i64) -> f64 {
        let days = (1_u64 << TOP_BITS) as f64 / DAY_MS;
        gauss(hash(self.key, 63, index)) * libm::sqrt(days / 2.0)
    }

    fn burst(self, bits: u32, index: i64) -> f64 {
        // exp(σg − σ²) has mean square 1 for a normal g.
        libm::exp(BURST * gauss(hash(self.key, 100 + bits, index)) - BURST * BURST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: i64 = 1_750_000_000_000;

    fn increments(path: Path, step_ms: i64, count: i64) -> Vec<f64> {
        let values: Vec<f64> = (0..=count).map(|i| path.at(T0 + i * step_ms).value).collect();
        values.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    fn mean_square(numbers: &[f64]) -> f64 {
        numbers.iter().map(|x| x * x).sum::<f64>() / numbers.len() as f64
    }

    #[test]
    fn the_path_spreads_as_the_square_root_of_time_at_every_scale() {
        for (step_ms, days) in [(60_000, 1.0 / 1440.0), (3_600_000, 1.0 / 24.0), (86_400_000, 1.0)] {
            let squares: Vec<f64> =
                (0..40).map(|key| mean_square(&increments(Path::new(key), step_ms, 300)) / days).collect();
            let mean = squares.iter().sum::<f64>() / squares.len() as f64;
            assert!((0.6..1.5).contains(&mean), "step {step_ms}: {mean}");
        }
    }

    #[test]
    fn the_path_has_no_jump_at_the_edge_of_an_interval() {
        for bits in FINEST_BITS..=TOP_BITS {
            let edge = ((T0 >> bits) + 1) << bits;
            let (before, after) = (Path::new(5).at(edge - 1).value, Path::new(5).at(edge).value);
            assert!((before - after).abs() < 1e-3, "{bits}: {before} {after}");
        }
    }

    #[test]
    fn wild_hours_cluster() {
        let squares: Vec<f64> =
            (0..20).flat_map(|key| increments(Path::new(key), 3_600_000, 1000)).map(|x| x.abs()).collect();
        let mean = squares.iter().sum::<f64>() / squares.len() as f64;
        let lagged: f64 = squares.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
        let own: f64 = squares.iter().map(|x| (x - mean).powi(2)).sum();
        assert!(lagged / own > 0.05, "absolute hourly moves are correlated: {}", lagged / own);
    }

    #[test]
    fn times_before_1970_are_no_different() {
        let place = Path::new(1).at(-123_456_789);
        assert!(place.value.is_finite() && place.volatility > 0.0);
    }
}
