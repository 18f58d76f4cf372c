use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Instant;

use crate::{Decision, Quota};

/// [`Gcra`](crate::Gcra) per key, for at most `bound` keys at a time.
///
/// A key that has rested needs no memory, so keys are forgotten as they recover. Where more than `bound`
/// keys are in debt at once, the one nearest to its recovery is forgiven the rest: an abundance of keys
/// costs neither memory nor a refusal of somebody new. `take` is O(log keys).
#[derive(Debug)]
pub struct KeyedGcra<K> {
    quota: Quota,
    bound: usize,
    tats: HashMap<K, Instant>,
    /// The same keys by the time at which they have recovered.
    by_tat: BTreeSet<(Instant, K)>,
}

impl<K: Clone + Eq + Hash + Ord> KeyedGcra<K> {
    /// Limits each key to `quota` and remembers at most `bound` keys (at least one).
    #[must_use]
    pub fn new(quota: Quota, bound: usize) -> Self {
        Self { quota, bound: bound.max(1), tats: HashMap::new(), by_tat: BTreeSet::new() }
    }

    /// Whether a call of this key would pass; nothing is taken or remembered.
    #[must_use]
    pub fn check(&self, key: &K, now: Instant) -> Decision {
        self.quota.judge(self.tats.get(key).copied(), now).0
    }

    /// Takes one call of this key, where it may pass.
    pub fn take(&mut self, key: &K, now: Instant) -> Decision {
        let old = self.tats.get(key).copied();
        let (decision, tat) = self.quota.judge(old, now);
        if decision.allowed {
            self.forget(key, old);
            self.make_room(now);
            self.tats.insert(key.clone(), tat);
            self.by_tat.insert((tat, key.clone()));
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

    fn forget(&mut self, key: &K, tat: Option<Instant>) {
        if let Some(tat) = tat {
            self.tats.remove(key);
            self.by_tat.remove(&(tat, key.clone()));
        }
    }

    fn make_room(&mut self, now: Instant) {
        while let Some((tat, _)) = self.by_tat.first() {
            if *tat > now && self.tats.len() < self.bound {
                return;
            }
            if let Some((_, key)) = self.by_tat.pop_first() {
                self.tats.remove(&key);
            }
        }
    }
}
