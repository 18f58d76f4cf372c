//! The handle that callers hold: adding, listening and stopping.

use std::sync::Arc;
use std::time::Duration;

use store::StoreError;
use store::rusqlite::{self, Transaction};
use tokio::sync::broadcast;
use tokio_util::task::TaskTracker;

use crate::core::{Core, Waker};
use crate::insert::{Adding, Kin, Ready};
use crate::{AddError, Added, Event, NewJob};

/// A running job processor; cloning it is cheap.
///
/// When the last clone is dropped without [`stop`](Jobs::stop), the processor ends in the background: what is under way
/// is told to end, and keeps its attempt.
#[derive(Clone)]
pub struct Jobs {
    pub(crate) core: Arc<Core>,
    pub(crate) life: Arc<Life>,
}

/// The processor's tasks, for as long as somebody holds a handle.
pub(crate) struct Life {
    pub(crate) core: Arc<Core>,
    pub(crate) tasks: TaskTracker,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.core.end();
    }
}

/// How many jobs share a commit at most: some 10 ms of the writer's time.
const ADDED_AT_ONCE: usize = 1000;

impl Jobs {
    /// Adds a job. It is durable when this returns.
    ///
    /// A caller that is dropped while it waits may have added it all the same; it runs then.
    ///
    /// # Errors
    /// [`AddError`], which names the value and what is accepted, or when to try again.
    pub async fn add(&self, job: NewJob) -> Result<Added, AddError> {
        let ready = self.core.admit(job)?;
        self.core.write_and_wake("jobs.add", move |tx| add(tx, &ready)).await?
    }

    /// Adds many, of which a thousand share a commit; each has its own answer, in their order.
    ///
    /// A caller that is dropped while it waits may have added the first of them; they run then.
    ///
    /// # Errors
    /// Where the database took none of them. Where it took the first thousand, say, and then no more, the others have
    /// [`AddError::Store`] for their answer.
    pub async fn add_many(&self, jobs: Vec<NewJob>) -> Result<Vec<Result<Added, AddError>>, StoreError> {
        let mut answers = Vec::with_capacity(jobs.len());
        let mut jobs = jobs.into_iter();
        loop {
            let ready: Vec<_> = jobs.by_ref().take(ADDED_AT_ONCE).map(|job| self.core.admit(job)).collect();
            let many = ready.len();
            if many == 0 {
                return Ok(answers);
            }
            match self.core.write_and_wake("jobs.add_many", move |tx| add_many(tx, ready)).await {
                Ok(added) => answers.extend(added),
                Err(error) if answers.is_empty() => return Err(error),
                Err(error) => {
                    let left = many + jobs.len();
                    answers.extend((0..left).map(|_| Err(AddError::Store(same(&error)))));
                    return Ok(answers);
                }
            }
        }
    }

    /// Adds a job that starts once all of `children` are done, with one commit: all of them or none. It fails with the
    /// first child that fails or is cancelled, and the others go on.
    ///
    /// # Errors
    /// [`AddError`] of the first that is refused; a child whose key is taken is refused too.
    pub async fn add_tree(
        &self,
        parent: NewJob,
        children: Vec<NewJob>,
    ) -> Result<(Added, Vec<Added>), AddError> {
        let parent = self.core.admit(parent)?;
        let children: Vec<_> =
            children.into_iter().map(|job| self.core.admit(job)).collect::<Result<_, _>>()?;
        let insert = move |tx: &Transaction<'_>| add_tree(tx, &parent, &children);
        self.core.write_or_refuse("jobs.add_tree", insert).await?
    }

    /// Adds a job in the caller's own transaction on the same database, so that it exists exactly if that is
    /// committed. A [`waker`](Self::waker) in the answer of the transaction tells the processor then.
    ///
    /// # Errors
    /// As [`add`](Self::add). Nothing of the job is in the transaction then, which the caller may go on with.
    pub fn enqueue_in(&self, tx: &Transaction<'_>, job: NewJob) -> Result<Added, AddError> {
        let ready = self.core.admit(job)?;
        tx.execute_batch("SAVEPOINT eider_job").map_err(StoreError::from)?;
        let added = add(tx, &ready);
        let undo = if added.is_ok() { "" } else { "ROLLBACK TO eider_job; " };
        let released = tx.execute_batch(&format!("{undo}RELEASE eider_job")).map_err(StoreError::from);
        let added = added??;
        released?;
        Ok(added)
    }

    /// Has the processor look for work, also after the clock of a test was moved.
    pub fn wake(&self) {
        self.core.wake.notify_one();
    }

    /// Has the processor look for work when it is dropped, also where the caller of a transaction was dropped first.
    pub fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.core.wake))
    }

    /// What happens to jobs from now on; a listener that is far behind loses the oldest.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.core.events.subscribe()
    }

    /// The next sample of the machine's load, 0 to 1, every second or two. Load that lasts puts low-priority work off;
    /// what is due for 15 minutes runs all the same, one job of a queue at a time.
    pub fn set_load(&self, factor: f64) {
        let changed = self.core.live().load.sample(factor);
        if changed {
            self.wake();
        }
    }

    /// Starts nothing more, lets what is under way end within `deadline`, then ends it; such a job keeps its attempt
    /// and starts again with the next processor. Twice is fine, also at once: none returns before the end.
    pub async fn stop(&self, deadline: Duration) {
        self.core.stopping.cancel();
        if tokio::time::timeout(deadline, self.life.tasks.wait()).await.is_err() {
            self.core.quitting.cancel();
            // Handlers have a second of grace, and the database answers or the next start takes the rest up.
            if tokio::time::timeout(LAST, self.life.tasks.wait()).await.is_err() {
                tracing::warn!("jobs were still under way at the end; the next start takes them up");
            }
        }
        let session = self.core.session;
        let left = self.core.store.write("jobs.leave", move |tx| {
            let none_left = "DELETE FROM job_session WHERE id = ?1
                             AND NOT EXISTS (SELECT 1 FROM job INDEXED BY job_by_state WHERE state = 4 AND session = ?1)";
            Ok(tx.execute(none_left, [session])?)
        });
        if let Err(error) = left.await {
            tracing::debug!(%error, "the session of the jobs stays until the next start");
        }
    }
}

/// Handlers that ignore their end and a database that does not answer are waited for no longer.
const LAST: Duration = Duration::from_secs(3);

pub(crate) fn add(tx: &Transaction<'_>, job: &Ready) -> Result<Result<Added, AddError>, StoreError> {
    let mut adding = Adding::new(tx)?;
    let added = adding.add(job, Kin::default())?;
    adding.finish()?;
    Ok(added)
}

fn add_many(
    tx: &Transaction<'_>,
    jobs: Vec<Result<Ready, AddError>>,
) -> Result<Vec<Result<Added, AddError>>, StoreError> {
    let mut adding = Adding::new(tx)?;
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        answers.push(match job {
            Ok(job) => adding.add(&job, Kin::default())?,
            Err(refusal) => Err(refusal),
        });
    }
    adding.finish()?;
    Ok(answers)
}

/// The same refusal for each of many.
fn same(error: &StoreError) -> StoreError {
    match error {
        StoreError::Busy => StoreError::Busy,
        StoreError::Full => StoreError::Full,
        StoreError::Corrupt => StoreError::Corrupt,
        StoreError::Closed => StoreError::Closed,
        StoreError::QueueFull { bound } => StoreError::QueueFull { bound: *bound },
        other => {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT);
            StoreError::Sqlite(rusqlite::Error::SqliteFailure(code, Some(other.to_string())))
        }
    }
}

fn add_tree(
    tx: &Transaction<'_>,
    parent: &Ready,
    children: &[Ready],
) -> Result<Result<(Added, Vec<Added>), AddError>, StoreError> {
    let mut adding = Adding::new(tx)?;
    let root = match adding.add(parent, Kin { parent: None, children: children.len() as u32 })? {
        Ok(added) if !added.existing => added,
        // The whole tree is there already.
        Ok(added) => {
            adding.finish()?;
            return Ok(Ok((added, Vec::new())));
        }
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut added = Vec::with_capacity(children.len());
    for child in children {
        match adding.add(child, Kin { parent: Some(root.id), children: 0 })? {
            Ok(child) if !child.existing => added.push(child),
            Ok(_) => {
                let value = child.key.clone().unwrap_or_default();
                let accepted = "a key that no other job has, for a child has one parent";
                return Ok(Err(AddError::Invalid { field: "key", value, accepted }));
            }
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
    adding.finish()?;
    Ok(Ok((root, added)))
}
