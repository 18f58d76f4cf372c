//! The dispatcher: one task that repeats [turns](crate::turn), and starts what they fetched.

use std::sync::Arc;
use std::time::Duration;

use store::StoreError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use crate::core::Core;
use crate::settle::{By, Started};
use crate::supervise::{News, spawn};
use crate::turn::{Ended, Room, Turned, take};
use crate::{Priority, State};

/// The clock is looked at so often although nothing happens, since it may be set.
const IDLE: Duration = Duration::from_secs(10);
/// How long a turn that failed waits for the next: doubling between these.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// How many ends one turn acknowledges at most.
const ENDED_AT_ONCE: usize = 512;

pub(crate) struct Dispatcher {
    core: Arc<Core>,
    /// Attempts that ended and are not acknowledged yet. They number at most the places of all queues.
    ended: Vec<Ended>,
    /// Attempts whose end was not heard yet.
    underway: usize,
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
            underway: 0,
            news: unbounded_channel(),
            next_due_ms: None,
            failures: 0,
        }
    }

    /// Runs until the core is stopping and nothing is under way or unacknowledged any more.
    pub(crate) async fn run(mut self) {
        loop {
            while let Ok(news) = self.news.1.try_recv() {
                self.hear(news);
            }
            let stopping = self.core.stopping.is_cancelled();
            match self.turn(stopping).await {
                Ok(()) => self.failures = 0,
                Err(error) => self.failed(&error),
            }
            if stopping && self.underway == 0 && self.ended.is_empty() {
                return;
            }
            self.wait().await;
        }
    }

    async fn turn(&mut self, stopping: bool) -> Result<(), StoreError> {
        let now_ms = self.core.clock.now_ms();
        let rooms = if stopping { Vec::new() } else { self.rooms(now_ms) };
        if rooms.is_empty() && self.ended.is_empty() && self.next_due_ms.is_none_or(|due| due > now_ms) {
            return Ok(());
        }
        let batch: Arc<[Ended]> = self.ended.iter().take(ENDED_AT_ONCE).cloned().collect();
        let by = By { session: self.core.session, now_ms };
        let ended = Arc::clone(&batch);
        let turned = self.core.store.write("jobs.turn", move |tx| take(tx, &ended, rooms, by)).await?;
        self.ended.drain(..batch.len());
        self.carry_out(&batch, turned, now_ms);
        Ok(())
    }

    /// What each queue may start now.
    fn rooms(&self, now_ms: i64) -> Vec<Room> {
        let mut live = self.core.live();
        let down_to = if live.load.deferring { Priority::Normal } else { Priority::Low };
        let room = |queue: &mut crate::core::Queue| Room {
            queue: queue.config.name.clone(),
            free: queue.free(now_ms),
            turns: queue.turns,
            down_to,
            aged_before_ms: now_ms.saturating_sub(queue.config.age_limit.as_millis() as i64),
        };
        live.queues.iter_mut().map(room).filter(|room| room.free > 0).collect()
    }

    fn carry_out(&mut self, batch: &[Ended], turned: Turned, now_ms: i64) {
        self.next_due_ms = turned.next_due_ms;
        let mut more = self.next_due_ms.is_some_and(|due| due <= now_ms) || self.ended.len() >= ENDED_AT_ONCE;
        for (Ended { job, .. }, settled) in batch.iter().zip(turned.settled) {
            let Some(settled) = settled else {
                tracing::warn!(id = %job.id, "a job ended here after another process had taken it over");
                continue;
            };
            if let Some(queue) = self.core.live().queue(&job.queue).filter(|_| !settled.state.is_open()) {
                let well = settled.state == State::Done;
                queue.figures.ended(well, (now_ms - job.started_at_ms).max(0) as u64 * 1000, now_ms);
            }
            if settled.state == State::Failed {
                tracing::warn!(id = %job.id, kind = job.kind, error = settled.error, "a job failed");
            }
            more |= !settled.moved.is_empty() || settled.state == State::Waiting;
            self.core.tell(job.id, &job.kind, &job.queue, settled.state, settled.error);
        }
        {
            let mut live = self.core.live();
            for room in turned.rooms {
                if let Some(queue) = live.queue(&room.queue) {
                    queue.turns = room.turns;
                }
            }
            for job in &turned.started {
                if let Some(queue) = live.queue(&job.queue) {
                    queue.taken += 1;
                    queue.figures.waits.add((now_ms - job.due_at_ms).max(0) as u64 * 1000, now_ms);
                    if queue.config.rate.is_some() {
                        queue.starts_ms.push_back(now_ms);
                    }
                }
            }
        }
        for job in turned.started {
            self.start(job);
        }
        if more {
            self.core.wake.notify_one();
        }
    }

    fn start(&mut self, job: Started) {
        self.underway += 1;
        self.core.tell(job.id, &job.kind, &job.queue, State::Running, None);
        spawn(&self.core, job, self.news.0.clone());
    }

    fn hear(&mut self, news: News) {
        let freed = match news {
            News::Ended { ended, freed } => {
                self.underway -= 1;
                let queue = freed.then(|| ended.job.queue.clone());
                self.ended.push(*ended);
                queue
            }
            News::Freed { queue } => Some(queue),
        };
        if let Some(name) = freed
            && let Some(queue) = self.core.live().queue(&name)
        {
            queue.taken -= 1;
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
            () = self.core.wake.notified() => {}
            () = tokio::time::sleep_until(Instant::now() + pause) => {}
            () = self.core.stopping.cancelled(), if !self.core.stopping.is_cancelled() => {}
        }
    }
}
