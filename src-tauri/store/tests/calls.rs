//! Reads and writes through an open store.
#![allow(clippy::unwrap_used)]

use eider_store::{Config, Migrations, Store, StoreError};

const MIGRATIONS: Migrations =
    Migrations { owner: "test", steps: &["CREATE TABLE item(id INTEGER PRIMARY KEY, text TEXT) STRICT"] };

#[tokio::test]
async fn what_is_written_is_read() -> Result<(), StoreError> {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("a.db"), &[MIGRATIONS], Config::default())?.store;
    store.write("add", |tx| Ok(tx.execute("INSERT INTO item(text) VALUES ('a')", [])?)).await?;
    let n: i64 =
        store.read("count", |c| Ok(c.query_row("SELECT count(*) FROM item", [], |r| r.get(0))?)).await?;
    assert_eq!(n, 1);
    store.close().await;
    store.close().await;
    println!("{:#?}", store.stats());
    assert!(matches!(store.write("late", |_| Ok(())).await, Err(StoreError::Closed)));
    assert!(matches!(store.read("late", |_| Ok(())).await, Err(StoreError::Closed)));
    Ok(())
}
