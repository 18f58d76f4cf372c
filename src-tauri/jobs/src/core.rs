//! What the calls, the dispatcher and the attempts under way share.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use store::rusqlite::Transaction;
use store::{Store, StoreError};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use crate::clock::millis;
use crate::figures::Figures;
use crate::kin::Moved;
use crate::kind::Kind;
use crate::load::{DEFERRED_AT_MOST, LoadGate};
use crate::pick::Turns;
use crate::running::Progress;
use crate::settle::Started;
use crate::turn::Low;
use crate::{Clock, Config, Event, JobId, Priority, QueueConfig, State, UnknownQueue};

pub(crate) struct Core {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    pub(crate) kinds: BTreeMap<&'static str, Kind>,
    /// This process, among those that run jobs from the same database.
    pub(crate) session: i64,
    /// Wakes the dispatcher: something was added or changed.
    pub(crate) wake: Arc<Notify>,
    pub(crate) events: broadcast::Sender<Event>,
    /// Guards what changes while running; held for short changes, never over a wait.
    live: Mutex<Live>,
    /// Held from the commit of a change to a queue until `live` has it, so that both have the changes in one order.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// Ends the taking of new work.
    pub(crate) stopping: CancellationToken,
    /// Ends the attempts under way.
    pub(crate) quitting: CancellationToken,
}

pub(crate) struct Live {
    pub(crate) queues: Vec<Queue>,
    pub(crate) load: LoadGate,
    pub(crate) running: HashMap<JobId, Underway>,
}

/// A queue, as this process runs it.
pub(crate) struct Queue {
    pub(crate) config: QueueConfig,
    pub(crate) paused: bool,
    pub(crate) draining: bool,
    pub(crate) concurrency: u32,
    /// Places taken, also by handlers that were told to end and have not.
    pub(crate) taken: u32,
    /// Of these, by low-priority jobs.
    pub(crate) taken_low: u32,
    pub(crate) turns: Turns,
    /// When the latest jobs started, where that is limited.
    pub(crate) starts_ms: std::collections::VecDeque<i64>,
    pub(crate) figures: Figures,
}

/// An attempt under way.
pub(crate) struct Underway {
    /// Which start it is: a job that another process took over wrongly may have two here.
    pub(crate) start: i64,
    pub(crate) cancel: CancellationToken,
    pub(crate) progress: Progress,
}

impl Core {
    pub(crate) fn new(
        store: Store,
        clock: Clock,
        config: Config,
        kinds: BTreeMap<&'static str, Kind>,
    ) -> Self {
        let queues = config.queues.iter().map(Queue::new).collect();
        Self {
            store,
            clock,
            config,
            kinds,
            session: rand::random_range(1..=i64::MAX),
            wake: Arc::default(),
            events: broadcast::channel(EVENTS_MAX).0,
            live: Mutex::new(Live { queues, load: LoadGate::default(), running: HashMap::new() }),
            changing: tokio::sync::Mutex::new(()),
            stopping: CancellationToken::new(),
            quitting: CancellationToken::new(),
        }
    }

    pub(crate) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn queue_config(&self, name: &str) -> Result<&QueueConfig, UnknownQueue> {
        let found = self.config.queues.iter().find(|queue| queue.name == name);
        found.ok_or_else(|| UnknownQueue { queue: name.to_owned(), known: self.config.names() })
    }

    /// Starts nothing more and ends what is under way.
    pub(crate) fn end(&self) {
        self.stopping.cancel();
        self.quitting.cancel();
    }

    /// As a [write](Store::write), after which the dispatcher is woken, also where the caller was dropped meanwhile.
    pub(crate) async fn write_and_wake<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let waker = Waker(Arc::clone(&self.wake));
        let written = self.store.write(name, move |tx| Ok((work(tx)?, waker))).await;
        written.map(|(written, _waker)| written)
    }

    /// As a [write](Self::write_and_wake), undone where it came to a refusal.
    pub(crate) async fn write_or_refuse<T, E>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<Result<T, E>, StoreError> + Send + 'static,
    ) -> Result<Result<T, E>, StoreError>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let (send, refusal) = std::sync::mpsc::channel();
        let written = self.write_and_wake(name, move |tx| {
            work(tx)?.map_err(|refusal| {
                // The receiver is there until the write is answered, or nobody waits for it.
                let _ = send.send(refusal);
                StoreError::Closed
            })
        });
        let written = written.await;
        refusal.try_recv().map_or_else(|_| written.map(Ok), |refusal| Ok(Err(refusal)))
    }

    pub(crate) fn tell_moved(&self, moved: Vec<Moved>) {
        for Moved { id, kind, queue, state, error } in moved {
            self.tell(id, &kind, &queue, state, error);
        }
    }

    pub(crate) fn tell(&self, id: JobId, kind: &str, queue: &str, state: State, error: Option<String>) {
        if self.events.receiver_count() == 0 {
            return;
        }
        // The last listener may have gone meanwhile.
        let _ = self.events.send(Event {
            id,
            kind: kind.to_owned(),
            queue: queue.to_owned(),
            state,
            error,
            at_ms: self.clock.now_ms(),
        });
    }
}

/// Has the processor look for work when it is dropped. As a part of a write's answer it is dropped after the commit, by
/// the caller or, where nobody waits any more, by the store.
#[must_use = "it wakes when it is dropped, which is to be after the commit"]
#[derive(Debug)]
pub struct Waker(pub(crate) Arc<Notify>);

impl Drop for Waker {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// A listener that is further behind loses the oldest events.
const EVENTS_MAX: usize = 1024;

impl Live {
    /// The attempt does not run any more.
    pub(crate) fn ended(&mut self, job: &Started) {
        if self.running.get(&job.id).is_some_and(|underway| underway.start == job.starts) {
            self.running.remove(&job.id);
        }
    }

    pub(crate) fn queue(&mut self, name: &str) -> Option<&mut Queue> {
        self.queues.iter_mut().find(|queue| queue.config.name == name)
    }
}

impl Queue {
    fn new(config: &QueueConfig) -> Self {
        Self {
            config: config.clone(),
            paused: false,
            draining: false,
            concurrency: config.concurrency,
            taken: 0,
            taken_low: 0,
            turns: Turns::new(config.weights),
            starts_ms: std::collections::VecDeque::new(),
            figures: Figures::default(),
        }
    }

    /// How many jobs may start now.
    pub(crate) fn free(&mut self, now_ms: i64) -> usize {
        if self.paused {
            return 0;
        }
        let places = self.concurrency.saturating_sub(self.taken) as usize;
        places.min(self.rate_left(now_ms))
    }

    /// A job started that had waited for so long.
    pub(crate) fn started(&mut self, priority: Priority, waited_us: u64, now_ms: i64) {
        self.taken += 1;
        self.taken_low += u32::from(priority == Priority::Low);
        self.figures.waits.add(waited_us, now_ms);
        if self.config.rate.is_some() {
            self.starts_ms.push_back(now_ms);
        }
    }

    /// The handler of a job ended.
    pub(crate) fn freed(&mut self, priority: Priority) {
        self.taken -= 1;
        self.taken_low -= u32::from(priority == Priority::Low);
    }

    /// Which low-priority jobs may start.
    pub(crate) fn low(&self, load: LoadGate, now_ms: i64) -> Low {
        match (load.deferring, self.taken_low) {
            (false, _) => Low::All,
            (true, 0) => Low::OneDueBefore(now_ms.saturating_sub(millis(DEFERRED_AT_MOST))),
            (true, _) => Low::None,
        }
    }

    fn rate_left(&mut self, now_ms: i64) -> usize {
        let Some(rate) = self.config.rate else { return usize::MAX };
        let per_ms = millis(rate.per);
        // A start in the future is left by a clock that was set back; how long ago it was is not known.
        self.starts_ms.iter_mut().for_each(|at| *at = (*at).min(now_ms));
        self.starts_ms.retain(|at| *at > now_ms.saturating_sub(per_ms));
        (rate.jobs as usize).saturating_sub(self.starts_ms.len())
    }

    /// When the limit of starts lets the next one through, where it does not now.
    pub(crate) fn rate_until_ms(&mut self, now_ms: i64) -> Option<i64> {
        let per_ms = millis(self.config.rate?.per);
        (self.rate_left(now_ms) == 0).then(|| self.starts_ms.front().map_or(now_ms, |first| first + per_ms))
    }
}
