//! The seam between the hierarchy and a level below memory.

use async_trait::async_trait;

use crate::entry::Record;
use crate::name::FullKey;

/// A level that keeps encoded entries: files, a database, a shared cache.
///
/// A level never
/// replaces an entry by one with an older stamp, and a removal is an entry too: it holds against older ones.
#[async_trait]
pub(crate) trait Tier: Send + Sync {
    async fn get(&self, key: &FullKey) -> Result<Option<Record>, TierError>;
    async fn put(&self, key: &FullKey, record: Record) -> Result<(), TierError>;
    /// Removes the entry, and keeps values older than `stamp` from coming back.
    async fn remove(&self, key: &FullKey, stamp: u64, now_ms: i64) -> Result<(), TierError>;
    /// Frees what a mark on the region has made unreadable; the mark alone makes it so.
    async fn sweep_region(&self, region: &str, older_than: u64) -> Result<(), TierError>;
    /// Encoded bytes held.
    fn bytes(&self) -> u64;

    /// The newest stamp among its entries, where it knows one.
    fn newest_stamp(&self) -> u64 {
        0
    }

    /// The [hashes](crate::name::region_hash) of the regions that it holds something of, also removals, where it
    /// knows them.
    fn regions(&self) -> Option<Vec<u32>> {
        None
    }

    /// Entries held, where the level knows.
    fn entries(&self) -> Option<u64> {
        None
    }

    /// Entries evicted for want of room since the start, where the level knows.
    fn evictions(&self) -> Option<u64> {
        None
    }

    /// Brings what it was told to where it stays, and lets go of its files.
    async fn close(&self) {}
}

/// A level did not do what it was asked; the hierarchy goes on without it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TierError(pub(crate) String);

impl From<store::StoreError> for TierError {
    fn from(error: store::StoreError) -> Self {
        Self(error.to_string())
    }
}
