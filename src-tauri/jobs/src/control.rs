//! What people do to jobs while they run.

use std::sync::Arc;

use store::StoreError;
use store::rusqlite::{OptionalExtension, Transaction};

use crate::columns::text;
use crate::core::Core;
use crate::insert::{RETRY_AFTER, is_draining};
use crate::jobs::Jobs;
use crate::kin::{Moved, child_ended, child_reopened, children_not_done};
use crate::tally::{Tally, open_jobs};
use crate::{JobId, JobsError, Priority, State, States};

/// How many failed jobs are retried with one commit.
const RETRIED_AT_ONCE: i64 = 500;

/// What a control needs to know of a job.
struct Standing {
    id: JobId,
    kind: String,
    queue: String,
    priority: Priority,
    state: State,
    parent: Option<JobId>,
    key: Option<String>,
}

/// A job that is to run again.
struct Retried {
    standing: Standing,
    queue: String,
    children_open: u32,
}

fn retried_to(children_open: u32) -> State {
    if children_open > 0 { State::Blocked } else { State::Waiting }
}

impl Standing {
    fn find(tx: &Transaction<'_>, id: JobId) -> Result<Option<Self>, StoreError> {
        let mut select =
            tx.prepare_cached("SELECT kind, queue, priority, state, parent, key FROM job WHERE id = ?1")?;
        let found = select.query_row([id.0], |row| {
            Ok(Self {
                id,
                kind: row.get(0)?,
                queue: row.get(1)?,
                priority: Priority::from_code(row.get(2)?),
                state: State::from_code(row.get(3)?),
                parent: row.get::<_, Option<i64>>(4)?.map(JobId),
                key: text(row, 5)?,
            })
        });
        Ok(found.optional()?)
    }

    fn moved(self, state: State) -> Moved {
        Moved { id: self.id, kind: self.kind, queue: self.queue, state, error: None }
    }
}

impl Jobs {
    /// Has a job run now, that is as soon as it has a place: one that is scheduled or snoozed need not wait for its
    /// time, and one that ended is replayed with as many attempts as it had, and with all of its overall time. A parent's children that did not
    /// end well are replayed with it, and it waits for them.
    ///
    /// # Errors
    /// [`JobsError::NotFound`]; [`JobsError::NotAllowed`] where it is waiting, blocked or running;
    /// [`JobsError::KeyTaken`] where it ended, and meanwhile another one has its key; [`JobsError::Draining`] and
    /// [`JobsError::QueueFull`] where it, or a child, ended in a queue that would not take it as a new job either.
    pub async fn retry(&self, id: JobId) -> Result<(), JobsError> {
        let core = Arc::clone(&self.core);
        let retried = self.core.write_and_wake("jobs.retry", move |tx| core.retry(tx, id)).await??;
        self.core.tell_moved(retried);
        Ok(())
    }

    /// Retries every failed job of this queue, or of all, that can be; returns how many. A few hundred share a commit.
    ///
    /// # Errors
    /// [`JobsError::UnknownQueue`], or the database's.
    pub async fn retry_failed(&self, queue: Option<&str>) -> Result<u64, JobsError> {
        if let Some(queue) = queue {
            self.core.queue_config(queue)?;
        }
        let (mut after, mut all) = (0, 0);
        loop {
            let (queue, core) = (queue.map(str::to_owned), Arc::clone(&self.core));
            let some = move |tx: &Transaction<'_>| core.retry_some(tx, queue.as_deref(), after);
            let (retried, last) = self.core.write_and_wake("jobs.retry_failed", some).await?;
            all += retried.len() as u64;
            self.core.tell_moved(retried);
            match last {
                Some(last) => after = last,
                None => return Ok(all),
            }
        }
    }

    /// Ends a job that is not wanted any more. One under way is told to end, and dropped where it does not within a
    /// second. One that waits for its children takes those that have not ended with it.
    ///
    /// # Errors
    /// [`JobsError::NotFound`], or [`JobsError::NotAllowed`] where it has ended.
    pub async fn cancel(&self, id: JobId) -> Result<(), JobsError> {
        let now_ms = self.core.clock.now_ms();
        let cancelled = self
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
                let (mut cancelled, mut tally) = (Cancelled::default(), Tally::default());
                cancelled.cancel(tx, standing, now_ms, &mut tally)?;
                tally.write(tx)?;
                Ok(Ok(cancelled))
            })
            .await??;
        self.core.tell_to_end(&cancelled.told);
        self.core.tell_moved(cancelled.moved);
        self.wake();
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
}

impl Core {
    /// Has the handlers of these jobs end, of those that run here.
    pub(crate) fn tell_to_end(&self, ids: &[JobId]) {
        let live = self.live();
        for underway in ids.iter().filter_map(|id| live.running.get(id)) {
            underway.cancel.cancel();
        }
    }

    /// Nothing is written where it comes to a refusal.
    fn retry(&self, tx: &Transaction<'_>, id: JobId) -> Result<Result<Vec<Moved>, JobsError>, StoreError> {
        let mut plan = Vec::new();
        if let Err(refusal) = self.plan(tx, id, &mut plan)? {
            return Ok(Err(refusal));
        }
        let reopened = plan.into_iter().map(|retried| self.reopen(tx, retried));
        Ok(Ok(reopened.collect::<Result<_, _>>()?))
    }

    /// Finds what is to run again with this job: children before their parent.
    fn plan(
        &self,
        tx: &Transaction<'_>,
        id: JobId,
        plan: &mut Vec<Retried>,
    ) -> Result<Result<(), JobsError>, StoreError> {
        let Some(standing) = Standing::find(tx, id)? else {
            return Ok(Err(JobsError::NotFound { id }));
        };
        let state = standing.state;
        if matches!(state, State::Waiting | State::Blocked | State::Running) {
            return Ok(Err(JobsError::NotAllowed { id, state, action: "retried" }));
        }
        let queue = self.home(&standing.kind, &standing.queue).to_owned();
        let mut children_open = 0;
        if !state.is_open() {
            if let Some(by) = self.key_taken(tx, &standing, plan)? {
                return Ok(Err(JobsError::KeyTaken { id, by }));
            }
            for (child, state) in children_not_done(tx, id)? {
                children_open += 1;
                if !state.is_open()
                    && let Err(refusal) = self.plan(tx, child, plan)?
                {
                    return Ok(Err(refusal));
                }
            }
            if let Some(refusal) = self.no_room(tx, id, &queue, plan)? {
                return Ok(Err(refusal));
            }
        }
        plan.push(Retried { standing, queue, children_open });
        Ok(Ok(()))
    }

    /// Why a job that ended cannot be one of this queue's open jobs again, beside those that are to be.
    fn no_room(
        &self,
        tx: &Transaction<'_>,
        id: JobId,
        queue: &str,
        plan: &[Retried],
    ) -> Result<Option<JobsError>, StoreError> {
        let planned = plan.iter().filter(|retried| retried.queue == queue).count() as u64;
        let bound = self.queue_config(queue).map_or(u64::MAX, |config| config.bound);
        let queue = queue.to_owned();
        Ok(if is_draining(tx, &queue)? {
            Some(JobsError::Draining { id, queue })
        } else if open_jobs(tx, &queue)? + planned >= bound {
            Some(JobsError::QueueFull { id, queue, bound, retry_after: RETRY_AFTER })
        } else {
            None
        })
    }

    fn reopen(&self, tx: &Transaction<'_>, retried: Retried) -> Result<Moved, StoreError> {
        let Retried { standing, queue, children_open } = retried;
        if let Some(parent) = standing.parent.filter(|_| !standing.state.is_open()) {
            child_reopened(tx, parent)?;
        }
        let to = retried_to(children_open);
        // The numbers of attempts go on, so that the history stays clear. An overall time begins anew.
        tx.prepare_cached(
            "UPDATE job SET state = ?2, run_at_ms = ?3, queue = ?4, children_open = ?5, hold = NULL, ended_at_ms = NULL,
                            attempts = CASE WHEN state >= 5 THEN attempt + attempts - replayed_at ELSE attempts END,
                            replayed_at = CASE WHEN state >= 5 THEN attempt ELSE replayed_at END,
                            deadline_ms = CASE WHEN state >= 5 THEN ?3 + overall_ms ELSE deadline_ms END
             WHERE id = ?1",
        )?
        .execute((standing.id.0, to as i64, self.clock.now_ms(), &queue, children_open))?;
        let mut tally = Tally::default();
        tally.add(&standing.queue, standing.state, standing.priority, -1);
        tally.add(&queue, to, standing.priority, 1);
        tally.write(tx)?;
        Ok(Standing { queue, ..standing }.moved(to))
    }

    /// Another job that has the key of one that ended, or is to have it again, and counts by the rules of the kind.
    fn key_taken(
        &self,
        tx: &Transaction<'_>,
        standing: &Standing,
        plan: &[Retried],
    ) -> Result<Option<JobId>, StoreError> {
        let among = self.kinds.get(&*standing.kind).map_or(States::OPEN, |kind| kind.defaults.unique.among);
        let planned = plan.iter().find(|Retried { standing: other, children_open, .. }| {
            standing.key.is_some()
                && (&other.kind, &other.key) == (&standing.kind, &standing.key)
                && among.contains(retried_to(*children_open))
        });
        if let Some(planned) = planned {
            return Ok(Some(planned.standing.id));
        }
        let mut select = tx.prepare_cached(
            "SELECT other.id, other.state FROM job
             JOIN job AS other INDEXED BY job_by_key ON other.kind = job.kind AND other.key = job.key
             WHERE job.id = ?1 AND job.key IS NOT NULL AND other.key IS NOT NULL AND other.state <= 4",
        )?;
        let mut rows = select.query([standing.id.0])?;
        while let Some(row) = rows.next()? {
            if among.contains(State::from_code(row.get(1)?)) {
                return Ok(Some(JobId(row.get(0)?)));
            }
        }
        Ok(None)
    }

    /// Retries some of the failed jobs after this one; also returns the last of them, where there may be more.
    fn retry_some(
        &self,
        tx: &Transaction<'_>,
        queue: Option<&str>,
        after: i64,
    ) -> Result<(Vec<Moved>, Option<i64>), StoreError> {
        let mut select = tx.prepare_cached(
            "SELECT id FROM job INDEXED BY job_by_state
             WHERE state = 6 AND id > ?1 AND (?2 IS NULL OR queue = ?2) ORDER BY id LIMIT ?3",
        )?;
        let ids: Vec<i64> =
            select.query_map((after, queue, RETRIED_AT_ONCE), |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut retried = Vec::new();
        for id in &ids {
            // One that was retried with its parent by now, whose key is taken, or whose queue has no room stays as it is.
            if let Ok(moved) = self.retry(tx, JobId(*id))? {
                retried.extend(moved);
            }
        }
        Ok((retried, ids.last().copied()))
    }
}

/// What a cancellation came to.
#[derive(Default)]
struct Cancelled {
    moved: Vec<Moved>,
    /// Jobs under way, which are to be told.
    told: Vec<JobId>,
}

impl Cancelled {
    fn cancel(
        &mut self,
        tx: &Transaction<'_>,
        job: Standing,
        now_ms: i64,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        let id = job.id;
        if job.state == State::Running {
            // One more run that was asked for is cancelled with it.
            tx.prepare_cached("UPDATE job SET cancelling = 1, again = NULL WHERE id = ?1")?
                .execute([id.0])?;
            self.told.push(id);
            return Ok(());
        }
        tx.prepare_cached("UPDATE job SET state = 7, ended_at_ms = ?2, hold = NULL WHERE id = ?1")?
            .execute((id.0, now_ms))?;
        tally.moved(&job.queue, job.priority, job.state, State::Cancelled);
        if job.state == State::Blocked {
            for (child, _) in children_not_done(tx, id)?.into_iter().filter(|(_, state)| state.is_open()) {
                if let Some(child) = Standing::find(tx, child)? {
                    self.cancel(tx, child, now_ms, tally)?;
                }
            }
        }
        if let Some(parent) = job.parent {
            self.moved.extend(child_ended(tx, id, parent, State::Cancelled, now_ms, tally)?);
        }
        self.moved.push(job.moved(State::Cancelled));
        Ok(())
    }
}
