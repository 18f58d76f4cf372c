//! What is remembered of computations that failed: when, and where the failure is an answer, the answer.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use crate::Now;
use crate::marks::Cell;
use crate::name::{Key, KeyRef};

/// The most keys remembered.
const KEYS_MAX: usize = 10_000;

/// The last failure of one key.
#[derive(Clone)]
pub(crate) struct Setback {
    pub(crate) at: Now,
    pub(crate) lasting: Option<Lasting>,
}

/// A failure that answers later callers too, until its time has passed or it is invalidated.
#[derive(Clone)]
pub(crate) struct Lasting {
    /// An `Arc` of the caller's error type.
    pub(crate) error: Arc<dyn Any + Send + Sync>,
    pub(crate) ttl: Duration,
    /// As for a value: the moment the computation started, and the marks that can end it.
    pub(crate) stamp: u64,
    pub(crate) marks: Arc<[Arc<Cell>]>,
}

pub(crate) struct Setbacks(Cache<Key, Setback, UnitWeighter, RandomState>);

impl Default for Setbacks {
    fn default() -> Self {
        let (hasher, lifecycle) = (RandomState::default(), DefaultLifecycle::default());
        Self(Cache::with(KEYS_MAX, KEYS_MAX as u64, UnitWeighter, hasher, lifecycle))
    }
}

/// By either clock.
fn passed(since: Now, now: Now) -> Duration {
    let wall_ms = now.wall_ms.saturating_sub(since.wall_ms).max(0) as u64;
    Duration::from_millis(now.mono_ms.saturating_sub(since.mono_ms).max(wall_ms))
}

impl Setbacks {
    pub(crate) fn note(&self, key: Key, setback: Setback) {
        self.0.insert(key, setback);
    }

    pub(crate) fn forget(&self, key: KeyRef<'_>) {
        if self.0.contains_key(&key) {
            self.0.remove(&key);
        }
    }

    /// Whether the last computation failed less than `pause` ago.
    pub(crate) fn failed_lately(&self, key: KeyRef<'_>, pause: Duration, now: Now) -> bool {
        self.0.get(&key).is_some_and(|setback| passed(setback.at, now) < pause)
    }

    /// The failure that still answers for this key; `floor` is the mark that covers everything.
    pub(crate) fn lasting<E: Send + Sync + 'static>(
        &self,
        key: KeyRef<'_>,
        now: Now,
        floor: u64,
    ) -> Option<Arc<E>> {
        let setback = self.0.get(&key)?;
        let lasting = setback.lasting.filter(|lasting| passed(setback.at, now) < lasting.ttl)?;
        let valid = lasting.stamp > floor && lasting.marks.iter().all(|mark| lasting.stamp > mark.stamp());
        lasting.error.downcast::<E>().ok().filter(|_| valid)
    }
}
