//! Opening and closing.

use std::fs;

use eider_store::{Config, Durability, Store, StoreError};

use crate::support::{Fixture, Gate, MIGRATIONS, ids, insert, until};

#[tokio::test]
async fn close_finishes_what_was_accepted_and_refuses_the_rest() {
    let fixture = Fixture::new(Config::default());
    let gate = Gate::on_writer(&fixture.store).await;
    let accepted: Vec<_> = (1..=10)
        .map(|id| {
            let store = fixture.store.clone();
            tokio::spawn(async move { store.write("insert", move |tx| insert(tx, id)).await })
        })
        .collect();
    until(|| fixture.store.stats().writer.queue == 10).await;
    let closing = [fixture.store.clone(), fixture.store.clone()]
        .map(|store| tokio::spawn(async move { store.close().await }));
    // The closing runs beside us; reads, which do not stand at the gate, tell when it has begun.
    while fixture.store.read("early", ids).await.is_ok() {}
    let refused = fixture.store.write("late", |_| Ok(())).await.unwrap_err();
    assert!(matches!(refused, StoreError::Closed), "{refused}");
    gate.open().await;
    for write in accepted {
        write.await.unwrap().unwrap();
    }
    for one in closing {
        one.await.unwrap();
    }
    fixture.store.close().await;
    assert!(matches!(fixture.store.read("late", |_| Ok(())).await, Err(StoreError::Closed)));
    assert_eq!(ids(&fixture.outsider()).unwrap(), Vec::from_iter(1..=10));
}

#[tokio::test]
async fn close_waits_for_a_read_and_leaves_one_file() {
    let fixture = Fixture::new(Config::default());
    fixture.store.write("insert", |tx| insert(tx, 1)).await.unwrap();
    let gate = Gate::on_reader(&fixture.store).await;
    let store = fixture.store.clone();
    let closing = tokio::spawn(async move { store.close().await });
    until(|| fixture.store.stats().pool.open == 0).await;
    assert!(!closing.is_finished());
    gate.open().await;
    closing.await.unwrap();
    let names: Vec<_> =
        fs::read_dir(fixture.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["test.db"], "the log was copied into the file and removed");
}

#[tokio::test]
async fn writes_outlive_the_last_clone_of_the_store() {
    let fixture = Fixture::new(Config::default());
    let path = fixture.path();
    let Fixture { store, dir } = fixture;
    let gate = Gate::on_writer(&store).await;
    let (kept, seen) = tokio::sync::oneshot::channel::<()>();
    let other = store.clone();
    let writing = tokio::spawn(async move {
        let work = |tx: &eider_store::rusqlite::Transaction<'_>| {
            insert(tx, 1)?;
            Ok(kept)
        };
        other.write("insert", work).await
    });
    until(|| store.stats().writer.queue == 1).await;
    writing.abort();
    drop(store);
    gate.open().await;
    // The answer is dropped once the write is durable, and this end of it notices.
    assert!(seen.await.is_err());
    assert_eq!(ids(&eider_store::rusqlite::Connection::open(path).unwrap()).unwrap(), [1]);
    drop(dir);
}

#[tokio::test]
async fn a_file_is_opened_with_the_promised_settings() {
    for (durability, synchronous) in [(Durability::Full, 2), (Durability::Normal, 1)] {
        let fixture = Fixture::new(Config { durability, ..Config::default() });
        let settings = |tx: &eider_store::rusqlite::Transaction<'_>| {
            let number = |pragma: &str| tx.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
            let mode = tx.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))?;
            Ok((mode, number("synchronous")?, number("foreign_keys")?, number("temp_store")?))
        };
        let found = fixture.store.write("settings", settings).await.unwrap();
        assert_eq!(found, ("wal".to_owned(), synchronous, 1, 2));
    }
}

#[test]
fn a_path_that_is_a_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = Store::open(dir.path(), &[MIGRATIONS], Config::default()).map(drop).unwrap_err();
    assert!(matches!(error, StoreError::Sqlite(_)), "{error}");
    assert!(error.to_string().contains("unable to open database file"), "{error}");
}
