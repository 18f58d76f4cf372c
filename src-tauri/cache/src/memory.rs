//! L1: decoded values in this process, bounded in bytes.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;
use moka::notification::RemovalCause;
use moka::ops::compute::Op;
use moka::sync::Cache;

use crate::counters::Event;
use crate::entry::Slot;
use crate::latency::Latency;
use crate::name::{Key, KeyRef};

/// The bytes that a slot costs beside its value: the key, what goes with the value and moka's own nodes.
const SLOT_BYTES: u32 = 384;
/// Writes are told apart by this many groups of keys.
const GROUPS: usize = 4096;

/// A dead slot stays until it is replaced or evicted: whether a slot serves is decided at each read, by both clocks.
pub(crate) struct Memory {
    slots: Cache<Key, Arc<Slot>, RandomState>,
    hasher: RandomState,
    /// The number of writes of each group of keys, counted before a write reaches any level. A copy from below is
    /// only taken where it has not changed since the copy was asked for.
    writes: Box<[AtomicU64]>,
    evictions: Arc<AtomicU64>,
    bound: u64,
    /// How long sampled hits took.
    pub(crate) hits: Latency,
}

/// How a group of keys stood when a copy from below was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stand(u64);

impl Memory {
    pub(crate) fn new(bound: u64) -> Self {
        let evictions = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&evictions);
        let hasher = RandomState::default();
        let slots = Cache::builder()
            .max_capacity(bound)
            .weigher(|key: &Key, slot: &Arc<Slot>| {
                slot.bytes.saturating_add(key.text.len() as u32).saturating_add(SLOT_BYTES)
            })
            .eviction_listener(move |_, slot: Arc<Slot>, cause| {
                slot.area.grew(-i64::from(slot.bytes));
                if cause == RemovalCause::Size {
                    slot.area.counters.count(Event::Evicted);
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            })
            .build_with_hasher(hasher.clone());
        Self {
            slots,
            hasher,
            writes: (0..GROUPS).map(|_| AtomicU64::new(0)).collect(),
            evictions,
            bound,
            hits: Latency::default(),
        }
    }

    pub(crate) fn get(&self, key: KeyRef<'_>) -> Option<Arc<Slot>> {
        self.slots.get(&key)
    }

    fn group(&self, key: KeyRef<'_>) -> &AtomicU64 {
        &self.writes[self.hasher.hash_one(key) as usize % GROUPS]
    }

    /// Tells that the key is about to be written; copies asked for earlier are refused from now on.
    pub(crate) fn announce(&self, key: KeyRef<'_>) {
        self.group(key).fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn stand(&self, key: KeyRef<'_>) -> Stand {
        Stand(self.group(key).load(Ordering::SeqCst))
    }

    /// Puts the slot unless a newer one stands there; returns the slot that stands there now.
    pub(crate) fn put(&self, key: Key, slot: Arc<Slot>) -> Arc<Slot> {
        self.put_if(key, slot, || true)
    }

    /// Puts the slot unless a newer one stands there or the key was written since `stand` was taken; says whether
    /// it was not written.
    pub(crate) fn put_at(&self, key: Key, slot: Arc<Slot>, stand: Stand) -> bool {
        let group = self.group(key.as_ref());
        let mut unwritten = true;
        self.put_if(key, slot, || {
            unwritten = group.load(Ordering::SeqCst) == stand.0;
            unwritten
        });
        unwritten
    }

    /// `allowed` is asked while no other write of this key can pass.
    fn put_if(&self, key: Key, slot: Arc<Slot>, allowed: impl FnOnce() -> bool) -> Arc<Slot> {
        let offered = Arc::clone(&slot);
        let outcome = self.slots.entry(key).and_compute_with(|held| match held {
            Some(held) if held.value().life.stamp > slot.life.stamp => Op::Nop,
            _ if !allowed() => Op::Nop,
            _ => {
                slot.area.grew(i64::from(slot.bytes));
                Op::Put(slot)
            }
        });
        outcome.into_entry().map_or(offered, moka::Entry::into_value)
    }

    /// Lets go of whatever is older than this stamp.
    pub(crate) fn drop_older(&self, key: Key, stamp: u64) {
        self.slots.entry(key).and_compute_with(|held| match held {
            Some(held) if held.value().life.stamp < stamp => Op::Remove,
            _ => Op::Nop,
        });
    }

    /// Applies what is pending, so that sizes are exact.
    pub(crate) fn settle(&self) {
        self.slots.run_pending_tasks();
    }

    /// Lets go of everything, as want of room may at any time.
    #[cfg(test)]
    pub(crate) fn evict_all(&self) {
        self.slots.invalidate_all();
        self.slots.run_pending_tasks();
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.slots.weighted_size()
    }

    pub(crate) fn entries(&self) -> u64 {
        self.slots.entry_count()
    }

    pub(crate) fn bound(&self) -> u64 {
        self.bound
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }
}
