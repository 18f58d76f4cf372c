//! A small file beside the cache that says which levels may be behind, for a process that dies before they
//! have caught up.
//!
//! It is written in place and never grows, so that a full disk does not keep it from being written. It also
//! names the database that holds the marks: where that was set aside or deleted, nothing on disk is trusted.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use xxhash_rust::xxh3::xxh3_64;

/// What may be behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Behind(u8);

impl Behind {
    #[cfg(test)]
    pub(crate) const NOTHING: Self = Self(0);
    /// The database lacks marks.
    pub(crate) const MARKS: Self = Self(1);
    pub(crate) const FILES: Self = Self(2);
    pub(crate) const DATABASE: Self = Self(4);
    pub(crate) const EVERYTHING: Self = Self(7);

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

const MAGIC: [u8; 8] = *b"EIDRDST1";
/// Magic, the database's number, what is behind, and a checksum of these.
const BYTES: usize = 8 + 8 + 8 + 8;

pub(crate) struct Distrust {
    database: u64,
    file: Option<Arc<File>>,
    /// What the file says, or will once the write under way is done.
    behind: AtomicU8,
    /// Lets one write pass at a time, in the order of the changes.
    turn: Mutex<()>,
}

/// What an earlier process left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    /// The database that its marks are in.
    pub(crate) database: u64,
    pub(crate) behind: Behind,
}

/// Reads what an earlier process left. `None`: there was none. A damaged file counts as everything behind.
pub(crate) fn read(path: &Path) -> Option<Left> {
    match std::fs::read(path) {
        Ok(bytes) => Some(parse(&bytes).unwrap_or(Left { database: 0, behind: Behind::EVERYTHING })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_) => Some(Left { database: 0, behind: Behind::EVERYTHING }),
    }
}

fn parse(bytes: &[u8]) -> Option<Left> {
    let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let sound = bytes.len() == BYTES && bytes[..8] == MAGIC && xxh3_64(&bytes[..24]) == number(24)?;
    sound.then_some(Left { database: number(8)?, behind: Behind(number(16)? as u8 & Behind::EVERYTHING.0) })
}

impl Distrust {
    /// Opens the file for this database and writes what is behind at the start.
    pub(crate) fn open(path: Option<PathBuf>, database: u64, behind: Behind) -> Self {
        let open = |path: &PathBuf| OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file = path.as_ref().and_then(|path| {
            open(path)
                .inspect_err(|error| {
                    tracing::warn!(path = %path.display(), %error, "the cache cannot note what is behind");
                })
                .ok()
        });
        let distrust = Self {
            database,
            file: file.map(Arc::new),
            behind: AtomicU8::new(behind.0),
            turn: Mutex::default(),
        };
        distrust.write(behind);
        distrust
    }

    pub(crate) fn behind(&self) -> Behind {
        Behind(self.behind.load(Ordering::SeqCst))
    }

    /// Notes durably that something is behind; where it is noted already, nothing is written.
    ///
    /// Returns whether the note stands on disk.
    pub(crate) async fn raise(self: &Arc<Self>, what: Behind) -> bool {
        if self.file.is_none() || self.behind().has(what) {
            return self.file.is_some();
        }
        let raise = move |distrust: &Self| {
            let after = distrust.behind.fetch_or(what.0, Ordering::SeqCst) | what.0;
            let written = distrust.write(Behind(after));
            if !written {
                distrust.behind.fetch_and(!what.0, Ordering::SeqCst);
            }
            written
        };
        self.in_turn(raise).await
    }

    /// Notes that something has caught up, if `caught_up` still says so once everybody who calls
    /// [`raise`](Self::raise) would write the note anew.
    pub(crate) async fn lower(self: &Arc<Self>, what: Behind, caught_up: impl Fn() -> bool + Send + 'static) {
        if self.behind.load(Ordering::SeqCst) & what.0 == 0 {
            return;
        }
        let lower = move |distrust: &Self| {
            let after = distrust.behind.fetch_and(!what.0, Ordering::SeqCst) & !what.0;
            let lowered = caught_up() && distrust.write(Behind(after));
            if !lowered {
                distrust.behind.fetch_or(what.0, Ordering::SeqCst);
            }
            lowered
        };
        self.in_turn(lower).await;
    }

    async fn in_turn(self: &Arc<Self>, write: impl FnOnce(&Self) -> bool + Send + 'static) -> bool {
        let distrust = Arc::clone(self);
        let write = move || {
            let _turn = distrust.turn.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            write(&distrust)
        };
        tokio::task::spawn_blocking(write).await.unwrap_or(false)
    }

    fn write(&self, behind: Behind) -> bool {
        let Some(file) = &self.file else { return false };
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.database.to_le_bytes());
        bytes[16..24].copy_from_slice(&u64::from(behind.0).to_le_bytes());
        let sum = xxh3_64(&bytes[..24]);
        bytes[24..].copy_from_slice(&sum.to_le_bytes());
        let written = file.write_all_at(&bytes, 0).and_then(|()| file.sync_data());
        written.inspect_err(|error| tracing::warn!(%error, "the cache cannot note what is behind")).is_ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn what_is_behind_is_found_by_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.distrust");
        assert_eq!(read(&path), None);
        let distrust = Arc::new(Distrust::open(Some(path.clone()), 7, Behind::NOTHING));
        assert_eq!(read(&path), Some(Left { database: 7, behind: Behind::NOTHING }));
        assert!(distrust.raise(Behind::FILES).await);
        assert!(distrust.raise(Behind::MARKS).await);
        distrust.lower(Behind::FILES, || false).await;
        distrust.lower(Behind::MARKS, || true).await;
        assert_eq!(read(&path), Some(Left { database: 7, behind: Behind::FILES }));
    }

    #[test]
    fn any_changed_byte_and_any_cut_is_distrust_of_everything() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.distrust");
        Distrust::open(Some(path.clone()), 7, Behind::NOTHING);
        let sound = std::fs::read(&path).unwrap();
        for at in 0..sound.len() {
            let mut flipped = sound.clone();
            flipped[at] ^= 0x10;
            for damaged in [&flipped[..], &sound[..at]] {
                std::fs::write(&path, damaged).unwrap();
                assert_eq!(read(&path).map(|left| left.behind), Some(Behind::EVERYTHING), "byte {at}");
            }
        }
    }
}
