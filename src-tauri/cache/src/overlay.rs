//! What a level should hold but may not hold yet: writes on their way, and writes that it failed.
//!
//! While a key stands here, what the level itself says of it is not asked: it may be older. One key stands
//! here once, with its newest write.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::entry::Record;
use crate::name::FullKey;

/// The most keys whose failed writes wait. Beyond it the level counts as emptied instead.
pub(crate) const WAITING_MAX: usize = 65_536;
/// The most bytes of values among them. Beyond it a value is let go, and only that the key changed is kept.
const VALUES_MAX: u64 = 8 << 20;

/// A write that the level has yet to take.
#[derive(Clone)]
pub(crate) struct Waiting {
    pub(crate) stamp: u64,
    /// The value; `None` for a removal, and for a value that was let go: whatever is older must not be shown.
    pub(crate) record: Option<Record>,
    failed: bool,
}

#[derive(Default)]
pub(crate) struct Overlay {
    /// Guards the writes; held for look-ups and single changes.
    writes: Mutex<Writes>,
    /// The number of keys in it, so that a read of a level at peace takes no lock.
    count: AtomicUsize,
    /// How many of them have failed.
    failed: AtomicUsize,
}

#[derive(Default)]
struct Writes {
    by_key: HashMap<FullKey, Waiting>,
    failed: usize,
    value_bytes: u64,
}

/// What [`Overlay::fail`] asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Left,
    /// There were too many; they are forgotten, and what the level holds up to this stamp must not be shown.
    Overflowed {
        up_to: u64,
    },
}

impl Overlay {
    /// Notes a write that is about to be tried, unless a newer one stands here.
    pub(crate) fn begin(&self, key: &FullKey, stamp: u64) {
        let mut writes = self.lock();
        if writes.by_key.get(key).is_none_or(|held| held.stamp < stamp) {
            writes.put(key, Waiting { stamp, record: None, failed: false });
        }
        self.publish(&writes);
    }

    /// The level has taken the write.
    pub(crate) fn done(&self, key: &FullKey, stamp: u64) {
        let mut writes = self.lock();
        if writes.by_key.get(key).is_some_and(|held| held.stamp == stamp) {
            writes.take(key);
        }
        self.publish(&writes);
    }

    /// The level has failed the write; it waits, unless a newer one does.
    pub(crate) fn fail(&self, key: &FullKey, stamp: u64, record: Option<Record>) -> Room {
        let mut writes = self.lock();
        if writes.by_key.get(key).is_some_and(|held| held.stamp > stamp) {
            return Room::Left;
        }
        writes.take(key);
        let room = if writes.failed < WAITING_MAX {
            let left = VALUES_MAX - writes.value_bytes;
            let record = record.filter(|record| record.bytes() <= left);
            writes.put(key, Waiting { stamp, record, failed: true });
            Room::Left
        } else {
            let forgotten = writes.by_key.values().filter(|held| held.failed).map(|held| held.stamp);
            let up_to = forgotten.max().unwrap_or(stamp).max(stamp);
            writes.by_key.retain(|_, held| !held.failed);
            (writes.failed, writes.value_bytes) = (0, 0);
            Room::Overflowed { up_to }
        };
        self.publish(&writes);
        room
    }

    /// What stands here for the key.
    pub(crate) fn get(&self, key: &FullKey) -> Option<Waiting> {
        if self.count.load(Ordering::SeqCst) == 0 {
            return None;
        }
        self.lock().by_key.get(key).cloned()
    }

    /// Some of the failed writes.
    pub(crate) fn some_failed(&self, at_most: usize) -> Vec<(FullKey, Waiting)> {
        let writes = self.lock();
        let failed = writes.by_key.iter().filter(|(_, held)| held.failed);
        failed.take(at_most).map(|(key, held)| (key.clone(), held.clone())).collect()
    }

    pub(crate) fn failed(&self) -> usize {
        self.failed.load(Ordering::SeqCst)
    }

    fn publish(&self, writes: &Writes) {
        self.count.store(writes.by_key.len(), Ordering::SeqCst);
        self.failed.store(writes.failed, Ordering::SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, Writes> {
        self.writes.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Writes {
    fn put(&mut self, key: &FullKey, waiting: Waiting) {
        self.take(key);
        self.failed += usize::from(waiting.failed);
        self.value_bytes += waiting.bytes();
        self.by_key.insert(key.clone(), waiting);
    }

    fn take(&mut self, key: &FullKey) {
        if let Some(taken) = self.by_key.remove(key) {
            self.failed -= usize::from(taken.failed);
            self.value_bytes -= taken.bytes();
        }
    }
}

impl Waiting {
    fn bytes(&self) -> u64 {
        self.record.as_ref().map_or(0, Record::bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::entry::Meta;

    fn key(text: &str) -> FullKey {
        FullKey { region: Arc::from("r"), key: Arc::from(text) }
    }

    fn record(bytes: usize) -> Option<Record> {
        let payload = vec![0; bytes];
        Some(Record { meta: Meta::trace(1, 0), kind: String::new(), schema: 1, payload })
    }

    #[test]
    fn the_newest_write_of_a_key_wins_whatever_the_order() {
        let overlay = Overlay::default();
        overlay.begin(&key("a"), 5);
        overlay.fail(&key("a"), 5, record(1));
        overlay.fail(&key("a"), 4, None);
        overlay.begin(&key("a"), 3);
        let held = overlay.get(&key("a")).unwrap_or_else(|| panic!("it waits"));
        assert_eq!((held.stamp, held.record.is_some(), overlay.failed()), (5, true, 1));
        overlay.begin(&key("a"), 6);
        assert_eq!(overlay.failed(), 0, "what is tried anew has not failed yet");
        overlay.done(&key("a"), 5);
        assert!(overlay.get(&key("a")).is_some(), "an older success says nothing of the newer write");
        overlay.done(&key("a"), 6);
        assert!(overlay.get(&key("a")).is_none());
    }

    #[test]
    fn values_are_let_go_at_their_bound_but_never_that_a_key_changed() {
        let overlay = Overlay::default();
        for n in 0..20 {
            overlay.fail(&key(&n.to_string()), n, record(1 << 20));
        }
        let waiting = overlay.some_failed(100);
        assert_eq!(waiting.len(), 20);
        assert_eq!(waiting.iter().filter(|(_, held)| held.record.is_some()).count(), 7);
    }

    #[test]
    fn too_many_keys_empty_the_level_instead() {
        let overlay = Overlay::default();
        for n in 0..WAITING_MAX as u64 {
            assert_eq!(overlay.fail(&key(&n.to_string()), n, None), Room::Left);
        }
        overlay.begin(&key("on its way"), 1 << 40);
        let room = overlay.fail(&key("one more"), 1 << 41, None);
        assert_eq!(room, Room::Overflowed { up_to: 1 << 41 });
        assert_eq!(overlay.failed(), 0);
        assert!(overlay.get(&key("on its way")).is_some());
    }
}
