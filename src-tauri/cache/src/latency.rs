//! How long calls took: fixed buckets, four to each doubling, so that a quantile is off by at most 19 %.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Two to the 40th nanoseconds, some 18 minutes, and whatever takes longer.
const BUCKETS: usize = 40 * 4;

/// A histogram that any thread may add to.
pub(crate) struct Latency([AtomicU64; BUCKETS]);

impl Default for Latency {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }
}

fn bucket_of(nanos: u64) -> usize {
    let nanos = nanos.max(4);
    let doubling = nanos.ilog2() as usize;
    let quarter = (nanos >> (doubling - 2)) as usize & 3;
    (doubling * 4 + quarter).min(BUCKETS - 1)
}

/// The middle of a bucket.
fn nanos_of(bucket: usize) -> u64 {
    let (doubling, quarter) = (bucket / 4, bucket as u64 % 4);
    let width = 1u64 << doubling.saturating_sub(2);
    (4 + quarter) * width + width / 2
}

/// Quantiles of a level's calls since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LatencyStats {
    /// Calls that were timed; of the hits in memory only one in 256 is.
    pub count: u64,
    /// Half of the calls took no longer.
    pub p50: Duration,
    /// 99 in 100 calls took no longer.
    pub p99: Duration,
}

impl Latency {
    pub(crate) fn add(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.0[bucket_of(nanos)].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> LatencyStats {
        let counts: Vec<u64> = self.0.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let count: u64 = counts.iter().sum();
        let quantile = |share: f64| {
            let rank = (count as f64 * share).ceil() as u64;
            let mut passed = 0;
            let found = counts.iter().position(|bucket| {
                passed += bucket;
                passed >= rank.max(1)
            });
            Duration::from_nanos(found.map_or(0, nanos_of))
        };
        LatencyStats { count, p50: quantile(0.5), p99: quantile(0.99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_fifth() {
        let latency = Latency::default();
        assert_eq!(latency.read(), LatencyStats::default());
        (1..=1000).for_each(|micros| latency.add(Duration::from_micros(micros)));
        let read = latency.read();
        assert_eq!(read.count, 1000);
        for (found, true_micros) in [(read.p50, 500.0), (read.p99, 990.0)] {
            let off = found.as_nanos() as f64 / 1000.0 / true_micros;
            assert!((0.8..1.2).contains(&off), "{found:?}");
        }
        latency.add(Duration::ZERO);
        latency.add(Duration::MAX);
        assert_eq!(latency.read().count, 1002);
    }
}
