//! The handle that callers hold: adding, starting and stopping.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use store::rusqlite::Transaction;
use store::{Store, StoreError};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use crate::core::Core;
use crate::dispatch::Dispatcher;
use crate::insert::{Kin, Ready};
use crate::kind::{Erased, Kind, Typed};
use crate::periodic::Periodics;
use crate::tally::Tally;
use crate::{AddError, Added, Clock, Config, Event, Handler, NewJob, Periodic, StartError, session, tend};

/// A running job processor; cloning it is cheap.
#[derive(Clone)]
pub struct Jobs {
    pub(crate) core: Arc<Core>,
    /// The tasks, until somebody awaited their end. Held for the taking only.
    tasks: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// A processor that is being set up.
#[must_use]
pub struct Builder {
    store: Store,
    config: Config,
    clock: Clock,
    handlers: Vec<(&'static str, Arc<dyn Erased>)>,
    periodic: Vec<Periodic>,
}

impl Jobs {
    /// Sets a processor up over a store that was opened with [`MIGRATIONS`](crate::MIGRATIONS).
    pub fn builder(store: Store, config: Config, clock: Clock) -> Builder {
        Builder { store, config, clock, handlers: Vec::new(), periodic: Vec::new() }
    }

    /// Adds a job. It is durable when this returns.
    ///
    /// A caller that is dropped while it waits may have added it all the same.
    ///
    /// # Errors
    /// [`AddError`], which names the value and what is accepted, or when to try again.
    pub async fn add(&self, job: NewJob) -> Result<Added, AddError> {
        let ready = self.core.admit(job)?;
        let added = self
            .core
            .store
            .write("jobs.add", move |tx| {
                let mut tally = Tally::default();
                let added = ready.insert(tx, Kin::default(), &mut tally)?;
                tally.write(tx)?;
                Ok(added)
            })
            .await??;
        self.wake();
        Ok(added)
    }

    /// Adds many with one commit; each has its own answer, in their order.
    ///
    /// # Errors
    /// Where the database did not take them: then none was added.
    pub async fn add_many(&self, jobs: Vec<NewJob>) -> Result<Vec<Result<Added, AddError>>, StoreError> {
        let ready: Vec<_> = jobs.into_iter().map(|job| self.core.admit(job)).collect();
        let added = self
            .core
            .store
            .write("jobs.add_many", move |tx| {
                let mut answers = Vec::with_capacity(ready.len());
                for job in ready {
                    // Written one by one, so that the bound is seen to be reached within the many.
                    let mut tally = Tally::default();
                    answers.push(match job {
                        Ok(job) => job.insert(tx, Kin::default(), &mut tally)?,
                        Err(refusal) => Err(refusal),
                    });
                    tally.write(tx)?;
                }
                Ok(answers)
            })
            .await?;
        self.wake();
        Ok(added)
    }

    /// Adds a job that starts once all of `children` are done, with one commit: all of them or none. It fails with the
    /// first child that fails or is cancelled.
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
        let (send, refusal) = std::sync::mpsc::channel();
        let added = self
            .core
            .store
            .write("jobs.add_tree", move |tx| match insert_tree(tx, &parent, &children)? {
                Ok(added) => Ok(added),
                Err(refusal) => {
                    let _ = send.send(refusal);
                    // Undoes what was written of the tree.
                    Err(StoreError::Closed)
                }
            })
            .await;
        if let Ok(refusal) = refusal.try_recv() {
            return Err(refusal);
        }
        self.wake();
        Ok(added?)
    }

    /// Adds a job in the caller's own transaction on the same database, so that it exists exactly if that is
    /// committed. [`wake`](Self::wake) tells the processor then.
    ///
    /// # Errors
    /// As [`add`](Self::add); the caller decides what becomes of its transaction.
    pub fn enqueue_in(&self, tx: &Transaction<'_>, job: NewJob) -> Result<Added, AddError> {
        let mut tally = Tally::default();
        let added = self.core.admit(job)?.insert(tx, Kin::default(), &mut tally)??;
        tally.write(tx)?;
        Ok(added)
    }

    /// Has the processor look for work, also after the clock of a test was moved.
    pub fn wake(&self) {
        self.core.wake.notify_one();
    }

    /// What happens to jobs from now on; a listener that is far behind loses the oldest.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.core.events.subscribe()
    }

    /// The next sample of the machine's load, 0 to 1, about once a second. Load that lasts puts low-priority work off.
    pub fn set_load(&self, factor: f64) {
        let changed = self.core.live().load.sample(factor);
        if changed {
            self.wake();
        }
    }

    /// Starts nothing more, lets what is under way end within `deadline`, then ends it; such a job keeps its attempt
    /// and starts again with the next processor. Twice is fine.
    pub async fn stop(&self, deadline: Duration) {
        self.core.stopping.cancel();
        let tasks: Vec<_> =
            std::mem::take(&mut *self.tasks.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        let mut all = std::pin::pin!(futures::future::join_all(tasks));
        if tokio::time::timeout(deadline, &mut all).await.is_err() {
            self.core.quitting.cancel();
            // Handlers have a second of grace, and the database answers or the next start takes the rest up.
            if tokio::time::timeout(LAST, all).await.is_err() {
                tracing::warn!("jobs were still under way at the end; the next start takes them up");
            }
        }
        let session = self.core.session;
        let left = self.core.store.write("jobs.leave", move |tx| {
            let none_left = "DELETE FROM job_session WHERE id = ?1
                             AND NOT EXISTS (SELECT 1 FROM job WHERE state = 4 AND session = ?1)";
            Ok(tx.execute(none_left, [session])?)
        });
        if let Err(error) = left.await {
            tracing::debug!(%error, "the session of the jobs stays until the next start");
        }
    }
}

/// Handlers that ignore their end and a database that does not answer are waited for no longer.
const LAST: Duration = Duration::from_secs(3);

fn insert_tree(
    tx: &Transaction<'_>,
    parent: &Ready,
    children: &[Ready],
) -> Result<Result<(Added, Vec<Added>), AddError>, StoreError> {
    let mut tally = Tally::default();
    let kin = Kin { parent: None, children: children.len() as u32 };
    let root = match parent.insert(tx, kin, &mut tally)? {
        Ok(added) if !added.existing => added,
        // The whole tree is there already.
        Ok(added) => return Ok(Ok((added, Vec::new()))),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut added = Vec::with_capacity(children.len());
    for child in children {
        match child.insert(tx, Kin { parent: Some(root.id), children: 0 }, &mut tally)? {
            Ok(child) if !child.existing => added.push(child),
            Ok(_) => {
                let value = child.key.clone().unwrap_or_default();
                let accepted = "a key that no other job has, for a child has one parent";
                return Ok(Err(AddError::Invalid { field: "key", value, accepted }));
            }
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
    tally.write(tx)?;
    Ok(Ok((root, added)))
}

impl Builder {
    /// Runs the jobs of this handler's kind.
    pub fn register<H: Handler>(mut self, handler: H) -> Self {
        self.handlers.push((H::KIND, Arc::new(Typed(handler))));
        self
    }

    /// Adds this job again and again by its schedule.
    pub fn periodic(mut self, periodic: Periodic) -> Self {
        self.periodic.push(periodic);
        self
    }

    /// Takes up what an ended process left, and starts.
    ///
    /// # Errors
    /// [`StartError`], which names the value and what is accepted.
    pub async fn start(self) -> Result<Jobs, StartError> {
        self.config.check()?;
        let mut kinds = BTreeMap::new();
        for (name, handler) in self.handlers {
            if kinds.insert(name, Kind::new(name, handler, &self.config)?).is_some() {
                return Err(StartError::KindTwice(name));
            }
        }
        let core = Arc::new(Core::new(self.store, self.clock, self.config, kinds));
        core.begin().await?;
        core.adopt().await?;
        let periodics = Periodics::begin(&core, self.periodic).await?;
        let tasks = vec![
            tokio::spawn(Dispatcher::new(Arc::clone(&core)).run()),
            tokio::spawn(tend::run(Arc::clone(&core), periodics)),
        ];
        Ok(Jobs { core, tasks: Arc::new(Mutex::new(tasks)) })
    }
}

impl Core {
    /// Enters this process, takes up what dead ones left, and reads what was changed of the queues.
    async fn begin(&self) -> Result<(), StartError> {
        let (session, sole_owner, now_ms) = (self.session, self.config.sole_owner, self.clock.now_ms());
        let changed = self
            .store
            .write("jobs.begin", move |tx| {
                session::begin(tx, session)?;
                if sole_owner {
                    for (other, _) in session::others(tx, session)? {
                        let jobs = session::recover(tx, other, now_ms)?;
                        tracing::info!(jobs, "took up the jobs of a process that ended");
                    }
                }
                let mut select =
                    tx.prepare_cached("SELECT name, paused, draining, concurrency FROM job_queue")?;
                let rows = select.query_map([], |row| {
                    Ok((
                        row.get::<_, String>(0)?,
                        row.get::<_, bool>(1)?,
                        row.get::<_, bool>(2)?,
                        row.get::<_, Option<u32>>(3)?,
                    ))
                })?;
                Ok(rows.collect::<Result<Vec<_>, _>>()?)
            })
            .await?;
        let mut live = self.live();
        for (name, paused, draining, concurrency) in changed {
            if let Some(queue) = live.queue(&name) {
                (queue.paused, queue.draining) = (paused, draining);
                queue.concurrency = concurrency.unwrap_or(queue.concurrency);
            }
        }
        Ok(())
    }
}
