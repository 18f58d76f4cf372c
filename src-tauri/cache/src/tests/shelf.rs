//! A level in memory that does what a test tells it, and that outlives the cache as a disk does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::entry::Record;
use crate::guard::Opener;
use crate::name::FullKey;
use crate::tier::{Tier, TierError};

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mode {
    #[default]
    Obeys,
    Fails,
    /// Writes are done and reported as failed.
    Lies,
    /// It never answers.
    Hangs,
    Panics,
    /// Reads work, writes do not: a full disk.
    Full,
    /// A read finds what stands there, and tells it once it is let [`go`](Shelf::go).
    Dawdles,
}

#[derive(Default)]
pub(super) struct Shelf {
    entries: Mutex<HashMap<FullKey, (u64, Option<Record>)>>,
    mode: Mutex<Mode>,
    pub(super) reads: AtomicUsize,
    pub(super) writes: AtomicUsize,
    pub(super) go: Notify,
}

impl Shelf {
    pub(super) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    fn mode(&self) -> Mode {
        *self.mode.lock().unwrap()
    }

    /// Forgets a key, also that it was removed.
    pub(super) fn evict(&self, text: &str) {
        self.entries.lock().unwrap().retain(|key, _| &*key.key != text);
    }

    pub(super) fn holds(&self, text: &str) -> bool {
        self.entries.lock().unwrap().iter().any(|(key, (_, record))| &*key.key == text && record.is_some())
    }

    pub(super) fn opener(self: &Arc<Self>) -> Opener {
        let shelf = Arc::clone(self);
        Box::new(move || {
            let shelf = Arc::clone(&shelf);
            Box::pin(async move {
                match shelf.mode() {
                    Mode::Fails | Mode::Hangs | Mode::Panics => Err(TierError("it cannot be opened".into())),
                    _ => Ok(Arc::new(Lent(Arc::clone(&shelf))) as Arc<dyn Tier>),
                }
            })
        })
    }

    async fn write(&self, key: &FullKey, stamp: u64, record: Option<Record>) -> Result<(), TierError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        let mode = self.mode();
        match mode {
            Mode::Fails | Mode::Full => return Err(TierError("it failed".into())),
            Mode::Hangs => std::future::pending().await,
            Mode::Panics => panic!("it panicked"),
            Mode::Obeys | Mode::Lies | Mode::Dawdles => {}
        }
        let mut entries = self.entries.lock().unwrap();
        if entries.get(key).is_none_or(|(held, _)| *held <= stamp) {
            entries.insert(key.clone(), (stamp, record));
        }
        if mode == Mode::Lies { Err(TierError("it lied".into())) } else { Ok(()) }
    }
}

struct Lent(Arc<Shelf>);

#[async_trait]
impl Tier for Lent {
    async fn get(&self, key: &FullKey) -> Result<Option<Record>, TierError> {
        let found = self.0.entries.lock().unwrap().get(key).and_then(|(_, record)| record.clone());
        self.0.reads.fetch_add(1, Ordering::SeqCst);
        match self.0.mode() {
            Mode::Fails => return Err(TierError("it failed".into())),
            Mode::Panics => panic!("it panicked"),
            Mode::Hangs => std::future::pending().await,
            Mode::Dawdles => self.0.go.notified().await,
            Mode::Obeys | Mode::Lies | Mode::Full => {}
        }
        Ok(found)
    }

    async fn put(&self, key: &FullKey, record: Record) -> Result<(), TierError> {
        self.0.write(key, record.meta.stamp, Some(record)).await
    }

    async fn remove(&self, key: &FullKey, stamp: u64, _: i64) -> Result<(), TierError> {
        self.0.write(key, stamp, None).await
    }

    async fn sweep_region(&self, region: &str, older_than: u64) -> Result<(), TierError> {
        self.0
            .entries
            .lock()
            .unwrap()
            .retain(|key, (stamp, _)| &*key.region != region || *stamp > older_than);
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.0
            .entries
            .lock()
            .unwrap()
            .values()
            .filter_map(|(_, record)| record.as_ref())
            .map(Record::bytes)
            .sum()
    }

    fn newest_stamp(&self) -> u64 {
        self.0.entries.lock().unwrap().values().map(|(stamp, _)| *stamp).max().unwrap_or(0)
    }
}
