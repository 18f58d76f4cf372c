//! Setting a processor up, and its start.

use std::collections::BTreeMap;
use std::sync::Arc;

use store::Store;
use tokio_util::task::TaskTracker;

use crate::core::Core;
use crate::dispatch::Dispatcher;
use crate::jobs::Life;
use crate::kind::{Erased, Kind, Typed};
use crate::periodic::Periodics;
use crate::queue_control::QueueRow;
use crate::{Clock, Config, Handler, Jobs, Periodic, StartError, session, tend};

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
    /// Open jobs of a queue that the configuration does not have, since it was renamed, move to the queue of their
    /// kind, or to the first. Those of a kind without a handler wait for one, up to a week after they were added.
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
        let tasks = TaskTracker::new();
        tasks.spawn(Dispatcher::new(Arc::clone(&core)).run());
        tasks.spawn(tend::run(Arc::clone(&core), periodics));
        tasks.close();
        Ok(Jobs { life: Arc::new(Life { core: Arc::clone(&core), tasks }), core })
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
                let sql = format!("SELECT {} FROM job_queue", QueueRow::COLUMNS);
                let mut select = tx.prepare_cached(&sql)?;
                let rows = select.query_map([], QueueRow::read)?;
                Ok(rows.collect::<Result<Vec<_>, _>>()?)
            })
            .await?;
        let mut live = self.live();
        for row in changed {
            if let Some(queue) = live.queue(&row.name) {
                row.apply(queue);
            }
        }
        Ok(())
    }
}
