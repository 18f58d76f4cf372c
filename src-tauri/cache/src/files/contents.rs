//! The list of a segment's records: kept while it is written, and its last record once it is full, so that
//! opening the level need not read the values.

use super::frame::{Frame, HEAD, Kind, TAIL, framed, number32, number64, pack, unpack};

/// One record, as the list has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) hash: u64,
    pub(super) stamp: u64,
    pub(super) offset: u32,
    pub(super) dead_at_s: u32,
    pub(super) region: u32,
    pub(super) kind: Kind,
    pub(super) body_len: u32,
}

/// The bytes of an item.
const ITEM: usize = 32;

impl Item {
    pub(super) fn new(frame: &Frame, offset: u32) -> Self {
        let Frame { kind, body_len, hash, stamp, dead_at_s, region } = *frame;
        Self { hash, stamp, offset, dead_at_s, region, kind, body_len }
    }

    /// Where the next record starts.
    pub(super) fn end(&self) -> u64 {
        u64::from(self.offset) + u64::from(framed(self.body_len))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.hash.to_le_bytes());
        out.extend_from_slice(&self.stamp.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.dead_at_s.to_le_bytes());
        out.extend_from_slice(&self.region.to_le_bytes());
        out.extend_from_slice(&pack(self.kind, self.body_len).to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (kind, body_len) = unpack(number32(bytes, 28))?;
        Some(Self {
            hash: number64(bytes, 0),
            stamp: number64(bytes, 8),
            offset: number32(bytes, 16),
            dead_at_s: number32(bytes, 20),
            region: number32(bytes, 24),
            kind,
            body_len,
        })
    }
}

/// The bytes that the list of this many records will take.
pub(super) fn contents_len(items: usize) -> u64 {
    (items * ITEM + HEAD + TAIL) as u64
}

/// The list as the record to be written at `offset`.
pub(super) fn write_contents(items: &[Item], salt: u64, offset: u64) -> Vec<u8> {
    let mut body = Vec::with_capacity(items.len() * ITEM);
    items.iter().for_each(|item| item.write(&mut body));
    let frame = Frame {
        kind: Kind::Contents,
        body_len: body.len() as u32,
        hash: 0,
        stamp: 0,
        dead_at_s: 0,
        region: 0,
    };
    let mut out = Vec::with_capacity(frame.len() as usize);
    frame.write(&body, salt, offset, &mut out);
    out
}

/// The items in the body of a list that stands at `end`; none may reach beyond it.
pub(super) fn read_items(body: &[u8], end: u64) -> Option<Vec<Item>> {
    body.chunks_exact(ITEM).map(|bytes| Item::read(bytes).filter(|item| item.end() <= end)).collect()
}
