//! Bytes that change or go while nobody looks: a miss or the right value, never another one.

use super::*;
use crate::files::contents::contents_len;
use crate::files::frame::{Frame, HEAD, Kind, TAIL, framed};

/// Changes the bytes of a file.
fn change(path: &Path, with: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    with(&mut bytes);
    replace(path, &bytes);
}

/// A new file: some file systems wait for the disk where an old one is written over.
fn replace(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

/// The keys are `0` to `3`, and the last of them is removed in the end.
const KEYS: u64 = 4;

/// Two versions of each key and the removal, in one segment; returns where each record starts and the last ends.
async fn write_some(folder: &Path, ended: bool) -> Vec<usize> {
    let files = open(folder, SMALL).await;
    let mut starts = Vec::new();
    for stamp in 1..=2 {
        for n in 0..KEYS {
            starts.push(files.bytes_written());
            files.put(&key("r", &n.to_string()), record(stamp, &noise(n + stamp, 20))).await.unwrap();
        }
    }
    starts.push(files.bytes_written());
    files.remove(&key("r", "3"), 3, NOW_MS).await.unwrap();
    starts.push(files.bytes_written());
    if ended {
        files.close().await;
    }
    starts
}

impl Files {
    /// The length of the newest segment, in bytes.
    fn bytes_written(&self) -> usize {
        segments(&self.log.folder).last().map_or(0, |path| fs::metadata(path).unwrap().len() as usize)
    }
}

/// Asserts that every key has its newest value or none, and returns the keys that have none.
async fn missing(folder: &Path, what: &str) -> Vec<u64> {
    let files = open(folder, SMALL).await;
    let mut missing = Vec::new();
    for n in 0..KEYS {
        match payload(&files, "r", &n.to_string()).await {
            Some(found) => assert!(n != 3 && found == noise(n + 2, 20), "{what}: key {n}"),
            None => missing.push(n),
        }
    }
    missing
}

#[tokio::test]
async fn any_flipped_byte_costs_at_most_the_record_it_stands_in() {
    for ended in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let starts = write_some(folder.path(), ended).await;
        let path = &segments(folder.path())[0];
        let whole = fs::read(path).unwrap();
        for at in 0..whole.len() {
            change(path, |bytes| bytes[at] ^= 1 << (at % 8));
            let record = starts.partition_point(|start| *start <= at) - 1;
            let hit = (4..8).contains(&record).then(|| record as u64 - KEYS);
            for n in missing(folder.path(), &format!("byte {at}, ended {ended}")).await {
                assert!(n == 3 || hit == Some(n), "byte {at} of record {record} cost key {n}, ended {ended}");
            }
            replace(path, &whole);
        }
    }
}

#[tokio::test]
async fn a_segment_cut_anywhere_is_as_it_was_when_it_ended_there() {
    let folder = tempfile::tempdir().unwrap();
    let starts = write_some(folder.path(), true).await;
    let path = &segments(folder.path())[0];
    let whole = fs::read(path).unwrap();
    for len in (0..whole.len()).rev() {
        change(path, |bytes| bytes.truncate(len));
        let files = open(folder.path(), SMALL).await;
        let records = starts.iter().skip(1).filter(|end| **end <= len).count();
        for n in 0..KEYS {
            let versions = (records as u64 + KEYS - 1 - n) / KEYS;
            let removed = n == 3 && records == 9;
            let expected = (versions > 0 && !removed).then(|| noise(n + versions.min(2), 20));
            assert_eq!(payload(&files, "r", &n.to_string()).await, expected, "key {n} of {len} bytes");
        }
        replace(path, &whole);
    }
}

#[tokio::test]
async fn a_damaged_middle_leaves_what_stands_around_it() {
    for ended in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let starts = write_some(folder.path(), ended).await;
        change(&segments(folder.path())[0], |bytes| {
            for record in 5..7 {
                bytes[starts[record]..starts[record + 1] - TAIL].fill(0xff);
            }
        });
        assert_eq!(missing(folder.path(), "tails left").await, [1, 2, 3], "ended {ended}");
    }
}

#[tokio::test]
async fn where_keys_are_lost_nothing_older_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let starts = write_some(folder.path(), false).await;
    change(&segments(folder.path())[0], |bytes| bytes[starts[5]..starts[7]].fill(0));
    let lost = missing(folder.path(), "no tails left").await;
    assert_eq!(lost, [0, 1, 2, 3], "what stands before the gap may have been replaced in it");
    assert_eq!(missing(folder.path(), "once more").await, lost);
}

#[tokio::test]
async fn a_full_segment_that_is_cut_takes_older_ones_along() {
    for cut_to in [0, 1, 30_000] {
        let folder = tempfile::tempdir().unwrap();
        let files = open(folder.path(), SMALL).await;
        for n in 0..300u64 {
            files.put(&key("r", &(n % 100).to_string()), record(n + 1, &noise(n, 1000))).await.unwrap();
        }
        files.close().await;
        let paths = segments(folder.path());
        change(&paths[paths.len() - 2], |bytes| bytes.truncate(cut_to));
        let files = open(folder.path(), SMALL).await;
        let mut found = 0;
        for n in 200..300u64 {
            if let Some(value) = payload(&files, "r", &(n % 100).to_string()).await {
                assert_eq!(value, noise(n, 1000));
                found += 1;
            }
        }
        assert!(found > 0, "the newest segment is whole");
    }
}

#[tokio::test]
async fn files_of_others_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let others = ["notes.txt", "0000000001.log", "x-0123456789abcdef.log", "0000000001-123.log"];
    for name in others {
        fs::write(folder.path().join(name), "not ours").unwrap();
    }
    let files = open(folder.path(), SMALL).await;
    files.put(&key("r", "k"), record(1, b"1")).await.unwrap();
    drop(files);
    drop(open(folder.path(), SMALL).await);
    for name in others {
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), b"not ours");
    }
}

#[tokio::test]
async fn a_segment_full_of_noise_does_not_hinder_the_start() {
    for len in [0, 1, HEAD, 100_000] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0000000007-0123456789abcdef.log");
        fs::write(&path, noise(3, len)).unwrap();
        let files = open(folder.path(), SMALL).await;
        assert_eq!(files.entries(), 0);
        files.put(&key("r", "k"), record(1, b"1")).await.unwrap();
        assert_eq!(payload(&open(folder.path(), SMALL).await, "r", "k").await.unwrap(), b"1");
    }
}

/// A value holds the bytes of a record of another key; then the head before it is damaged.
#[tokio::test]
async fn bytes_inside_a_value_do_not_pass_for_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let forged_body = crate::codec::encode(&key("r", "forged"), &record(9, b"forged")).unwrap();
    let forged = Frame {
        kind: Kind::Value,
        body_len: forged_body.len() as u32,
        hash: log::hash_of(&key("r", "forged")),
        stamp: 9,
        dead_at_s: u32::MAX,
        region: 0,
    };
    let mut value = Vec::new();
    for offset in 0..1000 {
        forged.write(&forged_body, 0, offset, &mut value);
    }
    let files = open(folder.path(), SMALL).await;
    files.put(&key("r", "carrier"), record(1, &value)).await.unwrap();
    files.put(&key("r", "last"), record(2, b"last")).await.unwrap();
    change(&segments(folder.path())[0], |bytes| bytes[8] ^= 1);
    let files = open(folder.path(), SMALL).await;
    assert_eq!(payload(&files, "r", "carrier").await, None);
    assert_eq!(payload(&files, "r", "forged").await, None);
    assert_eq!(payload(&files, "r", "last").await.unwrap(), b"last");
}

#[tokio::test]
async fn a_damaged_record_is_read_only_once_and_can_be_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let files = open(folder.path(), SMALL).await;
    files.put(&key("r", "k"), record(5, b"payload")).await.unwrap();
    let file = Machine.open(&segments(folder.path())[0]).unwrap();
    disk::write_all_at(&file, b"?", HEAD as u64 + 3).unwrap();
    assert_eq!(payload(&files, "r", "k").await, None);
    assert!(files.log.find(&key("r", "k")).is_none());
    files.put(&key("r", "k"), record(4, b"older")).await.unwrap();
    assert_eq!(payload(&files, "r", "k").await, None, "it still holds against older ones");
    files.put(&key("r", "k"), record(6, b"newer")).await.unwrap();
    assert_eq!(payload(&files, "r", "k").await.unwrap(), b"newer");
}

#[test]
fn lengths_are_those_that_are_written() {
    let frame = Frame { kind: Kind::Removal, body_len: 0, hash: 1, stamp: 2, dead_at_s: 3, region: 4 };
    let mut bytes = Vec::new();
    frame.write(&[], 5, 6, &mut bytes);
    assert_eq!(bytes.len(), framed(0) as usize);
    let items = [contents::Item::new(&frame, 0), contents::Item::new(&frame, 72)];
    assert_eq!(contents::write_contents(&items, 5, 144).len() as u64, contents_len(2));
}
