//! Damaged files are set aside, never deleted.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use eider_store::rusqlite::Connection;
use eider_store::{Config, Opened, Store, StoreError};

use crate::support::{Fixture, MIGRATIONS, ids, insert};

/// A sound file of many pages, closed.
async fn filled() -> Fixture {
    let fixture = Fixture::new(Config::default());
    let fill = |tx: &eider_store::rusqlite::Transaction<'_>| {
        for id in 1..=2_000 {
            tx.execute("INSERT INTO item(id, text) VALUES (?1, ?2)", (id, "x".repeat(100)))?;
        }
        Ok(())
    };
    fixture.store.write("fill", fill).await.unwrap();
    fixture.store.close().await;
    fixture
}

/// Opens a damaged file; it must be kept, byte for byte, and a usable one take its place.
async fn check_set_aside(path: &Path, config: Config, reason: &str) {
    let before = fs::read(path).unwrap();
    let Opened { store, set_aside } = Store::open(path, &[MIGRATIONS], config).unwrap();
    let set_aside = set_aside.expect("the damage was found");
    assert!(set_aside.reason.contains(reason), "{}", set_aside.reason);
    let name = set_aside.moved_to.file_name().unwrap().to_str().unwrap();
    let stamp: i64 = name.strip_prefix("test.db.damaged-").unwrap().parse().unwrap();
    assert!(stamp > 1_700_000_000_000, "{name}");
    assert!(fs::read(&set_aside.moved_to).unwrap() == before, "the damaged file was altered");

    store.write("insert", |tx| insert(tx, 1)).await.unwrap();
    assert_eq!(store.read("ids", ids).await.unwrap(), [1]);
    store.close().await;
    let again = Store::open(path, &[MIGRATIONS], Config { quick_check: true, ..Config::default() }).unwrap();
    assert_eq!(again.set_aside, None, "the new file is sound");
    again.store.close().await;
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

fn checking() -> Config {
    Config { quick_check: true, ..Config::default() }
}

#[tokio::test]
async fn a_file_of_garbage_is_set_aside() {
    for copies in [1, 1_000] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.db");
        fs::write(&path, "this was never a database; ".repeat(copies)).unwrap();
        check_set_aside(&path, Config::default(), "file is not a database").await;
    }
}

#[tokio::test]
async fn a_file_of_no_length_is_a_new_database() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test.db");
    fs::write(&path, "").unwrap();
    let opened = Store::open(&path, &[MIGRATIONS], checking()).unwrap();
    assert_eq!(opened.set_aside, None);
    assert_eq!(opened.store.read("ids", ids).await.unwrap(), [0; 0]);
}

#[tokio::test]
async fn a_truncated_file_is_set_aside() {
    let fixture = filled().await;
    let length = fs::metadata(fixture.path()).unwrap().len();
    OpenOptions::new().write(true).open(fixture.path()).unwrap().set_len(length / 2).unwrap();
    check_set_aside(&fixture.path(), checking(), "").await;
}

#[tokio::test]
async fn a_file_with_a_flipped_page_is_set_aside() {
    let fixture = filled().await;
    overwrite(&fixture.path(), 3 * 4096, &[0xff; 64]);
    check_set_aside(&fixture.path(), checking(), "").await;
}

#[tokio::test]
async fn a_file_with_damaged_tables_is_set_aside_even_unchecked() {
    let fixture = filled().await;
    // The first page's tree, which lists the tables, begins after the file's header of 100 bytes.
    overwrite(&fixture.path(), 100, &[0xff; 64]);
    check_set_aside(&fixture.path(), Config::default(), "malformed").await;
}

#[tokio::test]
async fn damage_met_in_use_is_reported_and_set_aside_at_the_next_start() {
    let fixture = filled().await;
    overwrite(&fixture.path(), 5 * 4096, &[0xff; 4096]);
    let opened = Store::open(&fixture.path(), &[MIGRATIONS], Config::default()).unwrap();
    assert_eq!(opened.set_aside, None, "nobody has looked there yet");
    let all = |conn: &Connection| {
        Ok(conn.query_row("SELECT sum(length(text)) FROM item", [], |row| row.get::<_, i64>(0))?)
    };
    let error = opened.store.read("all", all).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt), "{error}");
    opened.store.close().await;
    check_set_aside(&fixture.path(), Config::default(), "").await;
}

#[tokio::test]
async fn the_log_of_a_damaged_file_goes_with_it() {
    let fixture = filled().await;
    let (path, crashed) = (fixture.path(), fixture.dir.path().join("crashed.db"));
    // Copied while in use: what a crash leaves behind.
    let outsider = fixture.outsider();
    outsider.execute_batch("INSERT INTO item(id) VALUES (5000)").unwrap();
    for suffix in ["", "-wal"] {
        let name = |base: &Path| format!("{}{suffix}", base.display());
        fs::copy(name(&path), name(&crashed)).unwrap();
    }
    overwrite(&crashed, 3 * 4096, &[0xff; 64]);
    let log = fs::read(format!("{}-wal", crashed.display())).unwrap();
    let opened = Store::open(&crashed, &[MIGRATIONS], checking()).unwrap();
    let moved_to = opened.set_aside.unwrap().moved_to;
    assert!(fs::read(format!("{}-wal", moved_to.display())).unwrap() == log);
    assert_eq!(opened.store.read("ids", ids).await.unwrap(), [0; 0], "the new file has no part in that log");
}
