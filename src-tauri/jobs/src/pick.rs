//! Which of the waiting jobs start: by weight among the priorities, and the long-waiting ones before all.

use std::collections::VecDeque;

use crate::Priority;

/// A waiting job, as the choice sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    pub(crate) run_at_ms: i64,
    pub(crate) id: i64,
}

/// The waiting jobs of a queue by priority, each in the order in which they became due. Of each priority as many as
/// there are free places are enough.
pub(crate) type Lines = [VecDeque<Candidate>; 4];

/// Smooth weighted round robin: each turn every line with a waiting job earns its weight, the richest one goes and
/// pays what all earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turns {
    weights: [u32; 4],
    credit: [i64; 4],
}

impl Turns {
    pub(crate) fn new(weights: [u32; 4]) -> Self {
        Self { weights, credit: [0; 4] }
    }

    /// Takes up to `free` jobs out of the lines. Those that became due before `aged_before_ms` go first, the oldest
    /// first.
    pub(crate) fn pick(&mut self, lines: &mut Lines, free: usize, aged_before_ms: i64) -> Vec<i64> {
        let mut picked = Vec::with_capacity(free);
        while picked.len() < free {
            let aged = (0..4)
                .filter_map(|at| Some((*lines[at].front()?, at)))
                .filter(|(candidate, _)| candidate.run_at_ms <= aged_before_ms)
                .min();
            let Some(at) = aged.map(|(_, at)| at).or_else(|| self.turn(lines)) else { break };
            picked.extend(lines[at].pop_front().map(|candidate| candidate.id));
        }
        picked
    }

    fn turn(&mut self, lines: &Lines) -> Option<usize> {
        let waiting = || (0..Priority::ALL.len()).filter(|at| !lines[*at].is_empty());
        let earned: i64 = waiting().map(|at| i64::from(self.weights[at])).sum();
        for at in waiting() {
            self.credit[at] += i64::from(self.weights[at]);
        }
        // Of equally rich lines the more urgent one.
        let at = waiting().max_by_key(|at| (self.credit[*at], std::cmp::Reverse(*at)))?;
        self.credit[at] -= earned;
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(of_each: i64, run_at_ms: i64) -> Lines {
        std::array::from_fn(|at| {
            (0..of_each).map(|n| Candidate { run_at_ms, id: at as i64 * 1_000_000 + n }).collect()
        })
    }

    fn by_priority(picked: &[i64]) -> [usize; 4] {
        std::array::from_fn(|at| picked.iter().filter(|id| **id / 1_000_000 == at as i64).count())
    }

    #[test]
    fn full_lines_share_by_weight_in_one_fetch_and_in_many() {
        let mut turns = Turns::new([8, 4, 2, 1]);
        assert_eq!(by_priority(&turns.pick(&mut lines(1000, 10), 150, 0)), [80, 40, 20, 10]);
        let (mut turns, mut waiting) = (Turns::new([8, 4, 2, 1]), lines(1000, 10));
        let picked: Vec<i64> = (0..150).flat_map(|_| turns.pick(&mut waiting, 1, 0)).collect();
        assert_eq!(by_priority(&picked), [80, 40, 20, 10]);
    }

    #[test]
    fn low_work_is_never_further_away_than_the_sum_of_the_weights() {
        let (mut turns, mut waiting) = (Turns::new([8, 4, 2, 1]), lines(1000, 10));
        let picked = turns.pick(&mut waiting, 300, 0);
        for window in picked.windows(15) {
            assert_eq!(by_priority(window)[3], 1, "{window:?}");
        }
    }

    #[test]
    fn an_empty_line_leaves_its_share_to_the_others() {
        let mut waiting = lines(1000, 10);
        waiting[0].clear();
        waiting[2].clear();
        let picked = Turns::new([8, 4, 2, 1]).pick(&mut waiting, 100, 0);
        assert_eq!(by_priority(&picked), [0, 80, 0, 20]);
    }

    #[test]
    fn what_waited_too_long_goes_before_everything_the_oldest_first() {
        let mut waiting = lines(10, 1000);
        waiting[3][0].run_at_ms = 20;
        waiting[2][0].run_at_ms = 10;
        let picked = Turns::new([8, 4, 2, 1]).pick(&mut waiting, 3, 500);
        assert_eq!(picked, [2_000_000, 3_000_000, 0]);
    }

    #[test]
    fn no_more_are_taken_than_wait() {
        assert_eq!(Turns::new([1; 4]).pick(&mut lines(2, 0), 100, -1).len(), 8);
    }
}
