//! Where each key's newest record stands: 32 bytes an entry, and what a hash table adds.
//!
//! A key is known by a 64-bit hash only; the full key stands in the record and is compared at the read. Two
//! keys of one hash displace each other, which costs a miss.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use super::entry::Entry;

pub(super) const SHARDS: usize = 64;

/// The hashes are well mixed already.
#[derive(Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Shard = HashMap<u64, Entry, BuildHasherDefault<AsIs>>;

pub(super) struct Index {
    /// Each guards the entries of its hashes; held for single look-ups, but by a sweep, which walks one.
    shards: Box<[Mutex<Shard>]>,
    len: AtomicUsize,
    values: AtomicUsize,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            len: AtomicUsize::new(0),
            values: AtomicUsize::new(0),
        }
    }
}

impl Index {
    /// Asks for the value's entry and marks it as touched. The shard is held while `then` runs.
    pub(super) fn touch<T>(&self, hash: u64, now_s: u32, then: impl FnOnce(&Entry) -> T) -> Option<T> {
        let mut shard = self.shard(hash);
        let entry = shard.get_mut(&hash).filter(|entry| !entry.is_gone() && entry.hold_until_s > now_s)?;
        entry.touch();
        Some(then(entry))
    }

    pub(super) fn get(&self, hash: u64) -> Option<Entry> {
        self.shard(hash).get(&hash).copied()
    }

    /// Puts the entry in place of an older one, which it returns.
    pub(super) fn insert(&self, hash: u64, mut entry: Entry) -> Option<Entry> {
        let mut shard = self.shard(hash);
        let old = shard.get(&hash).copied();
        if let Some(old) = old {
            entry.hold_until_s = entry.hold_until_s.max(old.hold_until_s);
        }
        shard.insert(hash, entry);
        self.count(old.as_ref(), Some(&entry));
        old
    }

    /// Builds one shard, which is empty, from the records of its hashes in any order: the newest of each key is
    /// kept, and of them those that still hold.
    ///
    /// A shard at a time fits the processor's caches, which makes the start several times as fast.
    pub(super) fn restore_shard(
        &self,
        shard: usize,
        at_most: usize,
        entries: impl Iterator<Item = (u64, Entry)>,
        now_s: u32,
        mut kept: impl FnMut(&Entry),
    ) {
        let mut shard = lock(&self.shards[shard]);
        shard.reserve(at_most);
        for (hash, entry) in entries {
            let held = shard.entry(hash).or_insert(entry);
            let hold_until_s = entry.hold_until_s.max(held.hold_until_s);
            if entry.rank() > held.rank() {
                *held = entry;
            }
            held.hold_until_s = hold_until_s;
        }
        shard.retain(|_, entry| entry.hold_until_s > now_s);
        give_back(&mut shard);
        shard.values().for_each(|entry| {
            self.count(None, Some(entry));
            kept(entry);
        });
    }

    /// Takes the value from the entry that still stands as `seen`, and has it hold against values up to `stamp`.
    pub(super) fn disown(&self, hash: u64, seen: &Entry, stamp: u64) {
        let mut shard = self.shard(hash);
        if let Some(held) = shard.get_mut(&hash)
            && held.stands_at(seen.segment, seen.offset)
        {
            let old = *held;
            held.disown(stamp);
            self.count(Some(&old), Some(held));
        }
    }

    /// Forgets the entry if its record stands there.
    pub(super) fn forget(&self, hash: u64, segment: u16, offset: u32) {
        let mut shard = self.shard(hash);
        if let Some(held) = shard.get(&hash).copied()
            && held.stands_at(segment, offset)
        {
            shard.remove(&hash);
            self.count(Some(&held), None);
        }
    }

    /// Forgets the entries of one shard that `is_over` names; returns false where there is no such shard.
    pub(super) fn sweep_shard(&self, shard: usize, mut is_over: impl FnMut(&Entry) -> bool) -> bool {
        let Some(shard) = self.shards.get(shard) else { return false };
        let mut shard = lock(shard);
        shard.retain(|_, entry| {
            let over = is_over(entry);
            if over {
                self.count(Some(entry), None);
            }
            !over
        });
        give_back(&mut shard);
        true
    }

    /// As [`sweep_shard`](Self::sweep_shard), over all of them.
    pub(super) fn sweep(&self, mut is_over: impl FnMut(&Entry) -> bool) {
        let mut shard = 0;
        while self.sweep_shard(shard, &mut is_over) {
            shard += 1;
        }
    }

    /// Entries with a value and without.
    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Entries with a value.
    pub(super) fn values(&self) -> usize {
        self.values.load(Ordering::Relaxed)
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        lock(&self.shards[shard_of(hash)])
    }

    fn count(&self, before: Option<&Entry>, after: Option<&Entry>) {
        let has_value = |entry: Option<&Entry>| entry.is_some_and(|entry| !entry.is_gone());
        change(&self.len, before.is_some(), after.is_some());
        change(&self.values, has_value(before), has_value(after));
    }
}

/// The shard of a hash. The hash table uses its lowest and highest bits itself.
pub(super) fn shard_of(hash: u64) -> usize {
    (hash >> 40) as usize % SHARDS
}

/// Gives room back that a shard has far too much of.
fn give_back(shard: &mut Shard) {
    if shard.capacity() > 4 * shard.len() {
        shard.shrink_to_fit();
    }
}

fn change(counter: &AtomicUsize, before: bool, after: bool) {
    match (before, after) {
        (false, true) => counter.fetch_add(1, Ordering::Relaxed),
        (true, false) => counter.fetch_sub(1, Ordering::Relaxed),
        _ => 0,
    };
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
