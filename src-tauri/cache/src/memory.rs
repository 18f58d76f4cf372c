//! L1: decoded values in this process, bounded in bytes.

use std::hash::BuildHasher;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;
use quick_cache::sync::{Cache, EntryAction, EntryResult};
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};

use crate::counters::Event;
use crate::entry::Slot;
use crate::latency::Latency;
use crate::name::{Key, KeyRef, VALUE_MAX};

/// The bytes that a slot costs beside its key and value, as measured by `benches/cache`.
const SLOT_BYTES: u32 = 384;
/// What an entry is expected to weigh; it only sizes what is remembered of keys that were evicted.
const TYPICAL_BYTES: u64 = 1024;
/// The most parts with a lock of their own. Each is large enough for the largest value.
const SHARDS_MAX: u64 = 64;
/// Writes are told apart by this many groups of keys.
const GROUPS: usize = 4096;

/// A dead slot stays until it is replaced or evicted: whether a slot serves is decided at each read, by both clocks.
pub(crate) struct Memory {
    slots: Cache<Key, Arc<Slot>, Weight, RandomState, Evicted>,
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
        let hasher = RandomState::default();
        let shards = 1 << (bound / VALUE_MAX as u64).clamp(1, SHARDS_MAX).ilog2();
        let options = OptionsBuilder::new()
            .shards(shards)
            .estimated_items_capacity((bound / TYPICAL_BYTES) as usize)
            .weight_capacity(bound / shards as u64 * shards as u64)
            .build()
            .expect("both capacities are given");
        let slots = Cache::with_options(options, Weight, hasher.clone(), Evicted(Arc::clone(&evictions)));
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
        let mut allowed = Some(allowed);
        let mut is_allowed = || allowed.take().is_some_and(|allowed| allowed());
        // Replaced in place, so that no reader finds nothing meanwhile and takes an older value from below.
        let outcome = self.slots.entry(&key, None, |_, held| {
            if held.life.stamp > slot.life.stamp || !is_allowed() {
                return EntryAction::Retain((Arc::clone(held), false));
            }
            slot.area.grew(i64::from(slot.bytes) - i64::from(held.bytes));
            let grown = slot.bytes > held.bytes;
            let old = mem::replace(held, Arc::clone(&slot));
            debug_assert!(Arc::ptr_eq(&old.area, &slot.area), "a key belongs to one region");
            EntryAction::Retain((Arc::clone(held), grown))
        });
        match outcome {
            EntryResult::Retained((stands, grown)) => {
                if grown && self.slots.weight() > self.bound {
                    self.slots.set_capacity(self.slots.capacity());
                }
                stands
            }
            EntryResult::Vacant(place) => {
                if is_allowed() {
                    offered.area.grew(i64::from(offered.bytes));
                    // Nobody else can have filled or removed the place: every write goes through `entry`.
                    if place.insert(Arc::clone(&offered)).is_err() {
                        offered.area.grew(-i64::from(offered.bytes));
                    }
                }
                offered
            }
            EntryResult::Removed(..) | EntryResult::Replaced(..) | EntryResult::Timeout => offered,
        }
    }

    /// Lets go of whatever is older than this stamp.
    pub(crate) fn drop_older(&self, key: &Key, stamp: u64) {
        let outcome = self.slots.entry(key, None, |_, held| {
            if held.life.stamp < stamp { EntryAction::Remove } else { EntryAction::Retain(()) }
        });
        if let EntryResult::Removed(_, gone) = outcome {
            gone.area.grew(-i64::from(gone.bytes));
        }
    }

    /// Lets go of everything, as want of room may at any time.
    #[cfg(test)]
    pub(crate) fn evict_all(&self) {
        self.slots.drain().for_each(|(_, gone)| gone.area.grew(-i64::from(gone.bytes)));
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.slots.weight()
    }

    pub(crate) fn entries(&self) -> u64 {
        self.slots.len() as u64
    }

    pub(crate) fn bound(&self) -> u64 {
        self.bound
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }
}

/// What a slot counts for in the bound.
#[derive(Clone)]
struct Weight;

impl Weighter<Key, Arc<Slot>> for Weight {
    fn weight(&self, key: &Key, slot: &Arc<Slot>) -> u64 {
        u64::from(slot.bytes) + key.text.len() as u64 + u64::from(SLOT_BYTES)
    }
}

/// Counts what had to go for want of room.
#[derive(Clone)]
struct Evicted(Arc<AtomicU64>);

impl Lifecycle<Key, Arc<Slot>> for Evicted {
    /// What was evicted is let go after the lock.
    type RequestState = Vec<Arc<Slot>>;

    fn on_evict(&self, gone: &mut Self::RequestState, _: Key, slot: Arc<Slot>) {
        slot.area.grew(-i64::from(slot.bytes));
        slot.area.counters.count(Event::Evicted);
        self.0.fetch_add(1, Ordering::Relaxed);
        gone.push(slot);
    }
}
