//! The segment that is being appended to: started, kept ready, ended.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::contents::{Item, write_contents};
use super::segment::{Segment, on_disk, path_of};
use super::writer::Writer;

/// The segment that is being appended to.
pub(super) struct Active {
    pub(super) segment: Arc<Segment>,
    pub(super) items: Vec<Item>,
    /// Where the next record goes.
    pub(super) end: u64,
    /// Bytes of a failed write may stand after the end.
    pub(super) torn: bool,
}

impl Active {
    pub(super) fn new(segment: Arc<Segment>, items: Vec<Item>, end: u64) -> Self {
        Self { segment, items, end, torn: false }
    }
}

impl Writer {
    /// Sees to it that the active segment can take a record of this length.
    pub(super) fn ready(&mut self, len: u64) -> io::Result<()> {
        if let Some(active) = &mut self.active {
            if active.torn {
                self.log.disk.set_len(&active.segment.file, active.end)?;
                active.torn = false;
            }
            if !active.items.is_empty() && active.end + len > self.log.sizes.segment {
                self.seal()?;
            }
        }
        if self.active.is_none() {
            self.start_segment()?;
        }
        Ok(())
    }

    fn start_segment(&mut self) -> io::Result<()> {
        let no_slot = || io::Error::other("the file level has too many segments");
        let (log, id) = (&self.log, self.next_id);
        let (salt, slot) = (RandomState::new().hash_one(id), log.segments.free_slot().ok_or_else(no_slot)?);
        let path = path_of(&log.folder, id, salt);
        log.disk.create_folder(&log.folder)?;
        let file = log.disk.create(&path)?;
        let (live, hold_until_s, bytes) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU64::new(0));
        let segment = Arc::new(Segment { id, salt, slot, path, file, live, hold_until_s, bytes });
        log.segments.insert(Arc::clone(&segment));
        self.segments.insert(id, Arc::clone(&segment));
        self.next_id += 1;
        self.active = Some(Active::new(segment, Vec::new(), 0));
        Ok(())
    }

    /// Ends the active segment with the list of its contents.
    pub(super) fn seal(&mut self) -> io::Result<()> {
        let Some(active) = &mut self.active else { return Ok(()) };
        let segment = Arc::clone(&active.segment);
        let contents = write_contents(&active.items, segment.salt, active.end);
        if let Err(error) = self.log.disk.write_all_at(&segment.file, &contents, active.end) {
            active.torn = self.log.disk.set_len(&segment.file, active.end).is_err();
            return Err(error);
        }
        let bytes = on_disk(active.end + contents.len() as u64);
        segment.bytes.store(bytes, Ordering::Relaxed);
        self.full_bytes += bytes;
        self.active = None;
        if segment.live.load(Ordering::Relaxed) == 0 {
            self.drop_segment(&segment)?;
        }
        Ok(())
    }
}
