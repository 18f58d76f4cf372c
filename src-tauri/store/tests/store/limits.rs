//! A locked file, a full disk, a full queue, a configuration out of range.

use std::time::Duration;

use eider_store::rusqlite::Transaction;
use eider_store::{Config, Store, StoreError};

use crate::support::{Fixture, Gate, MIGRATIONS, insert, until};

#[tokio::test]
async fn a_lock_held_by_another_connection_is_busy_and_passes() {
    let fixture = Fixture::new(Config { busy_timeout: Duration::from_millis(1), ..Config::default() });
    let outsider = fixture.outsider();
    outsider.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = fixture.store.write("insert", |tx| insert(tx, 1)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Busy), "{refused}");
    outsider.execute_batch("ROLLBACK").unwrap();
    fixture.store.write("insert", |tx| insert(tx, 2)).await.unwrap();
    assert_eq!(fixture.ids().await, [2]);
    assert_eq!(fixture.query("insert").errors, 1);
}

#[tokio::test]
async fn a_write_waits_for_a_lock_that_is_given_back_in_time() {
    let fixture = Fixture::new(Config { busy_timeout: Duration::from_secs(20), ..Config::default() });
    let outsider = fixture.outsider();
    outsider.execute_batch("BEGIN IMMEDIATE; INSERT INTO item(id) VALUES (1)").unwrap();
    let store = fixture.store.clone();
    let waiting = tokio::spawn(async move { store.write("insert", |tx| insert(tx, 2)).await });
    // Readers do not wait for writers.
    assert_eq!(fixture.ids().await, [0; 0]);
    outsider.execute_batch("COMMIT").unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(fixture.ids().await, [1, 2]);
}

#[tokio::test]
async fn a_full_disk_refuses_until_there_is_room() {
    let fixture = Fixture::new(Config::default());
    limit_pages(&fixture.store, 4).await;
    let large = |id: i64| {
        move |tx: &Transaction<'_>| {
            insert(tx, id)?;
            tx.execute("UPDATE item SET text = ?2 WHERE id = ?1", (id, "x".repeat(100_000)))?;
            Ok(())
        }
    };
    for result in fixture.in_one_group((1..=5).map(large).collect()).await {
        assert!(matches!(result, Err(StoreError::Full)), "{result:?}");
    }
    assert_eq!(fixture.ids().await, [0; 0], "nothing half-written is seen");
    let trouble = || fixture.store.stats().writer.trouble;
    assert!(trouble().is_some());
    limit_pages(&fixture.store, 1_000_000).await;
    assert!(trouble().is_some(), "nothing was written yet");
    for result in fixture.in_one_group((1..=5).map(large).collect()).await {
        result.unwrap();
    }
    assert_eq!(fixture.ids().await, [1, 2, 3, 4, 5]);
    assert_eq!(trouble(), None);
}

async fn limit_pages(store: &Store, pages: u32) {
    let set = move |tx: &Transaction<'_>| {
        Ok(tx.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get::<_, u32>(0))?)
    };
    assert_eq!(store.write("limit_pages", set).await.unwrap(), pages);
}

#[tokio::test]
async fn a_full_queue_refuses_and_serves_those_it_took() {
    let fixture = Fixture::new(Config { write_queue: 2, ..Config::default() });
    let gate = Gate::on_writer(&fixture.store).await;
    let accepted: Vec<_> = (1..=2)
        .map(|id| {
            let store = fixture.store.clone();
            tokio::spawn(async move { store.write("insert", move |tx| insert(tx, id)).await })
        })
        .collect();
    until(|| fixture.store.stats().writer.queue == 2).await;
    let refused = fixture.store.write("insert", |tx| insert(tx, 3)).await.unwrap_err();
    assert!(matches!(refused, StoreError::QueueFull { bound: 2 }), "{refused}");
    gate.open().await;
    for write in accepted {
        write.await.unwrap().unwrap();
    }
    assert_eq!(fixture.ids().await, [1, 2]);
    let writer = fixture.store.stats().writer;
    assert_eq!((writer.refused, writer.queue), (1, 0));
}

#[test]
fn a_configuration_out_of_range_opens_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test.db");
    let config = Config { group_limit: 0, ..Config::default() };
    let error = Store::open(&path, &[MIGRATIONS], config).map(drop).unwrap_err();
    assert_eq!(error.to_string(), "group_limit = 0 is not accepted: use 1 to 4096");
    assert!(!path.exists());
}
