//! What people do to queues while they run.

use crate::JobsError;
use crate::config::{CONCURRENCY, CONCURRENCY_ACCEPTED};
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

    async fn set_queue(&self, name: &str, change: Change) -> Result<(), JobsError> {
        let name = self.core.queue_config(name)?.name.clone();
        let sql = match change {
            Change::Paused => {
                "INSERT INTO job_queue (name, paused) VALUES (?1, 1)
                               ON CONFLICT DO UPDATE SET paused = 1"
            }
            Change::Resumed => {
                "INSERT INTO job_queue (name) VALUES (?1)
                                ON CONFLICT DO UPDATE SET paused = 0, draining = 0"
            }
            Change::Draining => {
                "INSERT INTO job_queue (name, draining) VALUES (?1, 1)
                                 ON CONFLICT DO UPDATE SET draining = 1"
            }
            Change::Concurrency(_) => {
                "INSERT INTO job_queue (name, concurrency) VALUES (?1, ?2)
                                       ON CONFLICT DO UPDATE SET concurrency = ?2"
            }
        };
        let key = name.clone();
        self.core
            .store
            .write("jobs.set_queue", move |tx| {
                Ok(match change {
                    Change::Concurrency(concurrency) => tx.execute(sql, (&key, concurrency))?,
                    _ => tx.execute(sql, [&key])?,
                })
            })
            .await?;
        if let Some(queue) = self.core.live().queue(&name) {
            match change {
                Change::Paused => queue.paused = true,
                Change::Resumed => (queue.paused, queue.draining) = (false, false),
                Change::Draining => queue.draining = true,
                Change::Concurrency(concurrency) => queue.concurrency = concurrency,
            }
        }
        self.wake();
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
