use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use foldhash::fast::RandomState;

use crate::{Decision, KeyedGcra, Quota};

/// So many threads seldom meet.
const SHARDS: usize = 16;
/// From this bit on a hash chooses the shard: a table goes by the lowest and the highest ones.
const SHARD_SHIFT: u32 = 40;

/// [`KeyedGcra`] for many threads: the keys are spread over shards, each behind a lock of its own.
#[derive(Debug)]
pub struct SharedGcra<K> {
    hasher: RandomState,
    shards: Box<[Shard<K>]>,
}

/// On cache lines of its own, so that a lock that is taken does not slow its neighbours.
#[derive(Debug)]
#[repr(align(128))]
struct Shard<K>(Mutex<KeyedGcra<K>>);

impl<K: Clone + Eq + Hash> SharedGcra<K> {
    /// Limits each key to `quota` and remembers about `bound` keys at most.
    #[must_use]
    pub fn new(quota: Quota, bound: usize) -> Self {
        let (hasher, bound) = (RandomState::default(), bound.div_ceil(SHARDS));
        let shard = || Shard(Mutex::new(KeyedGcra::with_hasher(quota, bound, hasher.clone())));
        let shards = std::iter::repeat_with(shard).take(SHARDS).collect();
        Self { hasher, shards }
    }

    /// Whether a call of this key would pass; nothing is taken or remembered.
    pub fn check(&self, key: &K, now: Instant) -> Decision {
        let hash = self.hasher.hash_one(key);
        self.shard(hash).check_hashed(hash, key, now)
    }

    /// Takes one call of this key, where it may pass.
    pub fn take(&self, key: &K, now: Instant) -> Decision {
        let hash = self.hasher.hash_one(key);
        self.shard(hash).take_hashed(hash, key, now)
    }

    /// Keys remembered at this moment.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|Shard(shard)| lock(shard).len()).sum()
    }

    /// Whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, KeyedGcra<K>> {
        lock(&self.shards[(hash >> SHARD_SHIFT) as usize % SHARDS].0)
    }
}

/// Every change leaves a limiter whole, so a panic elsewhere spoils nothing here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
