//! The dispatcher: one task that repeats [turns](crate::turn), and starts what they fetched.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use store::StoreError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use crate::clock::millis;
use crate::core::Core;
use crate::settle::{By, Ended, Settled, Started};
use crate::supervise::{News, spawn};
use crate::turn::{Fetched, Order, Room, Turned, take};
use crate::{JobId, State};

/// The clock is looked at so often although nothing happens, since it may be set.
const IDLE: Duration = Duration::from_secs(10);
/// How long a turn that failed waits for the next: doubling between these.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// How many ends one turn acknowledges at most.
const ENDED_AT_ONCE: usize = 512;
/// Ends are gathered while one comes within the first of these after another, and no longer than the second: both are
/// short beside the commit that they save.
const GATHER: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(1));

pub(crate) struct Dispatcher {
    core: Arc<Core>,
    /// Attempts that ended and are not acknowledged yet. They number at most the places of all queues.
    ended: Vec<Arc<Ended>>,
    /// Attempts whose end was not heard yet.
    underway: HashSet<(JobId, i64)>,
    /// Whether the latest turn filled a queue's places.
    full: bool,
    /// Whether something was added or changed since the latest turn, so that another job may come due next.
    woken: bool,
    /// Ends of attempts: at most two from each place.
    news: (UnboundedSender<News>, UnboundedReceiver<News>),
    next_due_ms: Option<i64>,
    failures: u32,
}

impl Dispatcher {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            ended: Vec::new(),
            underway: HashSet::new(),
            full: false,
            woken: false,
            news: unbounded_channel(),
            next_due_ms: None,
            failures: 0,
        }
    }

    /// Runs until the core is stopping and nothing is under way or unacknowledged any more, or the store is closed.
    pub(crate) async fn run(mut self) {
        loop {
            self.hear_all();
            let stopping = self.core.stopping.is_cancelled();
            match self.turn(stopping).await {
                Ok(()) => self.failures = 0,
                Err(StoreError::Closed) => break,
                Err(error) => self.failed(&error),
            }
            if stopping && self.underway.is_empty() && self.ended.is_empty() {
                return;
            }
            self.wait().await;
            self.gather().await;
        }
        tracing::info!("the jobs end, since their database was closed");
        self.core.end();
    }

    async fn turn(&mut self, stopping: bool) -> Result<(), StoreError> {
        let now_ms = self.core.clock.now_ms();
        let rooms = if stopping { Vec::new() } else { self.rooms(now_ms) };
        let nothing_due = !self.woken && self.next_due_ms.is_none_or(|due| due > now_ms);
        if rooms.is_empty() && self.ended.is_empty() && nothing_due {
            return Ok(());
        }
        let batch: Vec<_> = self.ended.iter().take(ENDED_AT_ONCE).map(Arc::clone).collect();
        let order = Order {
            by: By { session: self.core.session, now_ms },
            ended: batch.clone(),
            rooms,
            underway: (self.failures > 0).then(|| self.started()),
        };
        let turned = self.core.store.write("jobs.turn", move |tx| take(tx, order)).await?;
        self.ended.drain(..batch.len());
        self.carry_out(&batch, turned, now_ms);
        Ok(())
    }

    /// The jobs that this process knows to have started and not to have acknowledged.
    fn started(&self) -> HashSet<(JobId, i64)> {
        self.underway.iter().copied().chain(self.ended.iter().map(|ended| ended.job.start())).collect()
    }

    /// What each queue may start now.
    fn rooms(&self, now_ms: i64) -> Vec<Room> {
        let mut live = self.core.live();
        let load = live.load;
        let room = |queue: &mut crate::core::Queue| Room {
            queue: queue.config.name.clone(),
            free: queue.free(now_ms),
            turns: queue.turns,
            low: queue.low(load, now_ms),
            aged_before_ms: now_ms.saturating_sub(millis(queue.config.age_limit)),
        };
        live.queues.iter_mut().map(room).filter(|room| room.free > 0).collect()
    }

    fn carry_out(&mut self, batch: &[Arc<Ended>], turned: Turned, now_ms: i64) {
        (self.next_due_ms, self.full, self.woken) = (turned.next_due_ms, turned.full, false);
        let mut more = self.next_due_ms.is_some_and(|due| due <= now_ms) || self.ended.len() >= ENDED_AT_ONCE;
        {
            let mut live = self.core.live();
            for room in turned.rooms {
                if let Some(queue) = live.queue(&room.queue) {
                    queue.turns = room.turns;
                }
            }
            for Fetched { job, .. } in &turned.started {
                if let Some(queue) = live.queue(&job.queue) {
                    queue.started(job.priority, micros(job.due_at_ms, now_ms), now_ms);
                }
            }
            for (ended, settled) in batch.iter().zip(&turned.settled) {
                let (job, Some(settled)) = (&ended.job, settled) else { continue };
                if let Some(queue) = live.queue(&job.queue).filter(|_| !settled.state.is_open()) {
                    let well = settled.state == State::Done;
                    queue.figures.ended(well, micros(job.started_at_ms, now_ms), now_ms);
                }
            }
        }
        for (ended, settled) in batch.iter().zip(turned.settled) {
            more |= self.tell(&ended.job, settled);
        }
        for fetched in turned.started {
            self.start(fetched);
        }
        if more {
            self.core.wake.notify_one();
        }
    }

    /// Tells what an acknowledgement came to; returns whether there is more to do at once.
    fn tell(&self, job: &Started, settled: Option<Settled>) -> bool {
        let Some(settled) = settled else {
            tracing::warn!(id = %job.id, "a job ended here after another process had taken it over");
            return false;
        };
        if settled.state == State::Failed {
            tracing::warn!(id = %job.id, kind = job.kind, error = settled.error, "a job failed");
        }
        let more = !settled.moved.is_empty() || settled.state == State::Waiting;
        self.core.tell(job.id, &job.kind, &job.queue, settled.state, settled.error);
        self.core.tell_moved(settled.moved);
        more
    }

    fn start(&mut self, fetched: Fetched) {
        let job = &fetched.job;
        self.underway.insert(job.start());
        self.core.tell(job.id, &job.kind, &job.queue, State::Running, None);
        spawn(&self.core, fetched, self.news.0.clone());
    }

    fn hear_all(&mut self) -> bool {
        let before = self.ended.len();
        while let Ok(news) = self.news.1.try_recv() {
            self.hear(news);
        }
        self.ended.len() > before
    }

    fn hear(&mut self, news: News) {
        let freed = match news {
            News::Ended { ended, freed } => {
                self.underway.remove(&ended.job.start());
                let place = freed.then(|| (ended.job.queue.clone(), ended.job.priority));
                self.ended.push(ended);
                place
            }
            News::Freed { queue, priority } => Some((queue, priority)),
        };
        if let Some((name, priority)) = freed
            && let Some(queue) = self.core.live().queue(&name)
        {
            queue.freed(priority);
        }
    }

    /// Where more jobs wait than there are places, each commit carries as many of them as end about now: those that
    /// take next to no time share one instead of two.
    async fn gather(&mut self) {
        if !self.full || self.ended.is_empty() {
            return;
        }
        let began = std::time::Instant::now();
        let mut latest = began;
        while !self.underway.is_empty()
            && self.ended.len() < ENDED_AT_ONCE
            && latest.elapsed() < GATHER.0
            && began.elapsed() < GATHER.1
        {
            tokio::task::yield_now().await;
            if self.hear_all() {
                latest = std::time::Instant::now();
            }
        }
    }

    fn failed(&mut self, error: &StoreError) {
        if self.failures == 0 {
            tracing::warn!(%error, "jobs can neither start nor be acknowledged; it is tried again");
        }
        self.failures += 1;
    }

    /// Waits until there is something to do.
    async fn wait(&mut self) {
        if self.failures > 0 {
            let pause = RETRY.0.saturating_mul(1 << self.failures.min(7)).min(RETRY.1);
            // Nothing else can be done before the database answers.
            tokio::time::sleep(pause).await;
            return;
        }
        if !self.ended.is_empty() {
            return;
        }
        let now_ms = self.core.clock.now_ms();
        let rate = self.core.live().queues.iter_mut().filter_map(|queue| queue.rate_until_ms(now_ms)).min();
        let due = self.next_due_ms.into_iter().chain(rate).min();
        let pause = due.map_or(IDLE, |due| Duration::from_millis((due - now_ms).max(0) as u64).min(IDLE));
        tokio::select! {
            biased;
            news = self.news.1.recv() => news.into_iter().for_each(|news| self.hear(news)),
            () = self.core.wake.notified() => self.woken = true,
            () = tokio::time::sleep_until(Instant::now() + pause) => {}
            () = self.core.stopping.cancelled(), if !self.core.stopping.is_cancelled() => {}
        }
    }
}

/// From one time to another, none where the clock was set back between them.
fn micros(from_ms: i64, to_ms: i64) -> u64 {
    to_ms.saturating_sub(from_ms).max(0).unsigned_abs().saturating_mul(1000)
}
