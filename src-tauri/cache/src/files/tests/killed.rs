//! `kill -9` in the middle of writes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;

/// Names the folder that the child writes to.
const FOLDER: &str = "EIDER_CACHE_CHILD_FOLDER";
const KEYS: u64 = 500;
/// Nothing is dropped for want of room.
const ROOMY: Sizes = Sizes { bound: 64 << 20, segment: 64 << 10 };

fn value(stamp: u64) -> Vec<u8> {
    noise(stamp, (stamp % 4000) as usize)
}

/// Says in a line on its output what each key holds once the call that wrote it has returned.
#[tokio::test]
async fn the_child_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let files = open(Path::new(&folder), ROOMY).await;
    for stamp in files.newest_stamp() + 1.. {
        let at = key("r", &(stamp % KEYS).to_string());
        if stamp % 11 == 0 {
            files.remove(&at, stamp, NOW_MS).await.unwrap();
        } else {
            files.put(&at, record(stamp, &value(stamp))).await.unwrap();
        }
        println!("wrote {stamp}");
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_it_had_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut before = 0;
    for round in 0..8u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "files::tests::killed::the_child_writes_until_it_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let written =
            lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("wrote ")?.parse::<u64>().ok());
        let mut last = before;
        for stamp in written {
            last = stamp;
            if stamp == before + 300 + round * 97 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(last > before, "the child went on where it was killed");
        check(folder.path(), last).await;
        before = last;
    }
}

/// Every key holds what was written to it last, whatever the moment of the kill.
async fn check(folder: &Path, last: u64) {
    let files = open(folder, ROOMY).await;
    let newest = files.newest_stamp();
    assert!(newest == last || newest == last + 1, "{newest} after {last}");
    for n in 0..KEYS {
        let stamp = newest.saturating_sub((newest + KEYS - n) % KEYS);
        let found = files.get(&key("r", &n.to_string())).await.unwrap();
        let expected = (stamp > 0 && stamp % 11 != 0).then(|| (stamp, value(stamp)));
        assert_eq!(found.map(|found| (found.meta.stamp, found.payload)), expected, "key {n}");
    }
}
