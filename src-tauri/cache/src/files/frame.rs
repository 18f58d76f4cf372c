//! One record of a segment: a head, a body, and a tail that names the record once more.
//!
//! ```text
//! head, 48 bytes: magic 4 │ kind and body length 4 │ hash 8 │ stamp 8 │ dead at 4 │ region 4 │ body sum 8 │ head sum 8
//! body
//! tail, 24 bytes: hash 8 │ stamp 8 │ kind and body length 4 │ tail sum 4
//! ```
//! Numbers are little-endian. The sums are seeded by the segment's salt and the place in it, so that neither
//! bytes inside a value nor those of another file can pass for a record. The tail is what a search backwards
//! reads: where a head is damaged it still tells which key's record was lost, so that an older record of that
//! key is not taken for its newest.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

pub(super) const HEAD: usize = 48;
pub(super) const TAIL: usize = 24;
/// The last byte is the version of the format.
pub(super) const MAGIC: [u8; 4] = *b"EiC\x01";

const KIND_SHIFT: u32 = 30;
const LEN_MASK: u32 = (1 << KIND_SHIFT) - 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Value,
    /// Holds against older values of its key; it has no body.
    Removal,
    /// The list of all records of a full segment; its last record.
    Contents,
}

impl Kind {
    fn from_bits(bits: u32) -> Option<Self> {
        match bits {
            0 => Some(Self::Value),
            1 => Some(Self::Removal),
            2 => Some(Self::Contents),
            _ => None,
        }
    }
}

/// A kind and a body length in 32 bits.
pub(super) fn pack(kind: Kind, body_len: u32) -> u32 {
    ((kind as u32) << KIND_SHIFT) | (body_len & LEN_MASK)
}

pub(super) fn unpack(packed: u32) -> Option<(Kind, u32)> {
    Some((Kind::from_bits(packed >> KIND_SHIFT)?, packed & LEN_MASK))
}

/// What a head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) body_len: u32,
    /// Of the full key.
    pub(super) hash: u64,
    pub(super) stamp: u64,
    /// When not even a stale value may be served any more, in Unix seconds.
    pub(super) dead_at_s: u32,
    /// Hash of the region's name.
    pub(super) region: u32,
}

impl Frame {
    /// The whole record's bytes.
    pub(super) fn len(&self) -> u32 {
        framed(self.body_len)
    }

    /// Appends the whole record to `out`, to be written at `offset` of the segment with this salt.
    pub(super) fn write(&self, body: &[u8], salt: u64, offset: u64, out: &mut Vec<u8>) {
        let packed = pack(self.kind, self.body_len);
        let start = out.len();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&packed.to_le_bytes());
        out.extend_from_slice(&self.hash.to_le_bytes());
        out.extend_from_slice(&self.stamp.to_le_bytes());
        out.extend_from_slice(&self.dead_at_s.to_le_bytes());
        out.extend_from_slice(&self.region.to_le_bytes());
        out.extend_from_slice(&xxh3_64(body).to_le_bytes());
        let head_sum = xxh3_64_with_seed(&out[start..], salt ^ offset);
        out.extend_from_slice(&head_sum.to_le_bytes());
        out.extend_from_slice(body);
        let tail = out.len();
        out.extend_from_slice(&self.hash.to_le_bytes());
        out.extend_from_slice(&self.stamp.to_le_bytes());
        out.extend_from_slice(&packed.to_le_bytes());
        let tail_sum = xxh3_64_with_seed(&out[tail..], salt ^ offset) as u32;
        out.extend_from_slice(&tail_sum.to_le_bytes());
    }

    /// Reads a head and the body's checksum; `bytes` stood at `offset`.
    pub(super) fn read_head(bytes: &[u8], salt: u64, offset: u64) -> Option<(Self, u64)> {
        let head = bytes.get(..HEAD)?;
        if head[..4] != MAGIC || number64(head, 40) != xxh3_64_with_seed(&head[..40], salt ^ offset) {
            return None;
        }
        let (kind, body_len) = unpack(number32(head, 4))?;
        let frame = Self {
            kind,
            body_len,
            hash: number64(head, 8),
            stamp: number64(head, 16),
            dead_at_s: number32(head, 24),
            region: number32(head, 28),
        };
        Some((frame, number64(head, 32)))
    }

    /// Reads a whole record and checks its [`body`].
    pub(super) fn read(bytes: &[u8], salt: u64, offset: u64) -> Option<Self> {
        let (frame, body_sum) = Self::read_head(bytes, salt, offset)?;
        let whole = bytes.len() == frame.len() as usize && xxh3_64(body(bytes)) == body_sum;
        whole.then_some(frame)
    }
}

/// The body of a whole record.
pub(super) fn body(record: &[u8]) -> &[u8] {
    &record[HEAD..record.len() - TAIL]
}

/// What a tail says of the record that it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) kind: Kind,
    pub(super) hash: u64,
    pub(super) stamp: u64,
    pub(super) body_len: u32,
    /// Where the record starts.
    pub(super) start: u64,
}

impl Tail {
    /// Reads the tail of the record that ends at `end`; `bytes` are the last ones before it.
    pub(super) fn read(bytes: &[u8], salt: u64, end: u64) -> Option<Self> {
        let tail = bytes.get(..TAIL)?;
        let (kind, body_len) = unpack(number32(tail, 16))?;
        let start = end.checked_sub(u64::from(framed(body_len)))?;
        let sum = xxh3_64_with_seed(&tail[..20], salt ^ start) as u32;
        (number32(tail, 20) == sum).then_some(Self {
            kind,
            hash: number64(tail, 0),
            stamp: number64(tail, 8),
            body_len,
            start,
        })
    }
}

/// The bytes of a record with a body of this length.
pub(super) fn framed(body_len: u32) -> u32 {
    body_len + (HEAD + TAIL) as u32
}

/// The little-endian number at `at`; the caller has checked that it is there.
pub(super) fn number64(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

/// As [`number64`].
pub(super) fn number32(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}
