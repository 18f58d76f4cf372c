use std::hash::{BuildHasher, Hash};
use std::time::Instant;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::gcra::nanos;
use crate::{Decision, Quota};

/// How many keys are looked at when a new one comes: two would already clear rested keys faster than new ones come;
/// eight make the choice of whom to forgive a good one.
const LOOKED_AT: usize = 8;
/// At least one of so many places is taken, so that the next key is never far.
const SPARSEST: usize = 8;
/// A table of so few places is left as it is.
const SMALL: usize = 64;

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
    /// Key and theoretical arrival time in one place: with a million keys each place that is looked at is a wait for
    /// memory.
    tats: HashTable<Entry<K>>,
    hasher: S,
    /// The first call, from which the times in the table count.
    origin: Option<Instant>,
    /// Where the next look at a few keys begins.
    hand: usize,
}

#[derive(Debug)]
struct Entry<K> {
    key: K,
    /// The theoretical arrival time, in nanoseconds since the origin.
    tat_ns: u64,
}

impl<K: Clone + Eq + Hash> KeyedGcra<K> {
    /// Limits each key to `quota` and remembers at most `bound` keys (at least one).
    #[must_use]
    pub fn new(quota: Quota, bound: usize) -> Self {
        Self::with_hasher(quota, bound, RandomState::default())
    }
}

impl<K: Clone + Eq + Hash, S: BuildHasher> KeyedGcra<K, S> {
    pub(crate) fn with_hasher(quota: Quota, bound: usize, hasher: S) -> Self {
        Self { quota, bound: bound.max(1), tats: HashTable::new(), hasher, origin: None, hand: 0 }
    }

    /// Whether a call of this key would pass; nothing is taken or remembered.
    #[must_use]
    pub fn check(&self, key: &K, now: Instant) -> Decision {
        self.check_hashed(self.hasher.hash_one(key), key, now)
    }

    /// As [`check`](Self::check), where the key's hash is known.
    pub(crate) fn check_hashed(&self, hash: u64, key: &K, now: Instant) -> Decision {
        let now_ns = self.origin.map_or(0, |origin| nanos(now.saturating_duration_since(origin)));
        let entry = self.tats.find(hash, |entry| entry.key == *key);
        self.quota.judge(entry.map_or(0, |entry| entry.tat_ns.saturating_sub(now_ns))).0
    }

    /// Takes one call of this key, where it may pass.
    pub fn take(&mut self, key: &K, now: Instant) -> Decision {
        self.take_hashed(self.hasher.hash_one(key), key, now)
    }

    /// As [`take`](Self::take), where the key's hash is known.
    pub(crate) fn take_hashed(&mut self, hash: u64, key: &K, now: Instant) -> Decision {
        let origin = *self.origin.get_or_insert(now);
        let now_ns = nanos(now.saturating_duration_since(origin));
        if let Some(entry) = self.tats.find_mut(hash, |entry| entry.key == *key) {
            let (decision, owed_ns) = self.quota.judge(entry.tat_ns.saturating_sub(now_ns));
            if decision.allowed {
                entry.tat_ns = now_ns + owed_ns;
            }
            return decision;
        }
        let (decision, owed_ns) = self.quota.judge(0);
        self.make_room(now_ns);
        let entry = Entry { key: key.clone(), tat_ns: now_ns + owed_ns };
        let hasher = &self.hasher;
        self.tats.insert_unique(hash, entry, |entry| hasher.hash_one(&entry.key));
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

    fn make_room(&mut self, now_ns: u64) {
        let mut nearest: Option<(u64, usize)> = None;
        for _ in 0..LOOKED_AT.min(self.tats.len()) {
            let (index, tat_ns) = self.next();
            if tat_ns <= now_ns {
                self.forget(index);
            } else if nearest.is_none_or(|nearest| tat_ns < nearest.0) {
                nearest = Some((tat_ns, index));
            }
        }
        if self.tats.len() >= self.bound
            && let Some((_, index)) = nearest
        {
            self.forget(index);
        }
        self.shrink(now_ns);
    }

    /// The next key behind the hand, as its place and its time; there must be one.
    fn next(&mut self) -> (usize, u64) {
        loop {
            let index = if self.hand < self.tats.num_buckets() { self.hand } else { 0 };
            self.hand = index + 1;
            if let Some(entry) = self.tats.get_bucket(index) {
                return (index, entry.tat_ns);
            }
        }
    }

    fn forget(&mut self, index: usize) {
        if let Ok(entry) = self.tats.get_bucket_entry(index) {
            entry.remove();
        }
    }

    /// Gives memory back that a passing crowd of keys has left.
    ///
    /// A smaller table has other places, so that the hand could miss keys that it has not come to: since all are
    /// touched anyway, those that have recovered go first.
    fn shrink(&mut self, now_ns: u64) {
        let buckets = self.tats.num_buckets();
        if buckets > SMALL && buckets > SPARSEST * self.tats.len() {
            self.tats.retain(|entry| entry.tat_ns > now_ns);
            let hasher = &self.hasher;
            self.tats.shrink_to(2 * self.tats.len(), |entry| hasher.hash_one(&entry.key));
        }
    }
}
