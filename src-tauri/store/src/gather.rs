//! How many callers a commit is worth waiting for.

/// After so many groups in a row that were as large as expected, a few more callers are looked for.
const STREAK: u32 = 4;

/// Guesses from the sizes of the last groups how many callers write again and again.
///
/// Callers that get their answers together write again together, but a little later than the writer comes round. Without
/// a wait they fall into two halves, each writing while the other is committed, and every sync carries half of them.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    callers: usize,
    streak: u32,
}

impl Gathering {
    /// The size that a group is to reach, where so many wait already. A lone caller is never kept waiting.
    pub(crate) fn wanted(&self, waiting: usize) -> usize {
        if self.callers > 1 { self.callers.max(waiting) } else { waiting }
    }

    /// Learns from the size that a group came to.
    pub(crate) fn reached(&mut self, size: usize) {
        if size < self.callers {
            (self.callers, self.streak) = (size, 0);
            return;
        }
        (self.callers, self.streak) = (size, self.streak + 1);
        if size > 1 && self.streak >= STREAK {
            (self.callers, self.streak) = (size + size / 8 + 1, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_caller_is_never_kept_waiting() {
        let mut gathering = Gathering::default();
        for _ in 0..100 {
            assert_eq!(gathering.wanted(1), 1);
            gathering.reached(1);
        }
    }

    #[test]
    fn two_halves_become_one_group_and_it_is_seldom_waited_in_vain() {
        let (mut gathering, mut in_vain) = (Gathering::default(), 0);
        gathering.reached(7);
        for _ in 0..100 {
            // Seven wait when the writer comes round; nine more would come within the wait.
            let wanted = gathering.wanted(7);
            in_vain += u32::from(wanted > 16);
            gathering.reached(wanted.min(16));
        }
        assert!((16..=19).contains(&gathering.wanted(7)), "{gathering:?}");
        assert!(in_vain <= 25, "{in_vain} of 100");
    }

    #[test]
    fn callers_that_went_away_are_waited_for_once() {
        let mut gathering = Gathering::default();
        gathering.reached(16);
        assert_eq!(gathering.wanted(1), 16);
        gathering.reached(1);
        assert_eq!(gathering.wanted(1), 1);
    }
}
