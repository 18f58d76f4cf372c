//! What stands in a segment: from the list at its end, or else from the records themselves.

use std::fs::File;
use std::io;

use super::contents::{Item, read_items};
use super::disk::Disk;
use super::frame::{Frame, HEAD, Kind, MAGIC, TAIL, Tail, body};

/// How much is read at once.
const WINDOW: u64 = 1 << 20;

/// What was found in a segment.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) items: Vec<Item>,
    /// Where the records end.
    pub(super) end: u64,
    /// Whether the end is known to be where the writer ended it.
    pub(super) complete: bool,
    /// Whether an intact list of the contents stands at the end.
    pub(super) listed: bool,
    /// Before this place stood records whose keys nobody knows. Those that stand before it, and those of older
    /// segments, may have been replaced by them.
    pub(super) trusted_from: Option<u64>,
}

/// Reads the list of contents, or searches the whole segment where there is none.
pub(super) fn read_segment(disk: &dyn Disk, file: &File, salt: u64) -> io::Result<Found> {
    let size = file.metadata()?.len().min(u64::from(u32::MAX));
    if let Some((end, items)) = read_contents(disk, file, salt, size)? {
        return Ok(Found { items, end, complete: true, listed: true, trusted_from: None });
    }
    Search { disk, file, salt, size, start: 0, bytes: Vec::new() }.run()
}

/// The list of contents and where it starts, if one ends the file and is intact.
pub(super) fn read_contents(
    disk: &dyn Disk,
    file: &File,
    salt: u64,
    size: u64,
) -> io::Result<Option<(u64, Vec<Item>)>> {
    let Some(at) = size.checked_sub(TAIL as u64) else { return Ok(None) };
    let mut tail = [0; TAIL];
    disk.read_exact_at(file, &mut tail, at)?;
    let Some(tail) = Tail::read(&tail, salt, size).filter(|tail| tail.kind == Kind::Contents) else {
        return Ok(None);
    };
    let mut bytes = vec![0; (size - tail.start) as usize];
    disk.read_exact_at(file, &mut bytes, tail.start)?;
    Ok(Frame::read(&bytes, salt, tail.start)
        .and_then(|_| read_items(body(&bytes), tail.start))
        .map(|items| (tail.start, items)))
}

/// A walk over all records. Where a head is damaged, the next good one is searched for, and the tails before it
/// tell what was lost between.
struct Search<'a> {
    disk: &'a dyn Disk,
    file: &'a File,
    salt: u64,
    size: u64,
    /// The part of the file that was read last, and where it starts.
    start: u64,
    bytes: Vec<u8>,
}

impl Search<'_> {
    fn run(mut self) -> io::Result<Found> {
        let mut found = Found::default();
        let mut at = 0;
        while at < self.size {
            let next = match self.head(at)? {
                Some(frame) if frame.kind == Kind::Contents => {
                    found.complete = true;
                    break;
                }
                // The record was cut off while it was written.
                Some(frame) if at + u64::from(frame.len()) > self.size => break,
                Some(frame) => {
                    found.items.push(Item::new(&frame, at as u32));
                    at += u64::from(frame.len());
                    continue;
                }
                None => self.next_head(at + 1)?,
            };
            match (self.lost_between(at, next.unwrap_or(self.size))?, next) {
                (Some(lost), _) => {
                    found.items.extend(lost.iter().filter(|item| item.kind == Kind::Removal));
                    if let Some(contents) = lost.iter().find(|item| item.kind == Kind::Contents) {
                        found.complete = true;
                        at = u64::from(contents.offset);
                        break;
                    }
                    at = next.unwrap_or(self.size);
                }
                (None, Some(next)) => {
                    found.trusted_from = Some(next);
                    at = next;
                }
                (None, None) => break,
            }
        }
        found.end = at;
        Ok(found)
    }

    /// The records between two places, by their tails from the end backwards; `None` unless all are known.
    fn lost_between(&mut self, from: u64, to: u64) -> io::Result<Option<Vec<Item>>> {
        let (mut lost, mut end) = (Vec::new(), to);
        while end > from {
            let salt = self.salt;
            let Some(at) = end.checked_sub(TAIL as u64) else { return Ok(None) };
            let Some(tail) = Tail::read(self.at(at, TAIL)?, salt, end).filter(|tail| tail.start >= from)
            else {
                return Ok(None);
            };
            let kind = if tail.kind == Kind::Contents { Kind::Contents } else { Kind::Removal };
            lost.push(Item {
                hash: tail.hash,
                stamp: tail.stamp,
                offset: tail.start as u32,
                dead_at_s: u32::MAX,
                region: 0,
                kind,
                body_len: tail.body_len,
            });
            end = tail.start;
        }
        lost.reverse();
        Ok(Some(lost))
    }

    fn next_head(&mut self, from: u64) -> io::Result<Option<u64>> {
        let mut at = from;
        while at + HEAD as u64 <= self.size {
            let window = self.at(at, HEAD)?;
            match window.windows(MAGIC.len()).position(|bytes| bytes == MAGIC) {
                Some(skipped) => {
                    at += skipped as u64;
                    if self.head(at)?.is_some() {
                        return Ok(Some(at));
                    }
                    at += 1;
                }
                None => at += (window.len() - MAGIC.len() + 1) as u64,
            }
        }
        Ok(None)
    }

    fn head(&mut self, at: u64) -> io::Result<Option<Frame>> {
        let salt = self.salt;
        Ok(Frame::read_head(self.at(at, HEAD)?, salt, at).map(|(frame, _)| frame))
    }

    /// The bytes from `at` on: at least `len`, or all up to the end of the file.
    fn at(&mut self, at: u64, len: usize) -> io::Result<&[u8]> {
        let needed = (len as u64).min(self.size - at);
        if at < self.start || at + needed > self.start + self.bytes.len() as u64 {
            self.bytes.resize(WINDOW.max(needed).min(self.size - at) as usize, 0);
            self.disk.read_exact_at(self.file, &mut self.bytes, at)?;
            self.start = at;
        }
        Ok(&self.bytes[(at - self.start) as usize..])
    }
}
