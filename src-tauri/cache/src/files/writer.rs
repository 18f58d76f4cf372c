//! The writer: there is one, and it appends to one segment.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::active::Active;
use super::contents::Item;
use super::entry::Entry;
use super::frame::{Frame, Kind};
use super::log::{Log, dead_at_s, hash_of};
use super::segment::Segment;
use super::sweep::Sweep;
use crate::codec;
use crate::entry::{Meta, Record};
use crate::name::FullKey;
use crate::name::region_hash;
use crate::tier::TierError;

pub(super) struct Writer {
    pub(super) log: Arc<Log>,
    /// All of them by age, the active one too.
    pub(super) segments: BTreeMap<u64, Arc<Segment>>,
    pub(super) active: Option<Active>,
    /// The bytes of the full segments.
    pub(super) full_bytes: u64,
    pub(super) next_id: u64,
    pub(super) sweeps: Vec<Sweep>,
    /// When expired segments were last looked for.
    pub(super) expired_at_s: u32,
    /// Taken again for each record.
    pub(super) buffer: Vec<u8>,
}

/// A buffer larger than this is given back after use.
const BUFFER_KEPT: usize = 1 << 20;

impl Writer {
    /// Writes the value unless a newer one or a removal stands there.
    pub(super) fn put(&mut self, key: &FullKey, record: &Record) -> Result<(), TierError> {
        let hash = hash_of(key);
        if self.is_older(hash, record.meta.stamp) {
            return Ok(());
        }
        let body = codec::encode(key, record)?;
        let frame = frame(Kind::Value, key, &record.meta, body.len() as u32);
        if u64::from(frame.len()) > self.log.sizes.record_max() {
            tracing::debug!(region = %key.region, bytes = body.len(), "a value too large for the file level");
            return self.append(&Frame { kind: Kind::Removal, body_len: 0, ..frame }, &[]);
        }
        self.append(&frame, &body)
    }

    pub(super) fn remove(&mut self, key: &FullKey, stamp: u64, now_ms: i64) -> Result<(), TierError> {
        if self.is_older(hash_of(key), stamp) {
            return Ok(());
        }
        self.append(&frame(Kind::Removal, key, &Meta::trace(stamp, now_ms), 0), &[])
    }

    fn is_older(&self, hash: u64, stamp: u64) -> bool {
        self.log.index.get(hash).is_some_and(|held| held.stamp > stamp)
    }

    fn append(&mut self, frame: &Frame, body: &[u8]) -> Result<(), TierError> {
        let written = self.make_room(frame.len().into()).and_then(|()| self.write(frame, body));
        if written.is_err() {
            self.disown(frame.hash, frame.stamp);
        }
        self.log.bytes.store(self.bytes(), Ordering::Relaxed);
        Ok(written?)
    }

    /// Writes one record; the room for it has been made.
    pub(super) fn write(&mut self, frame: &Frame, body: &[u8]) -> io::Result<()> {
        self.ready(frame.len().into())?;
        let (log, buffer) = (&self.log, &mut self.buffer);
        let Some(active) = &mut self.active else { return Err(io::ErrorKind::NotFound.into()) };
        buffer.clear();
        frame.write(body, active.segment.salt, active.end, buffer);
        if let Err(error) = log.disk.write_all_at(&active.segment.file, buffer, active.end) {
            active.torn = log.disk.set_len(&active.segment.file, active.end).is_err();
            return Err(error);
        }
        let item = Item::new(frame, active.end as u32);
        active.items.push(item);
        active.end += buffer.len() as u64;
        if buffer.capacity() > BUFFER_KEPT {
            *buffer = Vec::new();
        }
        let segment = Arc::clone(&active.segment);
        self.enter(&item, &segment);
        Ok(())
    }

    /// Has the index point to a record that was just written.
    fn enter(&mut self, item: &Item, segment: &Segment) {
        let entry = Entry::new(item, segment.slot, self.log.regions.number(item.region));
        segment.live.fetch_add(1, Ordering::Relaxed);
        let old = self.log.index.insert(item.hash, entry);
        let hold = entry.hold_until_s.max(old.map_or(0, |old| old.hold_until_s));
        segment.hold_until_s.fetch_max(hold, Ordering::Relaxed);
        self.log.saw_stamp(item.stamp);
        if let Some(old) = old {
            self.leave(&old);
        }
    }

    /// The entry has left the index; a full segment without entries is dropped.
    pub(super) fn leave(&mut self, old: &Entry) {
        let Some(segment) = self.log.segments.get(old.segment) else { return };
        let was_last = segment.live.fetch_sub(1, Ordering::Relaxed) == 1;
        let is_active = self.active.as_ref().is_some_and(|active| active.segment.id == segment.id);
        if was_last && !is_active {
            let dropped = self.drop_segment(&segment);
            self.log_failure(dropped);
        }
    }

    /// What was to replace the key's record could not be written: the older value is served no more. Its head
    /// is overwritten where it stands, which needs no room, so that it does not come back at the next start.
    fn disown(&self, hash: u64, stamp: u64) {
        let Some(entry) = self.log.index.get(hash) else { return };
        let segment = self.log.segments.get(entry.segment);
        self.log.index.disown(hash, &entry, stamp);
        if let Some(segment) = segment
            && !entry.is_gone()
        {
            let killed = self.log.disk.write_all_at(&segment.file, &[0; 4], entry.offset.into());
            self.log_failure(killed);
        }
    }

    pub(super) fn log_failure(&self, outcome: io::Result<()>) {
        if let Err(error) = outcome {
            tracing::debug!(folder = %self.log.folder.display(), %error, "the file level could not tidy up");
        }
    }
}

fn frame(kind: Kind, key: &FullKey, meta: &Meta, body_len: u32) -> Frame {
    Frame {
        kind,
        body_len,
        hash: hash_of(key),
        stamp: meta.stamp,
        dead_at_s: dead_at_s(meta),
        region: region_hash(&key.region),
    }
}
