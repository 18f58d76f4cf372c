//! What the index holds of a key: 24 bytes.

use super::contents::Item;
use super::frame::Kind;

/// The newest record of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) stamp: u64,
    pub(super) offset: u32,
    flags_and_len: u32,
    /// Until then the entry must stay, in Unix seconds: no record of the key that it replaced may be served
    /// after that either, so that none comes back once this one has gone.
    pub(super) hold_until_s: u32,
    pub(super) segment: u16,
    pub(super) region: u16,
}

/// The entry has no value: it was removed, or its record is damaged.
const GONE: u32 = 1 << 31;
/// The entry was read since it was written.
const TOUCHED: u32 = 1 << 30;

impl Entry {
    pub(super) fn new(item: &Item, segment: u16, region: u16) -> Self {
        let Item { stamp, offset, dead_at_s: hold_until_s, kind, body_len, .. } = *item;
        let flags_and_len = if kind == Kind::Value { body_len } else { body_len | GONE };
        Self { stamp, offset, flags_and_len, hold_until_s, segment, region }
    }

    pub(super) fn body_len(&self) -> u32 {
        self.flags_and_len & !(GONE | TOUCHED)
    }

    pub(super) fn is_gone(&self) -> bool {
        self.flags_and_len & GONE != 0
    }

    /// Takes the value away; the entry then holds against values up to `stamp`.
    pub(super) fn disown(&mut self, stamp: u64) {
        self.flags_and_len |= GONE;
        self.stamp = self.stamp.max(stamp);
    }

    pub(super) fn touch(&mut self) {
        self.flags_and_len |= TOUCHED;
    }

    pub(super) fn was_touched(&self) -> bool {
        self.flags_and_len & TOUCHED != 0
    }

    pub(super) fn stands_at(&self, segment: u16, offset: u32) -> bool {
        self.segment == segment && self.offset == offset
    }

    /// Orders the records of one key; at the start, slots of segments grow with their age.
    pub(super) fn rank(&self) -> (u64, u16, u32) {
        (self.stamp, self.segment, self.offset)
    }
}
