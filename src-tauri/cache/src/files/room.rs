//! How the level stays within its bytes: the oldest segments go, and what was read of them stays.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::contents::contents_len;
use super::frame::{Frame, Kind, body, framed};
use super::segment::{Segment, on_disk};
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

    /// The bytes on the disk.
    pub(super) fn bytes(&self) -> u64 {
        self.full_bytes + self.active.as_ref().map_or(0, |active| on_disk(active.end))
    }

    /// The bytes on the disk once a record of this length and all lists of contents are written.
    fn bytes_with(&self, len: u64) -> u64 {
        let alone = on_disk(len + contents_len(1));
        let active = self.active.as_ref().map_or(alone, |active| {
            let full = active.end + len > self.log.sizes.segment && !active.items.is_empty();
            let items = active.items.len();
            if full {
                on_disk(active.end + contents_len(items)) + alone
            } else {
                on_disk(active.end + len + contents_len(items + 1))
            }
        });
        self.full_bytes + active
    }
}
