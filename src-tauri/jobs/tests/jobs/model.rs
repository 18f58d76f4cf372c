//! The rules of one queue without any database: what the processor must come to, step by step.

use eider_jobs::{OnDuplicate, State};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ModelJob {
    pub(crate) name: String,
    pub(crate) priority: usize,
    pub(crate) key: Option<u8>,
    pub(crate) state: State,
    pub(crate) attempt: u32,
    pub(crate) attempts: u32,
    pub(crate) replayed_at: u32,
    pub(crate) run_at_ms: i64,
    pub(crate) ended_at_ms: i64,
    pub(crate) again: Option<String>,
}

/// How an attempt is told to end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    Done,
    Retry { after_ms: i64 },
    Snooze { for_ms: i64 },
    Fail,
    Cancel,
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) now_ms: i64,
    /// The job of number `n + 1` is at `n`.
    pub(crate) jobs: Vec<ModelJob>,
    /// What began, in its order.
    pub(crate) begun: Vec<String>,
    pub(crate) paused: bool,
    pub(crate) concurrency: usize,
    credit: [i64; 4],
}

const WEIGHTS: [i64; 4] = [8, 4, 2, 1];
const AGE_LIMIT_MS: i64 = 300_000;

impl Model {
    pub(crate) fn new(now_ms: i64, concurrency: usize) -> Self {
        Self { now_ms, jobs: Vec::new(), begun: Vec::new(), paused: false, concurrency, credit: [0; 4] }
    }

    /// Returns the job's place, and whether it was there already.
    pub(crate) fn add(
        &mut self,
        name: &str,
        priority: usize,
        key: Option<(u8, OnDuplicate)>,
        delay_ms: i64,
        attempts: u32,
    ) -> (usize, bool) {
        let (now_ms, run_at_ms) = (self.now_ms, self.now_ms + delay_ms);
        let state = if run_at_ms > now_ms { State::Scheduled } else { State::Waiting };
        if let Some((key, policy)) = key
            && let Some(at) = self.open_of(key, usize::MAX)
        {
            let job = &mut self.jobs[at];
            match (policy, job.state) {
                (OnDuplicate::RunOnceMore, State::Running) => job.again = Some(name.to_owned()),
                (OnDuplicate::Replace, State::Waiting | State::Scheduled | State::Snoozed) => {
                    (job.name, job.priority) = (name.to_owned(), priority);
                    (job.run_at_ms, job.state) = (run_at_ms, state);
                }
                _ => {}
            }
            return (at, true);
        }
        let (name, key, again) = (name.to_owned(), key.map(|(key, _)| key), None);
        let (attempt, ended_at_ms) = (0, 0);
        self.jobs.push(ModelJob {
            name,
            priority,
            key,
            state,
            attempt,
            attempts,
            replayed_at: 0,
            run_at_ms,
            ended_at_ms,
            again,
        });
        (self.jobs.len() - 1, false)
    }

    fn open_of(&self, key: u8, but: usize) -> Option<usize> {
        (0..self.jobs.len())
            .find(|at| *at != but && self.jobs[*at].key == Some(key) && self.jobs[*at].state.is_open())
    }

    pub(crate) fn end(&mut self, at: usize, end: End) {
        let now_ms = self.now_ms;
        let job = &mut self.jobs[at];
        job.ended_at_ms = now_ms;
        match end {
            End::Done => job.state = State::Done,
            End::Fail => job.state = State::Failed,
            End::Cancel => job.state = State::Cancelled,
            End::Retry { .. } if job.attempt >= job.attempts => job.state = State::Failed,
            End::Retry { after_ms } => (job.state, job.run_at_ms) = (State::Scheduled, now_ms + after_ms),
            End::Snooze { for_ms } => {
                (job.state, job.run_at_ms) = (State::Snoozed, now_ms + for_ms);
                job.attempt -= 1;
            }
        }
        self.run_again(at);
    }

    /// One more run that was asked for: a job of its own, or what this one does when it runs again.
    fn run_again(&mut self, at: usize) {
        let job = &mut self.jobs[at];
        let Some(name) = job.again.take() else { return };
        if job.state.is_open() {
            job.name = name;
            return;
        }
        let more = ModelJob {
            name,
            state: State::Waiting,
            attempt: 0,
            attempts: job.attempts - job.replayed_at,
            replayed_at: 0,
            run_at_ms: self.now_ms,
            ended_at_ms: 0,
            ..job.clone()
        };
        self.jobs.push(more);
    }

    /// Whether it is allowed.
    pub(crate) fn cancel(&mut self, at: usize) -> bool {
        let job = &mut self.jobs[at];
        let open = job.state.is_open();
        if open {
            job.again = None;
            (job.state, job.ended_at_ms) = (State::Cancelled, self.now_ms);
        }
        open
    }

    /// Whether it is allowed.
    pub(crate) fn retry(&mut self, at: usize) -> bool {
        let job = &self.jobs[at];
        let taken = job.key.is_some_and(|key| !job.state.is_open() && self.open_of(key, at).is_some());
        let job = &mut self.jobs[at];
        if taken || matches!(job.state, State::Waiting | State::Running) {
            return false;
        }
        if !job.state.is_open() {
            (job.attempts, job.replayed_at) = (job.attempt + job.attempts - job.replayed_at, job.attempt);
        }
        (job.state, job.run_at_ms) = (State::Waiting, self.now_ms);
        true
    }

    /// The process dies, or quits, and another one begins.
    pub(crate) fn restart(&mut self, crashes: bool) {
        for at in 0..self.jobs.len() {
            let job = &mut self.jobs[at];
            if job.state != State::Running {
                continue;
            }
            job.ended_at_ms = self.now_ms;
            let dead = crashes && job.attempt >= job.attempts;
            job.state = if dead { State::Failed } else { State::Waiting };
            job.attempt -= u32::from(!crashes);
            self.run_again(at);
        }
        self.credit = [0; 4];
    }

    /// What comes due waits, and what has a place starts.
    pub(crate) fn turn(&mut self) {
        let now_ms = self.now_ms;
        for job in &mut self.jobs {
            if matches!(job.state, State::Scheduled | State::Snoozed) && job.run_at_ms <= now_ms {
                job.state = State::Waiting;
            }
        }
        while !self.paused && self.running().count() < self.concurrency {
            let Some(at) = self.next() else { break };
            let job = &mut self.jobs[at];
            (job.state, job.attempt) = (State::Running, job.attempt + 1);
            self.begun.push(job.name.clone());
        }
    }

    pub(crate) fn running(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.jobs.len()).filter(|at| self.jobs[*at].state == State::Running)
    }

    fn next(&mut self) -> Option<usize> {
        let first = |priority: usize| {
            (0..self.jobs.len())
                .filter(|at| self.jobs[*at].state == State::Waiting && self.jobs[*at].priority == priority)
                .min_by_key(|at| (self.jobs[*at].run_at_ms, *at))
        };
        let heads: Vec<(usize, usize)> =
            (0..4).filter_map(|priority| Some((priority, first(priority)?))).collect();
        let aged = heads.iter().filter(|(_, at)| self.jobs[*at].run_at_ms <= self.now_ms - AGE_LIMIT_MS);
        if let Some((_, at)) = aged.min_by_key(|(_, at)| (self.jobs[*at].run_at_ms, *at)) {
            return Some(*at);
        }
        for (priority, _) in &heads {
            self.credit[*priority] += WEIGHTS[*priority];
        }
        // Of equally rich lines the more urgent one.
        let (priority, at) =
            *heads.iter().max_by_key(|(priority, _)| (self.credit[*priority], 4 - priority))?;
        self.credit[priority] -= heads.iter().map(|(priority, _)| WEIGHTS[*priority]).sum::<i64>();
        Some(at)
    }
}
