//! `kill -9` in the middle of sets, removals and invalidations, over files and SQLite.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::rig::{CLASS, Text, text};
use crate::{Cache, Clock, Config, FilesConfig, MIGRATIONS};

/// Names the folder that the child writes to, and the number it begins with.
const FOLDER: &str = "EIDER_HIERARCHY_CHILD_FOLDER";
const FROM: &str = "EIDER_HIERARCHY_CHILD_FROM";
const KEYS: u64 = 40;
const TAGS: u64 = 5;

async fn open(folder: &Path) -> Cache {
    let path = folder.join("cache.db");
    let store = store::Store::open(&path, &[MIGRATIONS], store::Config::default()).unwrap().store;
    let files = FilesConfig { folder: folder.join("cache"), bytes: 16 << 20 };
    let config = Config { files: Some(files), ..Config::default() };
    Cache::open(config, store, Clock::system()).await.unwrap()
}

/// What the child does at each number.
enum Act {
    Set(u64),
    Remove(u64),
    Invalidate(u64),
}

fn act(number: u64) -> Act {
    match number {
        n if n % 13 == 0 => Act::Invalidate(n / 13 % TAGS),
        n if n % 7 == 0 => Act::Remove(n * 3 % KEYS),
        n => Act::Set(n % KEYS),
    }
}

/// Says in a line on its output what it has done once the call has returned.
#[tokio::test]
async fn the_child_changes_things_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let from: u64 = std::env::var(FROM).unwrap().parse().unwrap();
    let cache = open(Path::new(&folder)).await;
    let region = cache.region("r").unwrap();
    for number in from.. {
        match act(number) {
            Act::Set(key) => {
                let tag = (key % TAGS).to_string();
                region.set(&key.to_string(), text(&number.to_string()), &CLASS, &[&tag]).await.unwrap();
            }
            Act::Remove(key) => region.remove(&key.to_string()).await.unwrap(),
            Act::Invalidate(tag) => cache.invalidate_tag(&tag.to_string()).await.unwrap(),
        }
        println!("did {number}");
    }
}

/// What each key holds once everything up to `last` was done.
fn model(last: u64) -> HashMap<u64, u64> {
    let mut held = HashMap::new();
    for number in 1..=last {
        match act(number) {
            Act::Set(key) => drop(held.insert(key, number)),
            Act::Remove(key) => drop(held.remove(&key)),
            Act::Invalidate(tag) => held.retain(|key, _| key % TAGS != tag),
        }
    }
    held
}

#[tokio::test]
async fn a_killed_process_leaves_nothing_that_it_had_replaced_removed_or_invalidated() {
    let folder = tempfile::tempdir().unwrap();
    let mut done = 0;
    for round in 0..6 {
        let child = "tests::killed::the_child_changes_things_until_it_is_killed";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", child, "--nocapture"])
            .env(FOLDER, folder.path())
            .env(FROM, (done + 1).to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let numbers =
            lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("did ")?.parse::<u64>().ok());
        let begun = done;
        for number in numbers {
            done = number;
            if number == begun + 150 + round * 37 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(done > begun, "the child went on where it was killed");

        // What was under way when it was killed may have come to pass or not.
        let (sure, perhaps) = (model(done), model(done + 1));
        let cache = open(folder.path()).await;
        let region = cache.region("r").unwrap();
        for key in 0..KEYS {
            let found =
                region.get::<Text>(&key.to_string()).await.map(|hit| hit.value.0.parse::<u64>().unwrap());
            let allowed = [sure.get(&key).copied(), perhaps.get(&key).copied()];
            assert!(allowed.contains(&found), "round {round}, key {key}: {found:?} instead of {allowed:?}");
        }
    }
}
