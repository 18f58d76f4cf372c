//! What people do to jobs and queues while they run.

use std::sync::Arc;

use store::StoreError;
use store::rusqlite::{OptionalExtension, Transaction};

use crate::config::{CONCURRENCY, CONCURRENCY_ACCEPTED};
use crate::core::Core;
use crate::jobs::Jobs;
use crate::settle::child_ended;
use crate::tally::Tally;
use crate::{JobId, JobsError, Priority, State};

/// What a control needs to know of a job.
struct Standing {
    kind: String,
    queue: String,
    priority: Priority,
    state: State,
    parent: Option<JobId>,
    children_open: i64,
}

impl Standing {
    fn find(tx: &Transaction<'_>, id: JobId) -> Result<Option<Self>, StoreError> {
        let mut select = tx.prepare_cached(
            "SELECT kind, queue, priority, state, parent, children_open FROM job WHERE id = ?1",
        )?;
        let found = select.query_row([id.0], |row| {
            Ok(Self {
                kind: row.get(0)?,
                queue: row.get(1)?,
                priority: Priority::from_code(row.get(2)?),
                state: State::from_code(row.get(3)?),
                parent: row.get::<_, Option<i64>>(4)?.map(JobId),
                children_open: row.get(5)?,
            })
        });
        Ok(found.optional()?)
    }
}

impl Jobs {
    /// Has a job run now, that is as soon as it has a place: one that is scheduled or snoozed need not wait for its
    /// time, and one that ended is replayed with as many attempts again as it spent.
    ///
    /// # Errors
    /// [`JobsError::NotFound`], or [`JobsError::NotAllowed`] where it is waiting, blocked or running.
    pub async fn retry(&self, id: JobId) -> Result<(), JobsError> {
        let core = Arc::clone(&self.core);
        let (standing, to) = self
            .core
            .store
            .write("jobs.retry", move |tx| {
                let Some(standing) = Standing::find(tx, id)? else {
                    return Ok(Err(JobsError::NotFound { id }));
                };
                let state = standing.state;
                if matches!(state, State::Waiting | State::Blocked | State::Running) {
                    return Ok(Err(JobsError::NotAllowed { id, state, action: "retried" }));
                }
                let mut tally = Tally::default();
                let to = core.retry(tx, id, &standing, &mut tally)?;
                tally.write(tx)?;
                Ok(Ok((standing, to)))
            })
            .await??;
        self.core.tell(id, &standing.kind, &standing.queue, to, None);
        self.wake();
        Ok(())
    }

    /// Retries every failed job of this queue, or of all; returns how many.
    ///
    /// # Errors
    /// [`JobsError::UnknownQueue`], or the database's.
    pub async fn retry_failed(&self, queue: Option<&str>) -> Result<u64, JobsError> {
        if let Some(queue) = queue {
            self.core.queue_config(queue)?;
        }
        let (queue, core) = (queue.map(str::to_owned), Arc::clone(&self.core));
        let retried = self
            .core
            .store
            .write("jobs.retry_failed", move |tx| {
                let mut select = tx.prepare_cached(
                    "SELECT id FROM job WHERE state = 6 AND (?1 IS NULL OR queue = ?1) ORDER BY id",
                )?;
                let ids: Vec<i64> =
                    select.query_map([&queue], |row| row.get(0))?.collect::<Result<_, _>>()?;
                let mut tally = Tally::default();
                for id in &ids {
                    if let Some(standing) = Standing::find(tx, JobId(*id))? {
                        core.retry(tx, JobId(*id), &standing, &mut tally)?;
                    }
                }
                tally.write(tx)?;
                Ok(ids.len() as u64)
            })
            .await?;
        self.wake();
        Ok(retried)
    }

    /// Ends a job that is not wanted any more. One under way is told to end, and dropped where it does not within a
    /// second.
    ///
    /// # Errors
    /// [`JobsError::NotFound`], or [`JobsError::NotAllowed`] where it has ended.
    pub async fn cancel(&self, id: JobId) -> Result<(), JobsError> {
        let now_ms = self.core.clock.now_ms();
        let (standing, moved) = self
            .core
            .store
            .write("jobs.cancel", move |tx| {
                let Some(standing) = Standing::find(tx, id)? else {
                    return Ok(Err(JobsError::NotFound { id }));
                };
                if !standing.state.is_open() {
                    let state = standing.state;
                    return Ok(Err(JobsError::NotAllowed { id, state, action: "cancelled" }));
                }
                let mut tally = Tally::default();
                let moved = cancel(tx, id, &standing, now_ms, &mut tally)?;
                tally.write(tx)?;
                Ok(Ok((standing, moved)))
            })
            .await??;
        if let Some(underway) = self.core.live().running.get(&id) {
            underway.cancel.cancel();
        }
        if standing.state != State::Running {
            self.core.tell(id, &standing.kind, &standing.queue, State::Cancelled, None);
        }
        if moved {
            self.wake();
        }
        Ok(())
    }

    /// Removes a job that ended, with its attempts.
    ///
    /// # Errors
    /// [`JobsError::NotFound`], [`JobsError::NotAllowed`] while it is open, or the database's.
    pub async fn discard(&self, id: JobId) -> Result<(), JobsError> {
        let discard = move |tx: &Transaction<'_>| {
            let Some(standing) = Standing::find(tx, id)? else {
                return Ok(Err(JobsError::NotFound { id }));
            };
            let state = standing.state;
            if state.is_open() {
                return Ok(Err(JobsError::NotAllowed { id, state, action: "discarded" }));
            }
            tx.prepare_cached("DELETE FROM job WHERE id = ?1")?.execute([id.0])?;
            let mut tally = Tally::default();
            tally.add(&standing.queue, state, standing.priority, -1);
            tally.write(tx)?;
            Ok(Ok(()))
        };
        self.core.store.write("jobs.discard", discard).await?
    }

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

impl Core {
    fn retry(
        &self,
        tx: &Transaction<'_>,
        id: JobId,
        standing: &Standing,
        tally: &mut Tally,
    ) -> Result<State, StoreError> {
        let to = if standing.children_open > 0 { State::Blocked } else { State::Waiting };
        let queue = self.home(&standing.kind, &standing.queue);
        // The numbers of attempts go on, so that the history stays clear. An overall time begins anew.
        tx.prepare_cached(
            "UPDATE job SET state = ?2, run_at_ms = ?3, queue = ?4, hold = NULL, ended_at_ms = NULL,
                            attempts = CASE WHEN state >= 5 THEN attempts + max(attempt, 1) ELSE attempts END,
                            overall_ms = overall_ms + CASE WHEN state >= 5 THEN ?3 - created_at_ms ELSE 0 END
             WHERE id = ?1",
        )?
        .execute((id.0, to as i64, self.clock.now_ms(), queue))?;
        tally.add(&standing.queue, standing.state, standing.priority, -1);
        tally.add(queue, to, standing.priority, 1);
        Ok(to)
    }
}

/// Whether others were moved by it.
fn cancel(
    tx: &Transaction<'_>,
    id: JobId,
    standing: &Standing,
    now_ms: i64,
    tally: &mut Tally,
) -> Result<bool, StoreError> {
    if standing.state == State::Running {
        tx.prepare_cached("UPDATE job SET cancelling = 1 WHERE id = ?1")?.execute([id.0])?;
        return Ok(false);
    }
    tx.prepare_cached("UPDATE job SET state = 7, ended_at_ms = ?2, hold = NULL WHERE id = ?1")?
        .execute((id.0, now_ms))?;
    tally.moved(&standing.queue, standing.priority, standing.state, State::Cancelled);
    let Some(parent) = standing.parent else { return Ok(false) };
    Ok(!child_ended(tx, id, parent, State::Cancelled, now_ms, tally)?.is_empty())
}
