//! Putting tiers together and making them fit a chart: pure functions over points, oldest first.

use crate::Point;

/// The finer points, and those coarser ones that lie in their holes.
///
/// A hole is a stretch of more than `hole_ms` without a finer point: between two of them, before the first or
/// after the last. Without finer points all is one hole.
pub(crate) fn fill_holes(
    finer: &[Point],
    coarser: &[Point],
    from_ms: i64,
    to_ms: i64,
    hole_ms: i64,
) -> Vec<Point> {
    let mut filled = Vec::with_capacity(finer.len() + coarser.len());
    let mut coarser = coarser.iter().peekable();
    let mut left_ms = from_ms - 1;
    let edges = finer.iter().map(Some).chain([None]);
    for right in edges {
        let right_ms = right.map_or(to_ms + 1, |point| point.at_ms);
        let hole = right_ms - left_ms > hole_ms;
        while let Some(point) = coarser.next_if(|point| point.at_ms <= right_ms) {
            if hole && point.at_ms > left_ms && point.at_ms < right_ms {
                filled.push(*point);
            }
        }
        filled.extend(right);
        left_ms = right_ms;
    }
    filled
}

/// Whether no stretch of the span is longer than `hole_ms` without a point.
pub(crate) fn is_covered(points: &[Point], from_ms: i64, to_ms: i64, hole_ms: i64) -> bool {
    let inner = points.iter().map(|point| point.at_ms).filter(|at_ms| (from_ms..=to_ms).contains(at_ms));
    let mut left_ms = from_ms;
    inner.chain([to_ms]).all(|at_ms| {
        let short = at_ms - left_ms <= hole_ms;
        left_ms = at_ms;
        short
    })
}

/// The last point of each whole `step_ms`, and never more than `most`: the step is doubled until they fit.
pub(crate) fn thin(points: &[Point], step_ms: i64, most: usize) -> Vec<Point> {
    let mut step_ms = step_ms.max(1);
    loop {
        let thinned: Vec<Point> = points
            .chunk_by(|a, b| a.at_ms.div_euclid(step_ms) == b.at_ms.div_euclid(step_ms))
            .filter_map(|chunk| chunk.last().copied())
            .collect();
        if thinned.len() <= most.max(1) {
            return thinned;
        }
        step_ms = step_ms.saturating_mul(2);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(times: &[i64], price: f64) -> Vec<Point> {
        times.iter().map(|at_ms| Point { at_ms: *at_ms, price, volume_24h: None }).collect()
    }

    fn times(points: &[Point]) -> Vec<i64> {
        points.iter().map(|point| point.at_ms).collect()
    }

    fn sorted_times() -> impl Strategy<Value = Vec<i64>> {
        proptest::collection::btree_set(1..1000_i64, 0..40).prop_map(|set| set.into_iter().collect())
    }

    #[test]
    fn coarser_points_fill_holes_only() {
        let (finer, coarser) = (line(&[40, 45, 50, 90], 1.0), line(&[10, 20, 42, 60, 70, 90, 95, 110], 2.0));
        assert_eq!(
            times(&fill_holes(&finer, &coarser, 1, 120, 10)),
            [10, 20, 40, 45, 50, 60, 70, 90, 95, 110]
        );
        assert_eq!(times(&fill_holes(&[], &coarser, 1, 120, 10)), times(&coarser));
        assert_eq!(times(&fill_holes(&finer, &[], 1, 120, 10)), times(&finer));
    }

    #[test]
    fn a_span_is_covered_when_no_stretch_of_it_is_bare() {
        assert!(is_covered(&line(&[10, 20, 30], 1.0), 5, 35, 10));
        assert!(!is_covered(&line(&[10, 20, 30], 1.0), 5, 41, 10), "bare at the end");
        assert!(!is_covered(&line(&[20, 30], 1.0), 5, 35, 10), "bare at the start");
        assert!(!is_covered(&line(&[10, 30], 1.0), 5, 35, 10), "a hole");
        assert!(!is_covered(&[], 5, 35, 10));
        assert!(!is_covered(&line(&[1, 100], 1.0), 5, 35, 10), "points outside do not count");
    }

    proptest! {
        #[test]
        fn filling_agrees_with_asking_each_point_by_itself(finer in sorted_times(), coarser in sorted_times(), hole in 0..100_i64) {
            let filled = fill_holes(&line(&finer, 1.0), &line(&coarser, 2.0), 1, 1000, hole);
            let kept = |at: i64| {
                let left = finer.iter().copied().filter(|t| *t <= at).max().unwrap_or(0);
                let right = finer.iter().copied().filter(|t| *t >= at).min().unwrap_or(1001);
                left != at && right != at && right - left > hole
            };
            let mut expected: Vec<i64> = coarser.iter().copied().filter(|at| kept(*at)).chain(finer.iter().copied()).collect();
            expected.sort_unstable();
            prop_assert_eq!(times(&filled), expected);
        }

        #[test]
        fn thinning_keeps_order_the_newest_point_and_the_bound(all in sorted_times(), step in 1..50_i64, most in 1..30_usize) {
            let thinned = thin(&line(&all, 1.0), step, most);
            prop_assert!(thinned.len() <= most);
            prop_assert_eq!(thinned.last().map(|p| p.at_ms), all.last().copied());
            prop_assert!(times(&thinned).windows(2).all(|pair| pair[0] < pair[1]));
            let all_kept = thin(&line(&all, 1.0), 1, usize::MAX);
            prop_assert_eq!(times(&all_kept), all);
        }
    }
}
