//! The algebra of buckets: merging is commutative, associative and idempotent.
//!
//! That holds because each part of a bucket is the least or the greatest of something by a total order: the
//! open is the earliest price, the close the latest, and where two prices claim one instant the lower opens
//! and the higher closes. So a bucket says the same of a set of points, whatever the order they came in and
//! however often each came.

use crate::Point;

/// What a set of points comes to; never of an empty one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    pub(super) open: Stamped,
    pub(super) high: f64,
    pub(super) low: f64,
    pub(super) close: Stamped,
    /// The latest traded volume that a point told.
    pub(super) volume_24h: Option<Stamped>,
}

/// A value and its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stamped {
    pub(super) at_ms: i64,
    pub(super) value: f64,
}

impl Stamped {
    fn earliest(self, other: Self) -> Self {
        if self.order(&other).is_le() { self } else { other }
    }

    fn latest(self, other: Self) -> Self {
        if self.order(&other).is_ge() { self } else { other }
    }

    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.at_ms.cmp(&other.at_ms).then(self.value.total_cmp(&other.value))
    }
}

impl Bucket {
    /// The bucket of one point.
    pub(super) fn of(point: &Point) -> Self {
        let price = Stamped { at_ms: point.at_ms, value: point.price };
        let volume_24h = point.volume_24h.map(|value| Stamped { at_ms: point.at_ms, value });
        Self { open: price, high: point.price, low: point.price, close: price, volume_24h }
    }

    /// The bucket of both sets.
    pub(super) fn merge(self, other: Self) -> Self {
        Self {
            open: self.open.earliest(other.open),
            high: self.high.max(other.high),
            low: self.low.min(other.low),
            close: self.close.latest(other.close),
            volume_24h: match (self.volume_24h, other.volume_24h) {
                (Some(a), Some(b)) => Some(a.latest(b)),
                (a, b) => a.or(b),
            },
        }
    }

    /// The point that stands for the bucket in a line: its close, at the time it was true.
    pub(super) fn as_point(&self) -> Point {
        let volume_24h = self.volume_24h.map(|volume| volume.value);
        Point { at_ms: self.close.at_ms, price: self.close.value, volume_24h }
    }
}

/// The start of the bucket of this width that holds the time.
pub(super) fn start_of(at_ms: i64, width_ms: i64) -> i64 {
    at_ms - at_ms.rem_euclid(width_ms)
}

/// The points as buckets of one width, in order of time.
pub(super) fn into_buckets(points: &[Point], width_ms: i64) -> Vec<(i64, Bucket)> {
    let mut buckets = std::collections::BTreeMap::new();
    for point in points {
        let bucket = Bucket::of(point);
        let known = buckets.entry(start_of(point.at_ms, width_ms)).or_insert(bucket);
        *known = known.merge(bucket);
    }
    buckets.into_iter().collect()
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in crate::history) fn points(most: usize, span_ms: i64) -> impl Strategy<Value = Vec<Point>> {
        // Few distinct times and prices, so that collisions are common.
        let point = (1..=span_ms / 1000, 0..8_u8, proptest::option::of(0..3_u8)).prop_map(
            |(second, price, volume)| Point {
                at_ms: second * 1000,
                price: f64::from(price) / 4.0,
                volume_24h: volume.map(f64::from),
            },
        );
        proptest::collection::vec(point, 1..most)
    }

    fn bucket() -> impl Strategy<Value = Bucket> {
        points(6, 20_000).prop_map(|points| fold(&points))
    }

    fn fold(points: &[Point]) -> Bucket {
        points.iter().map(Bucket::of).reduce(Bucket::merge).expect("the strategy makes at least one point")
    }

    proptest! {
        #[test]
        fn merging_is_commutative_associative_and_idempotent(a in bucket(), b in bucket(), c in bucket()) {
            prop_assert_eq!(a.merge(b), b.merge(a));
            prop_assert_eq!(a.merge(b).merge(c), a.merge(b.merge(c)));
            prop_assert_eq!(a.merge(a), a);
            prop_assert_eq!(a.merge(b).merge(b), a.merge(b));
        }

        #[test]
        fn a_bucket_says_of_its_points_what_a_person_would_find(points in points(12, 20_000)) {
            let bucket = fold(&points);
            let first = points.iter().map(|p| p.at_ms).min();
            let last = points.iter().map(|p| p.at_ms).max();
            let at = |time| points.iter().filter(move |p| Some(p.at_ms) == time).map(|p| p.price);
            prop_assert_eq!(Some(bucket.open.at_ms), first);
            prop_assert_eq!(Some(bucket.close.at_ms), last);
            prop_assert_eq!(bucket.open.value, at(first).fold(f64::MAX, f64::min));
            prop_assert_eq!(bucket.close.value, at(last).fold(f64::MIN, f64::max));
            prop_assert_eq!(bucket.high, points.iter().map(|p| p.price).fold(f64::MIN, f64::max));
            prop_assert_eq!(bucket.low, points.iter().map(|p| p.price).fold(f64::MAX, f64::min));
            prop_assert_eq!(bucket.volume_24h.is_some(), points.iter().any(|p| p.volume_24h.is_some()));
        }

        #[test]
        fn coarse_buckets_are_the_same_from_points_and_from_fine_buckets(points in points(40, 90_000)) {
            let mut from_fine = std::collections::BTreeMap::new();
            for (start, bucket) in into_buckets(&points, 5_000) {
                let known = from_fine.entry(start_of(start, 30_000)).or_insert(bucket);
                *known = known.merge(bucket);
            }
            prop_assert_eq!(from_fine.into_iter().collect::<Vec<_>>(), into_buckets(&points, 30_000));
        }
    }
}
