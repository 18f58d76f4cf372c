//! A disk without room, and one that fails: an error to the caller, and the level stays whole.

use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::*;

/// The machine's disk with only so many bytes to take: a write beyond them writes what fits and fails.
pub(super) struct Tight {
    pub(super) room: AtomicU64,
    /// Truncation fails, as on a disk that has gone read-only.
    pub(super) stuck: AtomicBool,
    /// Reads fail.
    pub(super) unreadable: AtomicBool,
}

impl Tight {
    pub(super) fn new() -> Arc<Self> {
        let (stuck, unreadable) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { room: AtomicU64::new(u64::MAX), stuck, unreadable })
    }

    pub(super) fn set_room(&self, bytes: u64) {
        self.room.store(bytes, Ordering::SeqCst);
    }
}

impl Disk for Tight {
    fn write_all_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let len = file.metadata()?.len();
        let more = (offset + bytes.len() as u64).saturating_sub(len);
        let room = self.room.load(Ordering::SeqCst);
        if more <= room {
            self.room.store(room - more, Ordering::SeqCst);
            return disk::write_all_at(file, bytes, offset);
        }
        self.room.store(0, Ordering::SeqCst);
        disk::write_all_at(file, &bytes[..bytes.len() - (more - room) as usize], offset)?;
        Err(io::ErrorKind::StorageFull.into())
    }

    fn read_exact_at(&self, file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        if self.unreadable.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk does not read"));
        }
        disk::read_exact_at(file, bytes, offset)
    }

    fn read_at_once(&self, file: &File, bytes: &mut [u8], offset: u64) -> bool {
        !self.unreadable.load(Ordering::SeqCst) && disk::read_at_once(file, bytes, offset)
    }

    fn set_len(&self, file: &File, len: u64) -> io::Result<()> {
        if self.stuck.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        file.set_len(len)
    }
}

async fn open_on(folder: &Path, disk: &Arc<Tight>) -> Files {
    Files::open_with(folder, SMALL, Arc::clone(disk) as Arc<dyn Disk>, Hands::new().clock()).await.unwrap()
}

#[tokio::test]
async fn a_full_disk_is_an_error_to_the_writer_and_nothing_to_readers() {
    // The disk fills up at any byte of a record and of the list that ends a segment.
    for room in (0..1400u64).step_by(37).chain([64_000, 65_000, 65_500, 66_000]) {
        for stuck in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let disk = Tight::new();
            let files = open_on(folder.path(), &disk).await;
            for n in 0..50u64 {
                files.put(&key("r", &n.to_string()), record(1, &noise(n, 1000))).await.unwrap();
            }
            disk.set_room(room);
            disk.stuck.store(stuck, Ordering::SeqCst);
            let mut written = 50..50;
            while files
                .put(&key("r", &written.end.to_string()), record(1, &noise(written.end, 1000)))
                .await
                .is_ok()
            {
                written.end += 1;
            }
            let check = async |files: &Files, when: &str| {
                for n in (0..written.end).filter(|n| *n != 7) {
                    let found = payload(files, "r", &n.to_string()).await;
                    assert_eq!(found, Some(noise(n, 1000)), "key {n} {when}, room {room}, stuck {stuck}");
                }
                assert_eq!(payload(files, "r", &written.end.to_string()).await, None);
                assert_eq!(payload(files, "r", "7").await, None, "its newer value could not be written");
            };
            assert!(files.put(&key("r", "7"), record(2, b"newer")).await.is_err());
            check(&files, "while it is full").await;
            let copied = copy_of(folder.path());
            check(&open(copied.path(), SMALL).await, "after a crash while it is full").await;
            disk.set_room(u64::MAX);
            disk.stuck.store(false, Ordering::SeqCst);
            files.put(&key("r", "new"), record(1, b"new")).await.unwrap();
            check(&files, "when there is room again").await;
            files.put(&key("r", "7"), record(2, b"newer")).await.unwrap();
            let files = open(folder.path(), SMALL).await;
            assert_eq!(payload(&files, "r", "new").await.unwrap(), b"new");
            assert_eq!(payload(&files, "r", "7").await.unwrap(), b"newer");
        }
    }
}

/// The folder as a crash at this moment would leave it.
pub(super) fn copy_of(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for path in segments(folder) {
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

#[tokio::test]
async fn a_removal_that_cannot_be_written_holds_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Tight::new();
    let files = open_on(folder.path(), &disk).await;
    for stamp in 1..=2 {
        files.put(&key("r", "k"), record(stamp, b"value")).await.unwrap();
    }
    disk.set_room(0);
    assert!(files.remove(&key("r", "k"), 3, NOW_MS).await.is_err());
    assert_eq!(payload(&files, "r", "k").await, None);
    let copied = copy_of(folder.path());
    assert_eq!(payload(&open(copied.path(), SMALL).await, "r", "k").await, None, "after a crash");
}

#[tokio::test]
async fn a_disk_that_does_not_read_is_an_error_and_costs_nothing_once_it_reads_again() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Tight::new();
    let files = open_on(folder.path(), &disk).await;
    files.put(&key("r", "k"), record(1, b"value")).await.unwrap();
    disk.unreadable.store(true, Ordering::SeqCst);
    assert!(files.get(&key("r", "k")).await.is_err());
    disk.unreadable.store(false, Ordering::SeqCst);
    assert_eq!(payload(&files, "r", "k").await.unwrap(), b"value");
}

#[tokio::test]
async fn the_level_starts_on_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Tight::new();
    for (n, ended) in [(0, false), (1, true), (2, false)] {
        let files = open_on(folder.path(), &disk).await;
        disk.set_room(0);
        for before in 0..n {
            assert_eq!(payload(&files, "r", &before.to_string()).await.unwrap(), b"value");
        }
        assert!(files.put(&key("r", "none"), record(1, b"none")).await.is_err());
        disk.set_room(u64::MAX);
        files.put(&key("r", &n.to_string()), record(1, b"value")).await.unwrap();
        disk.set_room(0);
        if ended {
            files.close().await;
        }
    }
}
