use std::hash::{BuildHasher, Hash};
use std::time::Instant;

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use crate::{Decision, Quota};

/// How many keys are looked at when a new one comes: two would already clear rested keys faster than new ones come;
/// eight make the choice of whom to forgive a good one.
const LOOKED_AT: usize = 8;

/// [`Gcra`](crate::Gcra) per key, for at most `bound` keys at a time.
///
/// A key that has rested needs no memory: with each new key the next few are looked at, and those that have
/// recovered are forgotten. Where more than `bound` keys are in debt at once, of those few the one nearest to its
/// recovery is forgiven the rest: an abundance of keys costs neither memory nor a refusal of somebody new. Every
/// call is O(1).
#[derive(Debug)]
pub struct KeyedGcra<K, S = RandomState> {
    quota: Quota,
    bound: usize,
    /// The theoretical arrival time of each key.
    tats: IndexMap<K, Instant, S>,
    /// Where the next look at a few keys begins.
    hand: usize,
}

impl<K: Clone + Eq + Hash> KeyedGcra<K> {
    /// Limits each key to `quota` and remembers at most `bound` keys (at least one).
    #[must_use]
    pub fn new(quota: Quota, bound: usize) -> Self {
        Self { quota, bound: bound.max(1), tats: IndexMap::default(), hand: 0 }
    }
}

impl<K: Clone + Eq + Hash, S: BuildHasher> KeyedGcra<K, S> {
    /// Whether a call of this key would pass; nothing is taken or remembered.
    #[must_use]
    pub fn check(&self, key: &K, now: Instant) -> Decision {
        self.quota.judge(self.tats.get(key).copied(), now).0
    }

    /// Takes one call of this key, where it may pass.
    pub fn take(&mut self, key: &K, now: Instant) -> Decision {
        if let Some(tat) = self.tats.get_mut(key) {
            let (decision, after) = self.quota.judge(Some(*tat), now);
            if decision.allowed {
                *tat = after;
            }
            return decision;
        }
        let (decision, tat) = self.quota.judge(None, now);
        if decision.allowed {
            self.make_room(now);
            self.tats.insert(key.clone(), tat);
        }
        decision
    }

    /// Keys remembered at this moment.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tats.len()
    }

    /// Whether no key is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tats.is_empty()
    }

    fn make_room(&mut self, now: Instant) {
        let mut nearest: Option<(usize, Instant)> = None;
        for _ in 0..LOOKED_AT.min(self.tats.len()) {
            self.hand = if self.hand < self.tats.len() { self.hand } else { 0 };
            let Some((_, tat)) = self.tats.get_index(self.hand) else { break };
            let tat = *tat;
            if tat <= now {
                // The last key takes its place, and is looked at next.
                self.tats.swap_remove_index(self.hand);
                nearest = nearest.filter(|(index, _)| *index < self.tats.len());
                continue;
            }
            if nearest.is_none_or(|(_, other)| tat < other) {
                nearest = Some((self.hand, tat));
            }
            self.hand += 1;
        }
        if self.tats.len() >= self.bound {
            let index = nearest.map_or(0, |(index, _)| index);
            self.tats.swap_remove_index(index);
        }
        self.shrink();
    }

    /// Gives memory back that a passing crowd of keys has left.
    fn shrink(&mut self) {
        if self.tats.capacity() > 1024 && self.tats.capacity() > 8 * self.tats.len() {
            self.tats.shrink_to(2 * self.tats.len());
        }
    }
}
