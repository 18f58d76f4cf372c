//! Invalidation by marks: one durable stamp for a tag, a region or everything.
//!
//! An entry is valid only if its own stamp is newer than every mark that covers it. An entry's stamp is taken
//! when its computation starts, so a mark also covers what was in flight.

use std::collections::HashMap;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};

use store::Store;

use crate::CacheError;
use crate::entry::Meta;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Mark {
    Region(String),
    Tag(String),
}

impl Mark {
    fn columns(&self) -> (&'static str, &str) {
        match self {
            Self::Region(name) => ("region", name),
            Self::Tag(name) => ("tag", name),
        }
    }

    fn from_columns(scope: &str, name: String) -> Option<Self> {
        match scope {
            "region" => Some(Self::Region(name)),
            "tag" => Some(Self::Tag(name)),
            _ => None,
        }
    }
}

/// All marks, in memory and in the store.
pub(crate) struct Marks {
    /// Guards the marks that reads consult; held for look-ups and single inserts only.
    marks: RwLock<HashMap<Mark, u64>>,
    /// The newest stamp given out. It grows for ever, also across restarts and clock steps.
    newest: AtomicU64,
    store: Store,
}

impl Marks {
    /// Loads every mark and the newest stamp ever written, before the first read.
    pub(crate) async fn load(store: Store) -> Result<Self, store::StoreError> {
        let (marks, newest) = store
            .read("cache.load_marks", |db| {
                let mut marks = HashMap::new();
                let mut rows = db.prepare("SELECT scope, name, stamp FROM cache_mark")?;
                let mut rows = rows.query([])?;
                while let Some(row) = rows.next()? {
                    if let Some(mark) = Mark::from_columns(&row.get::<_, String>(0)?, row.get(1)?) {
                        marks.insert(mark, row.get::<_, i64>(2)? as u64);
                    }
                }
                let newest: i64 = db.query_row(
                    "SELECT max((SELECT coalesce(max(stamp), 0) FROM cache_mark),
                                (SELECT coalesce(max(stamp), 0) FROM cache_entry))",
                    [],
                    |row| row.get(0),
                )?;
                Ok((marks, newest as u64))
            })
            .await?;
        Ok(Self { marks: RwLock::new(marks), newest: AtomicU64::new(newest), store })
    }

    /// A stamp newer than every earlier one.
    ///
    /// Stamps follow the wall clock (65,536 steps a millisecond) where it moves forward, so that stamps which
    /// were given out but never written cannot be given out again after a crash.
    pub(crate) fn next_stamp(&self, wall_ms: i64) -> u64 {
        let floor = (wall_ms.max(0) as u64) << 16;
        let advance = |newest: u64| floor.max(newest + 1);
        let mut newest = self.newest.load(Ordering::SeqCst);
        loop {
            let next = advance(newest);
            match self.newest.compare_exchange_weak(newest, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return next,
                Err(seen) => newest = seen,
            }
        }
    }

    /// Whether no mark covers the entry.
    pub(crate) fn allow(&self, region: &str, meta: &Meta) -> bool {
        let marks = self.marks.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        if marks.is_empty() {
            return true;
        }
        let older = |mark: &Mark| marks.get(mark).is_some_and(|stamp| meta.stamp <= *stamp);
        !older(&Mark::Region(region.to_owned()))
            && !meta.tags.iter().any(|tag| older(&Mark::Tag(tag.to_string())))
    }

    /// Sets a mark: it holds for every read from now on, and is durable when this returns `Ok`.
    pub(crate) async fn set(&self, mark: Mark, wall_ms: i64) -> Result<u64, CacheError> {
        let stamp = self.next_stamp(wall_ms);
        {
            let mut marks = self.marks.write().unwrap_or_else(|poisoned| poisoned.into_inner());
            let held = marks.entry(mark.clone()).or_insert(stamp);
            *held = stamp.max(*held);
        }
        let (scope, name) = mark.columns();
        let name = name.to_owned();
        self.store
            .write("cache.set_mark", move |db| {
                db.execute(
                    "INSERT INTO cache_mark (scope, name, stamp) VALUES (?1, ?2, ?3)
                     ON CONFLICT (scope, name) DO UPDATE SET stamp = max(stamp, excluded.stamp)",
                    (scope, name, stamp as i64),
                )?;
                Ok(())
            })
            .await
            .map_err(|error| CacheError::NotDurable(error.to_string()))?;
        Ok(stamp)
    }
}
