//! Death in the middle of writes.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use eider_store::{Config, DataDir, DataDirError, Store, StoreError};

use crate::support::{MIGRATIONS, ids, insert};

const DIR: &str = "EIDER_STORE_CRASH_DIR";

/// Not a test by itself: the process that the next test starts and kills.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let _held = DataDir::open(Path::new(&dir)).unwrap();
    let store =
        Store::open(&Path::new(&dir).join("test.db"), &[MIGRATIONS], Config::default()).unwrap().store;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let writers: Vec<_> = (0..16_i64)
        .map(|writer| {
            let store = store.clone();
            runtime.spawn(async move {
                for turn in 0.. {
                    // Two rows each, 2n and 2n + 1: a write is kept whole or not at all.
                    let n = turn * 16 + writer;
                    let pair = move |tx: &eider_store::rusqlite::Transaction<'_>| {
                        insert(tx, 2 * n)?;
                        insert(tx, 2 * n + 1)
                    };
                    match store.write("pair", pair).await {
                        Ok(()) => writeln!(std::io::stdout(), "kept {n}").unwrap(),
                        Err(StoreError::Closed) => return,
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        runtime.block_on(writer).unwrap();
    }
}

#[test]
fn a_killed_process_loses_nothing_it_was_told_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_that_writes_until_it_is_killed", "--nocapture"])
        .env(DIR, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut kept = Vec::new();
    while kept.len() < 500 {
        kept.extend(acknowledged(&lines.next().expect("the child writes until it is killed").unwrap()));
    }
    let pid = match DataDir::open(dir.path()) {
        Err(DataDirError::InUse { pid, .. }) => pid,
        other => panic!("{other:?}"),
    };
    assert_eq!(pid, Some(child.id()), "the lock holds between processes");
    child.kill().unwrap();
    child.wait().unwrap();
    // What it said before it died, but for a last line cut short.
    kept.extend(lines.filter_map(|line| acknowledged(&line.unwrap())));
    kept.pop();

    let data = DataDir::open(dir.path()).unwrap();
    assert!(!data.was_clean());
    let config = Config { quick_check: true, ..Config::default() };
    let opened = Store::open(&dir.path().join("test.db"), &[MIGRATIONS], config).unwrap();
    assert_eq!(opened.set_aside, None, "a killed process damages nothing");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let found: HashSet<i64> = runtime.block_on(opened.store.read("ids", ids)).unwrap().into_iter().collect();
    for n in &kept {
        assert!(found.contains(&(2 * n)) && found.contains(&(2 * n + 1)), "{n} was acknowledged and is lost");
    }
    for id in &found {
        assert!(found.contains(&(id ^ 1)), "half of a write was kept");
    }
    runtime.block_on(opened.store.close());
}

fn acknowledged(line: &str) -> Option<i64> {
    line.strip_prefix("kept ").map(|n| n.parse().unwrap())
}
