//! A segment: one file of records, appended to until it is full.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Files are counted in blocks of this size, as the disk keeps them.
const BLOCK: u64 = 4096;

pub(super) struct Segment {
    /// Grows from segment to segment.
    pub(super) id: u64,
    /// Random; it seeds every checksum in the file, and stands in the file's name.
    pub(super) salt: u64,
    /// Where [`Segments`] holds it.
    pub(super) slot: u16,
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// The entries of the index that stand in it.
    pub(super) live: AtomicU32,
    /// When the last of them has no meaning any more, in Unix seconds.
    pub(super) hold_until_s: AtomicU32,
    /// The bytes it takes on the disk, once it is full.
    pub(super) bytes: AtomicU64,
}

/// The bytes that a file of this length takes.
pub(super) fn on_disk(len: u64) -> u64 {
    len.next_multiple_of(BLOCK)
}

pub(super) fn path_of(folder: &Path, id: u64, salt: u64) -> PathBuf {
    folder.join(format!("{id:010}-{salt:016x}.log"))
}

/// The id and salt in the name of a segment's file.
pub(super) fn parse_name(name: &str) -> Option<(u64, u64)> {
    let (id, salt) = name.strip_suffix(".log")?.split_once('-')?;
    let digits = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
    if id.len() < 10 || !id.bytes().all(|byte| byte.is_ascii_digit()) || !digits(salt, 16) {
        return None;
    }
    // An id beyond any that the writer reaches is not its own.
    let id = id.parse().ok().filter(|id| *id < u64::MAX / 2)?;
    Some((id, u64::from_str_radix(salt, 16).ok()?))
}

/// The segments by slot. A reader asks for one while it holds the index shard of an entry that stands in it;
/// a segment leaves only after all its entries have left the index, so what is asked for is there.
#[derive(Default)]
pub(super) struct Segments(RwLock<Vec<Option<Arc<Segment>>>>);

impl Segments {
    pub(super) fn get(&self, slot: u16) -> Option<Arc<Segment>> {
        self.read().get(usize::from(slot))?.clone()
    }

    /// The lowest free slot.
    pub(super) fn free_slot(&self) -> Option<u16> {
        let slots = self.read();
        let free = slots.iter().position(Option::is_none).unwrap_or(slots.len());
        u16::try_from(free).ok()
    }

    pub(super) fn insert(&self, segment: Arc<Segment>) {
        let mut slots = self.write();
        let slot = usize::from(segment.slot);
        if slots.len() <= slot {
            slots.resize(slot + 1, None);
        }
        slots[slot] = Some(segment);
    }

    pub(super) fn remove(&self, slot: u16) {
        if let Some(held) = self.write().get_mut(usize::from(slot)) {
            *held = None;
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Option<Arc<Segment>>>> {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Option<Arc<Segment>>>> {
        self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
