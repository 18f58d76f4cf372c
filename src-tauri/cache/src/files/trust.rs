//! Which of the segments that were found may be believed.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::log::Log;
use super::scan::Found;
use super::segment::Segment;

/// A segment's file and what was found in it.
pub(super) struct Loaded {
    pub(super) id: u64,
    pub(super) salt: u64,
    pub(super) path: PathBuf,
    pub(super) content: io::Result<(File, Found)>,
}

/// The segments whose records are known to be the newest of their keys, or older than others that are known.
///
/// Where records were lost whose keys are unknown, what is older than they are goes: a value that was replaced
/// or removed by one of them must not come back.
pub(super) fn trusted(loaded: Vec<Loaded>, log: &Log) -> Vec<(Segment, Found)> {
    let mut kept = Vec::new();
    let mut loaded = loaded.into_iter().rev();
    for Loaded { id, salt, path, content } in loaded.by_ref() {
        let is_newest = kept.is_empty();
        let (file, mut found) = match content {
            Ok(content) => content,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a file of the cache cannot be read: older ones go");
                remove(log, &path);
                break;
            }
        };
        if !is_newest && !found.complete {
            found.trusted_from = Some(found.end);
        }
        let lost = found.trusted_from.is_some();
        if let Some(trusted_from) = found.trusted_from {
            tracing::warn!(path = %path.display(), "records of the cache are lost: older ones go");
            found.items.retain(|item| u64::from(item.offset) >= trusted_from);
        }
        let (live, hold_until_s, bytes) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU64::new(0));
        kept.push((Segment { id, salt, slot: 0, path, file, live, hold_until_s, bytes }, found));
        if lost || kept.len() == usize::from(u16::MAX) {
            break;
        }
    }
    loaded.for_each(|older| remove(log, &older.path));
    kept.reverse();
    for (slot, (segment, _)) in kept.iter_mut().enumerate() {
        segment.slot = slot as u16;
    }
    kept
}

fn remove(log: &Log, path: &Path) {
    if let Err(error) = log.disk.remove(path) {
        tracing::warn!(path = %path.display(), %error, "a file of the cache could not be removed");
    }
}
