//! Small things that the program remembers by itself, in `eider.db`.

use store::rusqlite::OptionalExtension;
use store::{Store, StoreError};

/// The profile that `auto` chose at the first start.
pub(crate) const AUTO_PROFILE: &str = "auto_profile";

pub(crate) async fn read(store: &Store, key: &'static str) -> Result<Option<String>, StoreError> {
    store
        .read("remembered.read", move |db| {
            let mut select = db.prepare_cached("SELECT value FROM remembered WHERE key = ?1")?;
            Ok(select.query_row([key], |row| row.get(0)).optional()?)
        })
        .await
}

pub(crate) async fn write(store: &Store, key: &'static str, value: &str) -> Result<(), StoreError> {
    let value = value.to_owned();
    store
        .write("remembered.write", move |db| {
            db.prepare_cached("REPLACE INTO remembered (key, value) VALUES (?1, ?2)")?
                .execute((key, value))?;
            Ok(())
        })
        .await
}
