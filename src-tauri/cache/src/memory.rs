//! L1: decoded values in this process, bounded in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::notification::RemovalCause;
use moka::ops::compute::Op;
use moka::sync::Cache;

use crate::entry::Slot;
use crate::name::FullKey;

/// The bytes that a slot costs beside its value: keys, meta data and moka's own nodes.
const SLOT_BYTES: u32 = 256;

pub(crate) struct Memory {
    slots: Cache<FullKey, Slot>,
    evictions: Arc<AtomicU64>,
}

impl Memory {
    pub(crate) fn new(bound: u64) -> Self {
        let evictions = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&evictions);
        let slots = Cache::builder()
            .max_capacity(bound)
            .weigher(|key: &FullKey, slot: &Slot| {
                slot.bytes.saturating_add(key.key.len() as u32).saturating_add(SLOT_BYTES)
            })
            .expire_after(UntilDead)
            .eviction_listener(move |_, _, cause| {
                if cause == RemovalCause::Size {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            })
            .build();
        Self { slots, evictions }
    }

    pub(crate) fn get(&self, key: &FullKey) -> Option<Slot> {
        self.slots.get(key)
    }

    /// Puts the slot unless a newer one stands there; returns the slot that stands there now.
    pub(crate) fn put(&self, key: FullKey, slot: Slot) -> Slot {
        let offered = slot.clone();
        let outcome = self.slots.entry(key).and_compute_with(|held| match held {
            Some(held) if held.value().meta.stamp > slot.meta.stamp => Op::Nop,
            _ => Op::Put(slot),
        });
        outcome.into_entry().map_or(offered, moka::Entry::into_value)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.slots.weighted_size()
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }
}

/// Frees a slot once it may not even serve as stale any more. Whether a slot is fresh is decided at the read,
/// by both clocks; this only bounds how long a dead one takes up room.
struct UntilDead;

impl UntilDead {
    fn life(slot: &Slot) -> Option<Duration> {
        Some(Duration::from_millis(slot.meta.ttl_ms.saturating_add(slot.meta.max_stale_ms).max(1) as u64))
    }
}

impl Expiry<FullKey, Slot> for UntilDead {
    fn expire_after_create(&self, _: &FullKey, slot: &Slot, _: Instant) -> Option<Duration> {
        Self::life(slot)
    }

    fn expire_after_update(
        &self,
        _: &FullKey,
        slot: &Slot,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Self::life(slot)
    }
}
