//! The level against real files.
#![allow(clippy::unwrap_used)]

mod damage;
mod disk_full;
mod killed;
mod model;
mod model_rig;
mod room;
mod side_by_side;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::Now;
use crate::tier_tests::{NOW_MS, conforms, key, record};

/// A wall clock moved by hand.
#[derive(Clone)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW_MS)))
    }

    fn clock(&self) -> Clock {
        let wall_ms = Arc::clone(&self.0);
        Clock::from_fn(move || Now { wall_ms: wall_ms.load(Ordering::SeqCst), mono_ms: 0 })
    }

    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn pass_ms(&self, span_ms: i64) {
        self.0.fetch_add(span_ms, Ordering::SeqCst);
    }
}

const SMALL: Sizes = Sizes { bound: 1 << 20, segment: 64 << 10 };

async fn open(folder: &Path, sizes: Sizes) -> Files {
    Files::open_with(folder, sizes, Arc::new(Machine), Hands::new().clock()).await.unwrap()
}

async fn payload(files: &Files, region: &str, name: &str) -> Option<Vec<u8>> {
    files.get(&key(region, name)).await.unwrap().map(|record| record.payload)
}

/// The segments' files, the oldest first.
fn segments(folder: &Path) -> Vec<PathBuf> {
    load::list(folder).unwrap().into_iter().map(|(_, _, path)| path).collect()
}

/// Bytes that do not compress and differ by seed.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(step).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_level_conforms() {
    let folder = tempfile::tempdir().unwrap();
    for sizes in [Sizes::for_bound(64 << 20), SMALL] {
        let files = open(&folder.path().join(sizes.bound.to_string()), sizes).await;
        conforms(&files).await;
        files.close().await;
        files.close().await;
        assert!(files.put(&key("a", "b"), record(1, b"")).await.is_err(), "after the end");
    }
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart_with_and_without_an_end() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..4u64 {
        let files = open(folder.path(), SMALL).await;
        for n in 0..round * 100 {
            let found = files.get(&key("r", &n.to_string())).await.unwrap();
            assert_eq!(found, (n % 7 != 0).then(|| record(n + 1, &n.to_le_bytes())), "{n} in round {round}");
        }
        for n in round * 100..round * 100 + 100 {
            files.put(&key("r", &n.to_string()), record(n + 1, &n.to_le_bytes())).await.unwrap();
            if n % 7 == 0 {
                files.remove(&key("r", &n.to_string()), n + 2, NOW_MS).await.unwrap();
            }
        }
        assert_eq!(files.newest_stamp(), round * 100 + 100 + u64::from((round * 100 + 99) % 7 == 0));
        if round % 2 == 0 {
            files.close().await;
        }
    }
}

#[tokio::test]
async fn a_bound_below_the_smallest_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for bound in [0, BOUND_MIN - 1] {
        let refused = Files::open(folder.path(), bound, Clock::system()).await;
        assert!(refused.is_err_and(|error| error.0.contains("1048576")));
    }
    Files::open(folder.path(), BOUND_MIN, Clock::system()).await.unwrap();
    Files::open(folder.path(), u64::MAX, Clock::system()).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_folder_or_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("cache");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
    let files = open(&folder, SMALL).await;
    files.put(&key("a", "b"), record(1, b"secret")).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&segments(&folder)[0]), 0o600);
}

#[tokio::test]
async fn a_folder_that_was_taken_away_is_made_anew() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("cache");
    let files = open(&folder, SMALL).await;
    files.put(&key("a", "before"), record(1, b"1")).await.unwrap();
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "in the way").unwrap();
    assert!(files.put(&key("a", "lost"), record(2, b"2")).await.is_err());
    assert_eq!(payload(&files, "a", "lost").await, None);
    fs::remove_file(&folder).unwrap();
    files.put(&key("a", "after"), record(3, b"3")).await.unwrap();
    assert_eq!(payload(&files, "a", "after").await.unwrap(), b"3");
    assert_eq!(payload(&files, "a", "before").await, None, "it went with the folder");
    let files = open(&folder, SMALL).await;
    assert_eq!(payload(&files, "a", "after").await.unwrap(), b"3");
}

#[tokio::test]
async fn a_file_that_was_taken_away_takes_older_ones_along() {
    let folder = tempfile::tempdir().unwrap();
    let files = open(folder.path(), SMALL).await;
    for n in 0..200 {
        files.put(&key("a", &n.to_string()), record(n + 1, &noise(n, 1000))).await.unwrap();
    }
    fs::remove_file(segments(folder.path()).pop().unwrap()).unwrap();
    files.put(&key("a", "after"), record(300, b"3")).await.unwrap();
    assert_eq!(files.entries(), 1);
    assert_eq!(segments(folder.path()).len(), 1);
}

#[test]
fn a_runtime_that_ends_leaves_no_caller_waiting_in_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let first = runtime();
    let files = Arc::new(first.block_on(open(folder.path(), SMALL)));
    let (writer, (at, given)) = (Arc::clone(&files), (key("a", "b"), record(1, b"1")));
    first.spawn(async move { writer.put(&at, given).await });
    first.shutdown_background();
    let second = runtime();
    second.block_on(files.put(&key("a", "c"), record(2, b"2"))).unwrap();
    assert_eq!(second.block_on(payload(&files, "a", "c")).unwrap(), b"2");
}

/// A disk whose reads must be waited for.
struct Cold;

impl Disk for Cold {
    fn read_at_once(&self, _: &fs::File, _: &mut [u8], _: u64) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_level_whose_reads_must_be_waited_for_conforms_too() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::open_with(folder.path(), SMALL, Arc::new(Cold), Hands::new().clock()).await.unwrap();
    conforms(&files).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_was_just_written_is_read_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let files = open(folder.path(), SMALL).await;
    files.put(&key("r", "k"), record(1, b"value")).await.unwrap();
    let place = files.log.find(&key("r", "k")).unwrap();
    let file = Machine.open(&segments(folder.path())[0]).unwrap();
    let mut byte = [0];
    // Not every file system can tell; the level must get along with either.
    let told = Machine.read_at_once(&file, &mut byte, 0);
    assert_eq!(files.log.read_at_once(&place, &key("r", "k")).is_some(), told);
    assert!(!Machine.read_at_once(&file, &mut byte, 1 << 40), "nothing stands there");
}
