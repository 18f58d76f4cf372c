use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;

use crate::gather::Gathering;
use crate::group;
use crate::recorder::Recorder;
use crate::request::Request;

/// After so long without a write, the log is copied into the file. Steady writers of one per second
/// never pause so long; for them SQLite does it every 1,000 pages.
pub(crate) const CHECKPOINT_AFTER: Duration = Duration::from_secs(2);

/// So long the writer of a file that syncs waits for the next caller, where several shared the last commits: whoever
/// got an answer is about to write again, and a sync takes several times as long.
pub(crate) const GATHER: Duration = Duration::from_micros(100);

/// The one thread that writes: everything that waits when it comes round shares the next commit.
pub(crate) struct Writer {
    pub(crate) conn: Connection,
    pub(crate) inbox: Receiver<Box<dyn Request>>,
    pub(crate) group_limit: usize,
    pub(crate) busy_retries: u32,
    /// [`CHECKPOINT_AFTER`], but for tests.
    pub(crate) checkpoint_after: Duration,
    /// [`GATHER`]; zero where a commit costs next to nothing.
    pub(crate) gather: Duration,
    pub(crate) recorder: Arc<Recorder>,
}

impl Writer {
    /// Works until every sender is gone and the queue is empty, then tidies up and closes the file.
    pub(crate) fn run(self) {
        let mut log_has_changes = false;
        let mut gathering = Gathering::default();
        loop {
            let first = if log_has_changes {
                self.inbox.recv_timeout(self.checkpoint_after)
            } else {
                self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match first {
                Ok(first) => {
                    let group = self.drain(first, &mut gathering);
                    group::commit(&self.conn, group, self.busy_retries, &self.recorder);
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

    /// What waits, and what comes right after while fewer than usual do.
    fn drain(&self, first: Box<dyn Request>, gathering: &mut Gathering) -> VecDeque<Box<dyn Request>> {
        let mut group = VecDeque::from([first]);
        group.extend(self.inbox.try_iter().take(self.group_limit - 1));
        if !self.gather.is_zero() {
            while group.len() < gathering.wanted(group.len()).min(self.group_limit) {
                let Ok(next) = self.inbox.recv_timeout(self.gather) else { break };
                group.push_back(next);
            }
            gathering.reached(group.len());
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Instant;

    use super::*;
    use crate::request::request;
    use crate::{Config, connect};

    #[test]
    fn the_log_is_copied_into_the_file_when_nobody_writes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.db");
        let (outbox, inbox) = channel();
        let writer = Writer {
            conn: connect::writer(&path, &Config::default()).unwrap(),
            inbox,
            group_limit: 1,
            busy_retries: 0,
            checkpoint_after: Duration::from_millis(1),
            gather: GATHER,
            recorder: Arc::new(Recorder::new(path.clone(), Duration::MAX)),
        };
        let size = || fs::metadata(&path).unwrap().len();
        let empty = size();
        let thread = thread::spawn(|| writer.run());
        let (create, answer) = request("create", |tx| Ok(tx.execute_batch("CREATE TABLE a(b)")?));
        outbox.send(create).unwrap();
        answer.blocking_recv().unwrap().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while size() == empty {
            assert!(Instant::now() < deadline, "nothing was copied");
            thread::yield_now();
        }
        drop(outbox);
        thread.join().unwrap();
    }
}
