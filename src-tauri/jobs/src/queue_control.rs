//! What people do to queues while they run.

use std::sync::Arc;

use store::StoreError;
use store::rusqlite::{self, Row, Transaction};

use crate::JobsError;
use crate::config::{CONCURRENCY, CONCURRENCY_ACCEPTED};
use crate::core::{Core, Queue};
use crate::jobs::Jobs;

impl Jobs {
    /// The queue takes jobs, but starts none. It stays so over a restart.
    ///
    /// # Errors
    /// [`JobsError::UnknownQueue`], or the database's.
    pub async fn pause(&self, queue: &str) -> Result<(), JobsError> {
        self.set_queue(queue, Change::Paused).await
    }

    /// Takes back a [`pause`](Self::pause) and a [`drain`](Self::drain).
    ///
    /// # Errors
    /// [`JobsError::UnknownQueue`], or the database's.
    pub async fn resume(&self, queue: &str) -> Result<(), JobsError> {
        self.set_queue(queue, Change::Resumed).await
    }

    /// The queue finishes what it has, and takes no more. It stays so over a restart.
    ///
    /// # Errors
    /// [`JobsError::UnknownQueue`], or the database's.
    pub async fn drain(&self, queue: &str) -> Result<(), JobsError> {
        self.set_queue(queue, Change::Draining).await
    }

    /// How many jobs of the queue run at once, 1 to 1000, from now on and over a restart. Where more are under way
    /// they end as they would have.
    ///
    /// # Errors
    /// [`JobsError::UnknownQueue`], [`JobsError::Invalid`], or the database's.
    pub async fn set_concurrency(&self, queue: &str, concurrency: u32) -> Result<(), JobsError> {
        if !CONCURRENCY.contains(&concurrency) {
            let (value, accepted) = (concurrency.to_string(), CONCURRENCY_ACCEPTED);
            return Err(JobsError::Invalid { field: "concurrency", value, accepted });
        }
        self.set_queue(queue, Change::Concurrency(concurrency)).await
    }

    /// The change goes on in a task of its own: a caller that is dropped while it waits, say because its client hung up,
    /// leaves no queue of which the database says one thing and this process does another.
    async fn set_queue(&self, name: &str, change: Change) -> Result<(), JobsError> {
        let name = self.core.queue_config(name)?.name.clone();
        let core = Arc::clone(&self.core);
        let changed = self.life.tasks.spawn(async move { core.set_queue(name, change).await });
        // It is lost only with its runtime, as the database is.
        Ok(changed.await.unwrap_or(Err(StoreError::Closed))?)
    }
}

impl Core {
    async fn set_queue(&self, name: String, change: Change) -> Result<(), StoreError> {
        let _in_order = self.changing.lock().await;
        let key = name.clone();
        let row = self.store.write("jobs.set_queue", move |tx| change.write(tx, &key)).await?;
        if let Some(queue) = self.live().queue(&name) {
            row.apply(queue);
        }
        self.wake.notify_one();
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Change {
    Paused,
    Resumed,
    Draining,
    Concurrency(u32),
}

impl Change {
    /// Returns the row as it stands then: what was changed before is in it too.
    fn write(self, tx: &Transaction<'_>, queue: &str) -> Result<QueueRow, StoreError> {
        let (columns, values, update) = match self {
            Self::Paused => ("paused", "1", "paused = 1"),
            Self::Resumed => ("paused", "0", "paused = 0, draining = 0"),
            Self::Draining => ("draining", "1", "draining = 1"),
            Self::Concurrency(_) => ("concurrency", "?2", "concurrency = ?2"),
        };
        let sql = format!(
            "INSERT INTO job_queue (name, {columns}) VALUES (?1, {values}) ON CONFLICT DO UPDATE SET {update}
             RETURNING {}",
            QueueRow::COLUMNS,
        );
        let mut statement = tx.prepare_cached(&sql)?;
        let row = match self {
            Self::Concurrency(concurrency) => statement.query_row((queue, concurrency), QueueRow::read),
            _ => statement.query_row([queue], QueueRow::read),
        };
        Ok(row?)
    }
}

/// What was changed of a queue, as the database keeps it.
pub(crate) struct QueueRow {
    pub(crate) name: String,
    paused: bool,
    draining: bool,
    concurrency: Option<u32>,
}

impl QueueRow {
    pub(crate) const COLUMNS: &str = "name, paused, draining, concurrency";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { name: row.get(0)?, paused: row.get(1)?, draining: row.get(2)?, concurrency: row.get(3)? })
    }

    pub(crate) fn apply(&self, queue: &mut Queue) {
        (queue.paused, queue.draining) = (self.paused, self.draining);
        queue.concurrency = self.concurrency.unwrap_or(queue.config.concurrency);
    }
}
