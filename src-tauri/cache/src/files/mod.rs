//! L2: entries in files, as a log of segments.
//!
//! ```text
//! put, remove ──► queue ──► one writer ──► active segment ┐            oldest dropped
//!                              │                          ├ 7.log   6.log   5.log ──►
//! get ──► index (hash → where) ┴─► pread, checked         ┘ records │ contents
//! ```
//!
//! - A segment is appended to until it is full; then the list of its contents ends it. Opening reads only the
//!   lists, and the records of the one segment that has none yet.
//! - What a call has written is in the operating system's hands when it returns: the end of this process, by
//!   `kill -9` too, loses nothing of it. It is not synced, so a power failure may lose the newest records: the
//!   level is then as it was a little earlier.
//! - A damaged record is a miss. Where damage hides which keys were written, all older records go, so that no
//!   value comes back that was replaced or removed.
//! - A level full to its bound drops its oldest segment, but for what was read of it.

mod active;
mod contents;
mod disk;
mod drop;
mod entry;
mod frame;
mod index;
mod load;
mod log;
mod queue;
mod room;
mod scan;
mod segment;
mod sweep;
mod threads;
mod trust;
mod writer;

#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use self::disk::{Disk, Machine};
use self::log::{Log, Sizes};
use self::queue::{Queue, Work};
use crate::Clock;
use crate::entry::Record;
use crate::name::FullKey;
use crate::tier::{Tier, TierError};

/// The smallest bound, in bytes.
pub(crate) const BOUND_MIN: u64 = 1 << 20;
/// How many reads run at once; a disk that does not answer holds no more threads than that.
const READS: usize = 16;

pub(crate) struct Files {
    log: Arc<Log>,
    queue: Arc<Queue>,
    reads: Arc<Semaphore>,
}

impl Files {
    /// Opens the level in this folder, which is its own; damaged files cost what is damaged, not the start.
    ///
    /// # Errors
    /// Where the folder cannot be made or listed, and for a bound below [`BOUND_MIN`].
    pub(crate) async fn open(folder: &Path, bound_bytes: u64, clock: Clock) -> Result<Self, TierError> {
        if bound_bytes < BOUND_MIN {
            return Err(TierError(format!("the file level needs a bound of at least {BOUND_MIN} bytes")));
        }
        Self::open_with(folder, Sizes::for_bound(bound_bytes), Arc::new(Machine), clock).await
    }

    async fn open_with(
        folder: &Path,
        sizes: Sizes,
        disk: Arc<dyn Disk>,
        clock: Clock,
    ) -> Result<Self, TierError> {
        let log = Arc::new(Log::new(folder.to_owned(), sizes, disk, clock));
        let loading = Arc::clone(&log);
        let writer = blocking(move || load::load(loading)).await?;
        let (queue, reads) = (Arc::new(Queue::new(writer)), Arc::new(Semaphore::new(READS)));
        Ok(Self { log, queue, reads })
    }

    /// Ends the active segment with its list, which makes the next start faster; writes are refused from then
    /// on. Twice is fine, and so is to leave it out.
    pub(crate) async fn close(&self) {
        if let Err(error) = self.queue.done(Work::Close).await {
            tracing::debug!(%error, "the file level was not ended");
        }
    }

    /// The values held.
    pub(crate) fn entries(&self) -> usize {
        self.log.index.values()
    }

    /// The newest stamp of any record that was found or written.
    pub(crate) fn newest_stamp(&self) -> u64 {
        self.log.newest_stamp.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Tier for Files {
    async fn get(&self, key: &FullKey) -> Result<Option<Record>, TierError> {
        let Some(place) = self.log.find(key) else { return Ok(None) };
        // It also lets other tasks have their turn where one reads on and on.
        let turn = Arc::clone(&self.reads).acquire_owned().await;
        if let Some(found) = self.log.read_at_once(&place, key) {
            return Ok(found);
        }
        let (log, key) = (Arc::clone(&self.log), key.clone());
        blocking(move || {
            let _turn = turn;
            log.read(&place, &key)
        })
        .await
    }

    async fn put(&self, key: &FullKey, record: Record) -> Result<(), TierError> {
        self.queue.done(Work::Put(key.clone(), record)).await
    }

    async fn remove(&self, key: &FullKey, stamp: u64, now_ms: i64) -> Result<(), TierError> {
        self.queue.done(Work::Remove(key.clone(), stamp, now_ms)).await
    }

    async fn sweep_region(&self, region: &str, older_than: u64) -> Result<(), TierError> {
        self.queue.done(Work::Sweep(region.to_owned(), older_than)).await
    }

    fn bytes(&self) -> u64 {
        self.log.bytes.load(Ordering::Relaxed)
    }

    fn newest_stamp(&self) -> u64 {
        self.newest_stamp()
    }

    fn regions(&self) -> Option<Vec<u32>> {
        self.log.regions.all()
    }

    fn entries(&self) -> Option<u64> {
        Some(self.entries() as u64)
    }

    fn evictions(&self) -> Option<u64> {
        Some(self.log.evictions.load(Ordering::Relaxed))
    }

    async fn close(&self) {
        self.close().await;
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, TierError> {
    match spawn_blocking(work).await {
        Ok(outcome) => Ok(outcome?),
        Err(error) => Err(TierError(format!("the file level broke off: {error}"))),
    }
}

impl From<io::Error> for TierError {
    fn from(error: io::Error) -> Self {
        Self(format!("the file level failed: {error}"))
    }
}
