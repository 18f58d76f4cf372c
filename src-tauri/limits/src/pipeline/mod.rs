//! The pipeline: the only place where the cores meet, wait and do I/O.
//!
//! `state` decides, under one short lock; `turn` waits for those decisions; `lease` holds what was decided
//! for one attempt and gives it back whatever happens; `journaling` writes; `stop` ends. This file is the way of
//! a call.

mod chronicle;
mod journaling;
mod lease;
mod refusal;
mod shared;
mod state;
mod stop;
mod turn;
mod view;

use std::fmt::{self, Display};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use self::lease::Verdict;
use self::refusal::Refusal;
use self::shared::Shared;
use self::state::State;
use self::stop::Stage;
use crate::{Attempt, CallError, Clock, Config, ConfigError, Journal, Priority, ServiceStatus, SystemClock};

/// The one way to an outside service: load gate → breaker → limiter → concurrency → timeout, and the retry
/// outermost, entering anew for each attempt.
///
/// Clones share everything. There is no task behind it: callers wake each other, so with nobody waiting
/// nothing runs.
#[derive(Clone)]
pub struct Pipeline {
    shared: Arc<Shared>,
}

impl Pipeline {
    /// Opens the pipeline of one service and remembers, through the journal, what earlier processes sent.
    ///
    /// `gate` is asked before every attempt whether calls of this priority may pass at present. A journal
    /// that cannot be read leaves the past unknown; the window then counts as full once, from now.
    ///
    /// # Errors
    /// The first value of `config` outside its range.
    pub async fn open(
        config: Config,
        journal: Arc<dyn Journal>,
        gate: impl Fn(Priority) -> bool + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        Self::open_with_clock(config, journal, gate, Arc::new(SystemClock)).await
    }

    /// [`open`](Self::open) with another clock than the machine's.
    ///
    /// # Errors
    /// The first value of `config` outside its range.
    pub async fn open_with_clock(
        config: Config,
        journal: Arc<dyn Journal>,
        gate: impl Fn(Priority) -> bool + Send + Sync + 'static,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let recorded = journaling::load(&*journal, &config.service).await;
        let state = State::new(&config, recorded, clock.now());
        let shared = Shared {
            config,
            clock,
            journal,
            gate: Box::new(gate),
            state: Mutex::new(state),
            idle: Notify::new(),
            stage: watch::Sender::new(Stage::Open),
            stopping: tokio::sync::Mutex::new(false),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Makes one call in up to `attempts` attempts; `attempt` is run for each of them.
    ///
    /// `wait_at_most` bounds the waiting of this call, all of it: in the queue, for a hold, and between
    /// attempts. A wait that is known to be longer is not begun. The attempts themselves are bounded by
    /// `attempt_timeout` each. With zero the call is made now or not at all.
    ///
    /// Dropping the future gives everything back. An attempt that was sent counts in the window as if its
    /// reply had come at the drop; one that was not sent counts nowhere.
    ///
    /// # Errors
    /// [`CallError`]; where an attempt was answered with an error and no further one was let through, that
    /// error.
    pub async fn call<T, E, F, Fut>(
        &self,
        priority: Priority,
        wait_at_most: Duration,
        mut attempt: F,
    ) -> Result<T, CallError<E>>
    where
        E: Display,
        F: FnMut() -> Fut,
        Fut: Future<Output = Attempt<T, E>>,
    {
        let config = &self.shared.config;
        let mut patience = wait_at_most;
        let mut attempts = 0;
        let mut last = None;
        self.shared.state().retry_budget.earn();
        loop {
            let lease = match Shared::enter(&self.shared, priority, &mut patience).await {
                Ok(lease) => lease,
                Err(Refusal::Closed) => return Err(CallError::Closed),
                Err(refusal) => return Err(last.unwrap_or_else(|| refusal.into())),
            };
            attempts += 1;
            if attempts > 1 {
                self.shared.state().retries += 1;
            }
            let sent = timeout(config.attempt_timeout, attempt());
            let Some(answer) = self.shared.unless_cut(sent).await else {
                lease.settle(Verdict::Dropped);
                return Err(CallError::Closed);
            };
            let failure = match answer {
                Ok(Attempt::Done(value)) => {
                    lease.settle(Verdict::Answered);
                    return Ok(value);
                }
                Ok(Attempt::Fail(error)) => {
                    lease.settle(Verdict::Refused(error.to_string()));
                    return Err(CallError::Failed { error, attempts });
                }
                Ok(Attempt::Limited { after, error }) => {
                    lease.settle(Verdict::Limited { after, error: error.to_string() });
                    self.shared.save_hold().await;
                    // The hold is the pause, and entering anew waits for it or refuses with its end.
                    if attempts == config.attempts {
                        return Err(self.shared.limited().into());
                    }
                    last = None;
                    continue;
                }
                Ok(Attempt::Retry(error)) => {
                    lease.settle(Verdict::Failed(error.to_string()));
                    CallError::Failed { error, attempts }
                }
                Ok(Attempt::NotSent(error)) => {
                    lease.settle(Verdict::NotSent(error.to_string()));
                    CallError::Failed { error, attempts }
                }
                Err(_) => {
                    lease.settle(Verdict::TimedOut);
                    CallError::TimedOut { after: config.attempt_timeout, attempts }
                }
            };
            let pause = config.backoff.wait(attempts);
            let again = attempts < config.attempts && pause <= patience;
            if !again || !self.shared.state().retry_budget.spend() {
                return Err(failure);
            }
            patience -= pause;
            last = Some(failure);
            let mut stage = self.shared.stage.subscribe();
            tokio::select! {
                () = sleep(pause) => {}
                // Either the stage is reached or the sender is gone: both mean closed.
                _ = stage.wait_for(|stage| *stage >= Stage::Closing) => return Err(CallError::Closed),
            }
        }
    }

    /// Refuses every call until [`close_breaker`](Self::close_breaker); waiting callers are refused too.
    pub fn isolate(&self) {
        let now = self.shared.clock.now();
        let mut state = self.shared.state();
        state.breaker.isolate(now.instant);
        state.note_breaker("switched off by hand", now);
        state.wake_all();
    }

    /// Lets calls pass again, whatever the breaker thought of the service.
    pub fn close_breaker(&self) {
        let now = self.shared.clock.now();
        let mut state = self.shared.state();
        state.breaker.close(now.instant);
        state.note_breaker("switched on by hand", now);
        state.wake_all();
    }

    /// Changes the limit of the window; calls already counted stay counted.
    ///
    /// # Errors
    /// A limit outside 1 to 100,000.
    pub fn set_limit(&self, limit: u32) -> Result<(), ConfigError> {
        Config { limit, ..self.shared.config.clone() }.validate()?;
        let mut state = self.shared.state();
        state.set_limit(limit);
        state.wake_all();
        Ok(())
    }

    /// The pipeline at this moment.
    #[must_use]
    pub fn status(&self) -> ServiceStatus {
        let now = self.shared.clock.now();
        self.shared.state().view(&self.shared.config, now)
    }

    /// Refuses new and waiting calls, ends those in flight, and makes their ends durable.
    ///
    /// Calls in flight have 1 s to end by themselves, whatever `attempt_timeout` is. Those that have not are
    /// dropped: their callers get [`CallError::Closed`], and an attempt that was sent counts in the window as
    /// if its reply had come then. It takes 1 s more where somebody holds a call and does not poll it, which
    /// then counts from the next start, and up to 5 s where the journal does not answer: 7 s at most.
    ///
    /// A second call of `stop` waits for the first, and records the ends that came after it. Where the future
    /// is dropped, nobody is let in any more, and another `stop` does the rest; ends that were being written
    /// may be lost, and then their calls count from the next start.
    pub async fn stop(&self) {
        self.shared.stop().await;
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("service", &self.shared.config.service).finish_non_exhaustive()
    }
}
