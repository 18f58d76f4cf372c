//! What readers and the writer share, and the read itself, which needs no lock of the writer.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use xxhash_rust::xxh3::Xxh3;

use super::disk::Disk;
use super::entry::Entry;
use super::frame::{Frame, body, framed};
use super::index::Index;
use super::segment::{Segment, Segments};
use crate::Clock;
use crate::codec;
use crate::entry::{Meta, Record};
use crate::name::FullKey;

/// The bounds of the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    /// The bytes on the disk, in whole blocks, with the lists of contents yet to be written.
    pub(super) bound: u64,
    /// When a segment is full. A larger record has one of its own.
    pub(super) segment: u64,
}

/// The most entries of a level of any size.
const ENTRIES_MAX: u64 = 4 << 20;

impl Sizes {
    pub(super) fn for_bound(bound: u64) -> Self {
        Self { bound, segment: (bound / 64).clamp(64 << 10, 1 << 30) }
    }

    /// The largest record, so that none drives out more than a quarter of the others.
    pub(super) fn record_max(&self) -> u64 {
        self.bound / 4
    }

    /// The most entries, so that the index in memory is bounded too: it takes 38 to 76 bytes for each.
    pub(super) fn entries_max(&self) -> usize {
        (self.bound / 256).min(ENTRIES_MAX) as usize
    }
}

pub(super) struct Log {
    pub(super) folder: PathBuf,
    pub(super) sizes: Sizes,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) clock: Clock,
    pub(super) index: Index,
    pub(super) segments: Segments,
    pub(super) regions: Regions,
    /// The bytes on the disk.
    pub(super) bytes: AtomicU64,
    /// The newest stamp of any record.
    pub(super) newest_stamp: AtomicU64,
    /// Entries that were dropped for want of room since the start.
    pub(super) evictions: AtomicU64,
}

/// Records up to this length are read and checked where they are asked for, if the system holds them in memory:
/// that takes a fraction of the time in which another thread could be woken.
const AT_ONCE_MAX: u32 = 128 << 10;

/// A record that a reader is about to read. It holds the file open, so that the record can be read even if
/// its segment is dropped meanwhile.
pub(super) struct Place {
    segment: Arc<Segment>,
    entry: Entry,
    hash: u64,
}

impl Log {
    pub(super) fn new(folder: PathBuf, sizes: Sizes, disk: Arc<dyn Disk>, clock: Clock) -> Self {
        Self {
            folder,
            sizes,
            disk,
            clock,
            index: Index::default(),
            segments: Segments::default(),
            regions: Regions::default(),
            bytes: AtomicU64::new(0),
            newest_stamp: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
        }
    }

    /// Where the key's value stands. Nothing is read from the disk.
    pub(super) fn find(&self, key: &FullKey) -> Option<Place> {
        let hash = hash_of(key);
        self.index.touch(hash, self.now_s(), |entry| {
            Some(Place { segment: self.segments.get(entry.segment)?, entry: *entry, hash })
        })?
    }

    /// Reads the value if that takes no waiting for the disk and little work.
    pub(super) fn read_at_once(&self, place: &Place, key: &FullKey) -> Option<Option<Record>> {
        let Place { segment, entry, .. } = place;
        if framed(entry.body_len()) > AT_ONCE_MAX {
            return None;
        }
        let mut bytes = vec![0; framed(entry.body_len()) as usize];
        let read = self.disk.read_at_once(&segment.file, &mut bytes, entry.offset.into());
        read.then(|| self.checked(place, key, &bytes))
    }

    /// Reads the value, on a thread that may wait.
    pub(super) fn read(&self, place: &Place, key: &FullKey) -> io::Result<Option<Record>> {
        let bytes = self.read_bytes(&place.segment, &place.entry)?;
        Ok(self.checked(place, key, &bytes))
    }

    /// The value in a record's bytes. A damaged one is `None`, and is not read again.
    fn checked(&self, place: &Place, key: &FullKey, bytes: &[u8]) -> Option<Record> {
        let Place { segment, entry, hash } = place;
        if self.frame_of(segment, entry, bytes).is_none() {
            tracing::debug!(path = %segment.path.display(), offset = entry.offset, "a damaged record was found");
            self.index.disown(*hash, entry, entry.stamp);
            return None;
        }
        let record = codec::decode(key, body(bytes));
        record.filter(|record| dead_at_ms(&record.meta) > self.clock.now().wall_ms)
    }

    /// The whole record's bytes, unless they are not what was written there.
    pub(super) fn read_record(
        &self,
        segment: &Segment,
        entry: &Entry,
    ) -> io::Result<Option<(Frame, Vec<u8>)>> {
        let bytes = self.read_bytes(segment, entry)?;
        Ok(self.frame_of(segment, entry, &bytes).map(|frame| (frame, bytes)))
    }

    /// Fewer bytes than the record has where the file ends before it.
    fn read_bytes(&self, segment: &Segment, entry: &Entry) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; framed(entry.body_len()) as usize];
        match self.disk.read_exact_at(&segment.file, &mut bytes, entry.offset.into()) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Vec::new()),
            outcome => outcome.map(|()| bytes),
        }
    }

    fn frame_of(&self, segment: &Segment, entry: &Entry, bytes: &[u8]) -> Option<Frame> {
        let frame = Frame::read(bytes, segment.salt, entry.offset.into())?;
        (frame.stamp == entry.stamp && frame.body_len == entry.body_len()).then_some(frame)
    }

    pub(super) fn now_s(&self) -> u32 {
        seconds(self.clock.now().wall_ms)
    }

    pub(super) fn saw_stamp(&self, stamp: u64) {
        self.newest_stamp.fetch_max(stamp, Ordering::Relaxed);
    }
}

/// The region's name and the key, so that no text in one can reach into the other.
pub(super) fn hash_of(key: &FullKey) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&(key.region.len() as u64).to_le_bytes());
    hash.update(key.region.as_bytes());
    hash.update(key.key.as_bytes());
    hash.digest()
}

/// From then on the value may not even serve as a stale one.
pub(super) fn dead_at_ms(meta: &Meta) -> i64 {
    meta.created_at_ms.saturating_add(meta.ttl_ms).saturating_add(meta.max_stale_ms)
}

fn seconds(ms: i64) -> u32 {
    (ms / 1000).clamp(0, u32::MAX.into()) as u32
}

/// [`dead_at_ms`] in seconds, rounded up.
pub(super) fn dead_at_s(meta: &Meta) -> u32 {
    seconds(dead_at_ms(meta).saturating_add(999))
}

/// Short numbers for regions, valid in this process only.
#[derive(Default)]
pub(super) struct Regions(
    /// Guards the numbers given out; held for single look-ups.
    Mutex<HashMap<u32, u16>>,
);

/// Regions beyond the 65,535th share a number; what they hold is not freed early.
pub(super) const OTHER_REGIONS: u16 = 0;

impl Regions {
    /// The hashes of the regions that something was found or written of; `None` where not all have a number.
    pub(super) fn all(&self) -> Option<Vec<u32>> {
        let numbers = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        (numbers.len() < usize::from(u16::MAX)).then(|| numbers.keys().copied().collect())
    }

    pub(super) fn number(&self, hash: u32) -> u16 {
        let mut numbers = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let next = u16::try_from(numbers.len() + 1).unwrap_or(OTHER_REGIONS);
        if next == OTHER_REGIONS {
            return numbers.get(&hash).copied().unwrap_or(OTHER_REGIONS);
        }
        *numbers.entry(hash).or_insert(next)
    }
}
