use std::collections::HashMap;
use std::time::{Duration, Instant};

use eider_limits::{Decision, Gcra, KeyedGcra, Quota, SharedGcra};
use proptest::prelude::*;

/// The same law in another form: a bucket of time that fills by itself and that each call draws from.
struct Bucket {
    interval: u128,
    depth: u128,
    credit: u128,
    at: Instant,
}

impl Bucket {
    fn new(burst: u32, period: Duration, now: Instant) -> Self {
        let interval = period.as_nanos().div_ceil(u128::from(burst));
        let depth = interval * u128::from(burst);
        Self { interval, depth, credit: depth, at: now }
    }

    fn take(&mut self, now: Instant) -> Decision {
        let filled = self.credit + now.duration_since(self.at).as_nanos();
        (self.credit, self.at) = (filled.min(self.depth), now);
        let allowed = self.credit >= self.interval;
        let retry_after = (!allowed).then(|| nanos(self.interval - self.credit));
        self.credit -= if allowed { self.interval } else { 0 };
        let remaining = u32::try_from(self.credit / self.interval).unwrap();
        Decision { allowed, remaining, reset_after: nanos(self.depth - self.credit), retry_after }
    }
}

fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap())
}

proptest! {
    #[test]
    fn it_decides_as_a_bucket_of_time(
        burst in 1..20_u32,
        period_ms in 1..100_000_u64,
        pauses_us in prop::collection::vec(0..20_000_000_u64, 1..200),
    ) {
        let period = Duration::from_millis(period_ms);
        let quota = Quota::new(burst, period).unwrap();
        let mut now = Instant::now();
        let mut bucket = Bucket::new(burst, period, now);
        let mut gcra = Gcra::new(quota);
        for pause in pauses_us {
            now += Duration::from_micros(pause % (period_ms * 300).max(1));
            let checked = gcra.check(now);
            let expected = bucket.take(now);
            prop_assert_eq!(checked, expected, "check says what take would");
            prop_assert_eq!(gcra.take(now), expected);
            if let Some(wait) = expected.retry_after {
                prop_assert!(gcra.check(now + wait).allowed);
                prop_assert!(!gcra.check(now + wait - Duration::from_nanos(1)).allowed);
            }
        }
    }

    #[test]
    fn keys_are_independent_while_they_fit(
        calls in prop::collection::vec((0..6_u8, 0..900_u64), 1..200),
    ) {
        let quota = Quota::new(3, Duration::from_secs(3)).unwrap();
        let mut keyed = KeyedGcra::new(quota, 6);
        let mut alone: HashMap<u8, Gcra> = HashMap::new();
        let mut now = Instant::now();
        for (key, pause_ms) in calls {
            now += Duration::from_millis(pause_ms);
            let single = alone.entry(key).or_insert_with(|| Gcra::new(quota));
            prop_assert_eq!(keyed.check(&key, now), single.check(now));
            prop_assert_eq!(keyed.take(&key, now), single.take(now));
        }
    }

    #[test]
    fn memory_is_bounded_and_too_many_keys_refuse_nobody_more(
        bound in 1..8_usize,
        calls in prop::collection::vec((0..40_u8, 0..300_u64), 1..300),
    ) {
        let quota = Quota::new(2, Duration::from_secs(2)).unwrap();
        let mut keyed = KeyedGcra::new(quota, bound);
        let mut seen = std::collections::HashSet::new();
        let mut now = Instant::now();
        for (key, pause_ms) in calls {
            now += Duration::from_millis(pause_ms);
            let first = seen.insert(key);
            let decision = keyed.take(&key, now);
            prop_assert!(keyed.len() <= bound);
            prop_assert!(decision.allowed || !first, "a new key was refused");
        }
    }
}

#[test]
fn rested_keys_are_forgotten() {
    let mut keyed = KeyedGcra::new(Quota::new(1, Duration::from_secs(1)).unwrap(), 1_000);
    let start = Instant::now();
    for key in 0..1_000 {
        keyed.take(&key, start);
    }
    assert_eq!(keyed.len(), 1_000);
    let later = start + Duration::from_secs(1);
    for key in 1_000..1_250 {
        keyed.take(&key, later);
    }
    assert_eq!(keyed.len(), 250, "each new key looks at eight others");
}

#[test]
fn who_is_nearest_to_recovery_is_forgiven_first() {
    let mut keyed = KeyedGcra::new(Quota::new(10, Duration::from_secs(10)).unwrap(), 4);
    let now = Instant::now();
    for (key, calls) in [(1, 9), (2, 3), (3, 7), (4, 8)] {
        (0..calls).for_each(|_| assert!(keyed.take(&key, now).allowed));
    }
    keyed.take(&5, now);
    assert_eq!(keyed.len(), 4);
    let left = [1, 2, 3, 4].map(|key| keyed.check(&key, now).remaining);
    assert_eq!(left, [0, 9, 2, 1], "the second has been forgotten");
}

#[test]
fn a_quota_of_nothing_is_no_quota() {
    assert_eq!(Quota::new(0, Duration::from_secs(1)), None);
    assert_eq!(Quota::new(1, Duration::ZERO), None);
    assert_eq!(Quota::new(1, Duration::MAX), None);
}

#[test]
fn a_quota_counts_in_nanoseconds_for_292_years() {
    let year = Duration::from_secs(31_556_952);
    assert!(Quota::new(2, 292 * year).is_some());
    assert_eq!(Quota::new(2, 293 * year), None);
}

#[test]
fn a_crowd_that_rests_is_forgotten_whole() {
    // Each table scatters its keys in a way of its own.
    for _ in 0..200 {
        let mut keyed = KeyedGcra::new(Quota::new(1, Duration::from_secs(1)).unwrap(), 10_000);
        let start = Instant::now();
        for key in 0..1_600 {
            keyed.take(&key, start);
        }
        let later = start + Duration::from_secs(1);
        for key in 1_600..1_840 {
            keyed.take(&key, later);
        }
        assert_eq!(keyed.len(), 240);
        // Also from a table that has far more places than keys by now.
        let last = later + Duration::from_secs(1);
        for key in 1_840..1_900 {
            keyed.take(&key, last);
        }
        assert_eq!(keyed.len(), 60);
    }
}

#[test]
fn many_threads_share_one_limit_by_key() {
    let limiter = SharedGcra::new(Quota::new(100, Duration::from_secs(3600)).unwrap(), 1_000);
    let now = Instant::now();
    let passed: Vec<usize> = std::thread::scope(|scope| {
        let call = || (0..50).map(|_| (0..20).filter(|key| limiter.take(key, now).allowed).count()).sum();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(call)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(passed.iter().sum::<usize>(), 20 * 100, "of 200 calls of each key");
    assert_eq!(limiter.len(), 20);
    assert!(!limiter.check(&7, now).allowed);
    assert!(limiter.check(&20, now).allowed, "a key that never called");
    assert_eq!(limiter.len(), 20, "a check remembers nothing");
}

#[test]
fn an_abundance_of_keys_costs_bounded_memory_also_shared() {
    let limiter = SharedGcra::new(Quota::new(1, Duration::from_secs(3600)).unwrap(), 1_000);
    let now = Instant::now();
    (0..100_000).for_each(|key| assert!(limiter.take(&key, now).allowed));
    assert!((1..=1_008).contains(&limiter.len()), "{}", limiter.len());
}
