use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;

use crate::group;
use crate::recorder::Recorder;
use crate::request::Request;

/// After so long without a write, the log is copied into the file. Steady writers of one per second
/// never pause so long; for them SQLite does it every 1,000 pages.
const CHECKPOINT_AFTER: Duration = Duration::from_secs(2);

/// The one thread that writes: everything that waits when it comes round shares the next commit.
pub(crate) struct Writer {
    pub(crate) conn: Connection,
    pub(crate) inbox: Receiver<Box<dyn Request>>,
    pub(crate) group_limit: usize,
    pub(crate) busy_retries: u32,
    pub(crate) recorder: Arc<Recorder>,
}

impl Writer {
    /// Works until every sender is gone and the queue is empty, then tidies up and closes the file.
    pub(crate) fn run(self) {
        let mut log_has_changes = false;
        loop {
            let first = if log_has_changes {
                self.inbox.recv_timeout(CHECKPOINT_AFTER)
            } else {
                self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match first {
                Ok(first) => {
                    group::commit(&self.conn, self.drain(first), self.busy_retries, &self.recorder);
                    log_has_changes = true;
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.tidy("PRAGMA wal_checkpoint(PASSIVE)");
                    log_has_changes = false;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.tidy("PRAGMA optimize");
        self.tidy("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    fn drain(&self, first: Box<dyn Request>) -> VecDeque<Box<dyn Request>> {
        let mut group = VecDeque::from([first]);
        group.extend(self.inbox.try_iter().take(self.group_limit - 1));
        self.recorder.left_queue(group.len());
        group
    }

    /// A failure here costs no data: SQLite does the same work at the next opening.
    fn tidy(&self, pragma: &str) {
        if let Err(error) = self.conn.execute_batch(pragma) {
            tracing::warn!(%error, pragma, path = self.conn.path(), "the database could not be tidied");
        }
    }
}
