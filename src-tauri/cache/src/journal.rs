//! What the cache itself keeps in the database, beside the entries: marks, its number, and hot keys.

use std::path::PathBuf;
use std::sync::Arc;

use store::rusqlite::OptionalExtension;
use store::{Store, StoreError};

use crate::hot::HotKey;
use crate::marks::Scope;

/// A mark as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct MarkRow {
    pub(crate) scope: Scope,
    /// Empty for [`Scope::All`].
    pub(crate) name: Arc<str>,
    pub(crate) stamp: u64,
}

/// Everything that must be known before the first read.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) marks: Vec<MarkRow>,
    /// The number that tells this database from one that was set aside; zero where it has none yet.
    pub(crate) database: u64,
    pub(crate) hot: Vec<HotKey>,
}

pub(crate) struct Journal {
    store: Store,
    /// Makes every call fail, as a full disk or a lock of somebody else does.
    #[cfg(test)]
    pub(crate) broken: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Journal {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            #[cfg(test)]
            broken: std::sync::Arc::default(),
        }
    }

    /// Fails where a test has broken it.
    fn check(&self) -> Result<(), StoreError> {
        #[cfg(test)]
        if self.broken.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(StoreError::Full);
        }
        Ok(())
    }

    /// The database's file, where it has one.
    pub(crate) async fn path(&self) -> Option<PathBuf> {
        let ask = "SELECT file FROM pragma_database_list WHERE name = 'main'";
        let path = self.store.read("cache.path", move |db| {
            Ok(db.query_row(ask, [], |row| row.get::<_, Option<String>>(0)).optional()?.flatten())
        });
        path.await.ok().flatten().filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    pub(crate) async fn load(&self) -> Result<Loaded, StoreError> {
        self.check()?;
        self.store
            .read("cache.load_marks", |db| {
                let mut loaded = Loaded::default();
                let mut rows = db.prepare("SELECT scope, name, stamp FROM cache_mark")?;
                let mut rows = rows.query([])?;
                while let Some(row) = rows.next()? {
                    if let Some(scope) = Scope::from_word(&row.get::<_, String>(0)?) {
                        let name: String = row.get(1)?;
                        let stamp = row.get::<_, i64>(2)? as u64;
                        loaded.marks.push(MarkRow { scope, name: Arc::from(name), stamp });
                    }
                }
                let number = "SELECT value FROM cache_fact WHERE name = 'number'";
                let number: Option<i64> = db.query_row(number, [], |row| row.get(0)).optional()?;
                loaded.database = number.unwrap_or_default() as u64;
                let mut rows =
                    db.prepare("SELECT region, key, weight FROM cache_hot_key ORDER BY weight DESC")?;
                let mut rows = rows.query([])?;
                while let Some(row) = rows.next()? {
                    let weight = row.get::<_, i64>(2)?.max(0) as u64;
                    loaded.hot.push(HotKey { region: row.get(0)?, key: row.get(1)?, weight });
                }
                Ok(loaded)
            })
            .await
    }

    pub(crate) async fn set_number(&self, number: u64) -> Result<(), StoreError> {
        self.store
            .write("cache.set_number", move |db| {
                db.execute("REPLACE INTO cache_fact (name, value) VALUES ('number', ?1)", [number as i64])?;
                Ok(())
            })
            .await
    }

    pub(crate) async fn set_marks(&self, marks: Vec<MarkRow>) -> Result<(), StoreError> {
        self.check()?;
        self.store
            .write("cache.set_mark", move |db| {
                let mut insert = db.prepare_cached(
                    "INSERT INTO cache_mark (scope, name, stamp) VALUES (?1, ?2, ?3)
                     ON CONFLICT (scope, name) DO UPDATE SET stamp = max(stamp, excluded.stamp)",
                )?;
                for MarkRow { scope, name, stamp } in marks {
                    insert.execute((scope.word(), &*name, stamp as i64))?;
                }
                Ok(())
            })
            .await
    }

    /// Replaces the marks of regions and tags up to this stamp by one that covers everything as old.
    pub(crate) async fn fold_marks(&self, up_to: u64) -> Result<(), StoreError> {
        self.check()?;
        self.store
            .write("cache.fold_marks", move |db| {
                db.execute(
                    "INSERT INTO cache_mark (scope, name, stamp) VALUES ('all', '', ?1)
                     ON CONFLICT (scope, name) DO UPDATE SET stamp = max(stamp, excluded.stamp)",
                    [up_to as i64],
                )?;
                let folded = "DELETE FROM cache_mark WHERE scope IN ('region', 'tag') AND stamp <= ?1";
                db.execute(folded, [up_to as i64])?;
                Ok(())
            })
            .await
    }

    pub(crate) async fn set_hot(&self, hot: Vec<HotKey>) -> Result<(), StoreError> {
        self.store
            .write("cache.set_hot_keys", move |db| {
                db.execute("DELETE FROM cache_hot_key", [])?;
                let mut insert =
                    db.prepare_cached("INSERT INTO cache_hot_key (region, key, weight) VALUES (?1, ?2, ?3)")?;
                for HotKey { region, key, weight } in hot {
                    insert.execute((region, key, weight as i64))?;
                }
                Ok(())
            })
            .await
    }
}
