//! How the level stays within its bytes: the oldest segments go, and what was read of them stays.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::contents::{Item, write_contents};
use super::frame::{Frame, Kind, body, framed};
use super::load::list;
use super::scan::read_contents;
use super::segment::Segment;
use super::writer::Writer;

/// The bytes of the folder itself.
const FOLDER: u64 = 4096;

/// A record that outlives its segment.
struct Kept {
    frame: Frame,
    record: Vec<u8>,
}

impl Writer {
    /// Drops segments until a record of this length fits.
    ///
    /// From the first of them, what was read since it was written moves to the newest segment, up to a quarter
    /// of the dropped one's bytes; its mark is cleared by the move.
    pub(super) fn make_room(&mut self, len: u64) -> io::Result<()> {
        self.drop_expired()?;
        if self.fits(len) {
            return Ok(());
        }
        if let Some(oldest) = self.oldest() {
            let kept = self.worth_keeping(&oldest);
            self.evict(&oldest)?;
            for Kept { frame, record } in kept {
                self.drop_until_fit(frame.len().into())?;
                self.write(&frame, body(&record))?;
                self.log.evictions.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.drop_until_fit(len)
    }

    fn drop_until_fit(&mut self, len: u64) -> io::Result<()> {
        while !self.fits(len)
            && let Some(oldest) = self.oldest()
        {
            self.evict(&oldest)?;
        }
        Ok(())
    }

    fn evict(&mut self, segment: &Arc<Segment>) -> io::Result<()> {
        let entries = segment.live.load(Ordering::Relaxed);
        self.log.evictions.fetch_add(entries.into(), Ordering::Relaxed);
        self.drop_segment(segment)
    }

    /// Drops segments until the level is within its bound as it is.
    pub(super) fn shrink(&mut self) -> io::Result<()> {
        self.drop_until_fit(0)
    }

    fn fits(&self, len: u64) -> bool {
        FOLDER + self.bytes_with(len) <= self.log.sizes.bound
            && self.log.index.len() < self.log.sizes.entries_max()
    }

    fn oldest(&self) -> Option<Arc<Segment>> {
        self.segments.first_key_value().map(|(_, segment)| Arc::clone(segment))
    }

    /// The segment's records that were read, and the removals that still hold against a late value.
    fn worth_keeping(&self, segment: &Segment) -> Vec<Kept> {
        let (log, now_s) = (&self.log, self.log.now_s());
        let mut room = self.segment_end(segment) / 4;
        let mut kept = Vec::new();
        for item in self.items_of(segment).unwrap_or_default() {
            let len = u64::from(framed(item.body_len));
            let Some(entry) = log.index.get(item.hash) else { continue };
            let stands = entry.stands_at(segment.slot, item.offset) && entry.stamp == item.stamp;
            let wanted = item.kind == Kind::Removal || (entry.was_touched() && !entry.is_gone());
            if !stands || !wanted || item.dead_at_s <= now_s || len > room {
                continue;
            }
            let Ok(Some((frame, record))) = log.read_record(segment, &entry) else { continue };
            room -= len;
            kept.push(Kept { frame, record });
        }
        kept
    }

    fn segment_end(&self, segment: &Segment) -> u64 {
        match &self.active {
            Some(active) if active.segment.id == segment.id => active.end,
            _ => segment.bytes.load(Ordering::Relaxed),
        }
    }

    /// Drops the full segments whose entries have all expired, at most once a second.
    fn drop_expired(&mut self) -> io::Result<()> {
        let now_s = self.log.now_s();
        if now_s == self.expired_at_s {
            return Ok(());
        }
        self.expired_at_s = now_s;
        let active = self.active.as_ref().map(|active| active.segment.id);
        let is_over = |segment: &&Arc<Segment>| {
            segment.hold_until_s.load(Ordering::Relaxed) <= now_s && Some(segment.id) != active
        };
        let over: Vec<_> = self.segments.values().filter(is_over).cloned().collect();
        over.iter().try_for_each(|segment| self.drop_segment(segment))
    }

    /// Removes the segment's entries and then its file. Where the file cannot be removed it is emptied.
    pub(super) fn drop_segment(&mut self, segment: &Arc<Segment>) -> io::Result<()> {
        if segment.live.load(Ordering::Relaxed) > 0 {
            self.forget_entries(segment);
        }
        let (disk, file) = (Arc::clone(&self.log.disk), &segment.file);
        match disk.remove(&segment.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let empty = write_contents(&[], segment.salt, 0);
                disk.write_all_at(file, &empty, 0)?;
                disk.set_len(file, empty.len() as u64)?;
            }
            _ => {}
        }
        if self.active.as_ref().is_some_and(|active| active.segment.id == segment.id) {
            self.active = None;
        }
        self.log.segments.remove(segment.slot);
        if self.segments.remove(&segment.id).is_some() {
            self.full_bytes -= segment.bytes.load(Ordering::Relaxed);
        }
        Ok(())
    }

    fn forget_entries(&self, segment: &Segment) {
        let index = &self.log.index;
        match self.items_of(segment) {
            Some(items) => items.iter().for_each(|item| index.forget(item.hash, segment.slot, item.offset)),
            None => index.sweep(|entry| entry.segment == segment.slot),
        }
        segment.live.store(0, Ordering::Relaxed);
    }

    /// What stands in the segment; `None` where the list of it cannot be read any more.
    fn items_of(&self, segment: &Segment) -> Option<Vec<Item>> {
        if let Some(active) = &self.active
            && active.segment.id == segment.id
        {
            return Some(active.items.clone());
        }
        let size = segment.file.metadata().ok()?.len();
        read_contents(&*self.log.disk, &segment.file, segment.salt, size).ok()?.map(|(_, items)| items)
    }

    /// Forgets everything and removes every file.
    fn clear(&mut self) -> io::Result<()> {
        let all: Vec<_> = self.segments.values().cloned().collect();
        all.iter().try_for_each(|segment| self.drop_segment(segment))?;
        self.log.bytes.store(self.bytes(), Ordering::Relaxed);
        Ok(())
    }

    /// Starts anew if the files were taken away; what is left of them goes too, for it lacks what was in the
    /// others.
    pub(super) fn notice_lost_files(&mut self) -> io::Result<()> {
        let Some(active) = &self.active else { return Ok(()) };
        if self.log.disk.exists(&active.segment.path)? {
            return Ok(());
        }
        tracing::warn!(folder = %self.log.folder.display(), "the files of the cache were taken away");
        self.clear()?;
        for (_, _, path) in list(&self.log.folder).unwrap_or_default() {
            self.log.disk.remove(&path)?;
        }
        Ok(())
    }
}
