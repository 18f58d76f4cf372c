//! How a segment goes, and what is done when its file has gone by itself.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::contents::{Item, write_contents};
use super::load::list;
use super::scan::read_contents;
use super::segment::Segment;
use super::writer::Writer;

impl Writer {
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
    pub(super) fn items_of(&self, segment: &Segment) -> Option<Vec<Item>> {
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
