use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::BreakerConfig;

/// A circuit breaker: stops calling a service that fails, and feels its way back.
///
/// ```text
///          failures ≥ ratio of ≥ min_calls              the time is up
///   Closed ────────────────────────────────► Open ──────────────────────► HalfOpen
///     ▲                                        ▲     a probe fails (×2)       │
///     │                                        └──────────────────────────────┤
///     └───────────────────────────────────────────────────────────────────────┘
///                                   all probes succeed
///   isolate() from anywhere ► Isolated ► close()
/// ```
/// Pure: the time is an argument. Memory: at most [`Breaker::KEPT`] outcomes.
#[derive(Debug)]
pub struct Breaker {
    config: BreakerConfig,
    state: State,
    since: Instant,
    /// Changes with every state. A call counts only in the state that let it pass, so a straggler from
    /// before an opening cannot close or reopen it.
    generation: u64,
    /// Openings in a row, none of which led to a close.
    openings: u32,
    outcomes: VecDeque<(Instant, bool)>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { in_flight: u32, succeeded: u32 },
    Isolated,
}

/// What a breaker does with calls, seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// Calls are refused until then.
    Open {
        /// When probes may pass.
        until: Instant,
    },
    /// A few calls pass, to see.
    HalfOpen,
    /// Opened by hand; only closing by hand ends it.
    Isolated,
}

/// How a call that passed came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The service answered.
    Success,
    /// It failed or timed out.
    Failure,
    /// It says nothing about the service's health: given up, never sent, or a 429.
    Ignored,
}

/// A call that passed; it must be reported.
#[derive(Debug)]
#[must_use = "a probe that is never reported blocks the half-open state"]
pub struct Permit {
    generation: u64,
}

/// Why a call does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tripped {
    /// Worth another try at this time.
    Open {
        /// The end of the opening, or a guess while probes are out.
        until: Instant,
    },
    /// Opened by hand.
    Isolated,
}

impl Breaker {
    /// The most outcomes remembered; with more calls in a window, the latest ones decide.
    pub const KEPT: usize = 1_024;

    /// A closed breaker.
    #[must_use]
    pub fn new(config: BreakerConfig, now: Instant) -> Self {
        let outcomes = VecDeque::new();
        Self { config, state: State::Closed, since: now, generation: 0, openings: 0, outcomes }
    }

    /// Whether a call would pass; nothing changes.
    ///
    /// # Errors
    /// [`Tripped`] where it would not.
    pub fn check(&self, now: Instant) -> Result<(), Tripped> {
        match self.state {
            State::Closed => Ok(()),
            State::Open { until } if now >= until => Ok(()),
            State::Open { until } => Err(Tripped::Open { until }),
            State::HalfOpen { in_flight, succeeded } if in_flight + succeeded < self.config.probes => Ok(()),
            State::HalfOpen { .. } => Err(Tripped::Open { until: now + self.config.open_first }),
            State::Isolated => Err(Tripped::Isolated),
        }
    }

    /// Lets a call pass, as a probe where the breaker is half open.
    ///
    /// # Errors
    /// [`Tripped`] where it does not pass.
    pub fn pass(&mut self, now: Instant) -> Result<Permit, Tripped> {
        self.check(now)?;
        if let State::Open { .. } = self.state {
            self.enter(State::HalfOpen { in_flight: 0, succeeded: 0 }, now);
        }
        if let State::HalfOpen { in_flight, .. } = &mut self.state {
            *in_flight += 1;
        }
        Ok(Permit { generation: self.generation })
    }

    /// Reports how a call came out that took so long; returns whether the state changed.
    pub fn report(&mut self, permit: Permit, outcome: Outcome, took: Duration, now: Instant) -> bool {
        if permit.generation != self.generation {
            return false;
        }
        let slow = took >= self.config.slow_call;
        let failed = match outcome {
            Outcome::Success => Some(slow),
            Outcome::Failure => Some(true),
            Outcome::Ignored => None,
        };
        match self.state {
            State::Closed => failed.is_some_and(|failed| self.conclude(failed, now)),
            State::HalfOpen { in_flight, succeeded } => {
                self.weigh_probe(failed, in_flight - 1, succeeded, now)
            }
            State::Open { .. } | State::Isolated => false,
        }
    }

    /// Refuses every call until [`close`](Self::close).
    pub fn isolate(&mut self, now: Instant) {
        self.enter(State::Isolated, now);
    }

    /// Lets calls pass again and forgets what was held against the service.
    pub fn close(&mut self, now: Instant) {
        self.openings = 0;
        self.outcomes.clear();
        self.enter(State::Closed, now);
    }

    /// What happens to calls now.
    #[must_use]
    pub fn state(&self, now: Instant) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { until } if now < until => BreakerState::Open { until },
            State::Open { .. } | State::HalfOpen { .. } => BreakerState::HalfOpen,
            State::Isolated => BreakerState::Isolated,
        }
    }

    /// Since when it has been so.
    #[must_use]
    pub fn since(&self, now: Instant) -> Instant {
        match self.state {
            State::Open { until } if now >= until => until,
            _ => self.since,
        }
    }

    fn conclude(&mut self, failed: bool, now: Instant) -> bool {
        if self.outcomes.len() == Self::KEPT {
            self.outcomes.pop_front();
        }
        self.outcomes.push_back((now, failed));
        let window = self.config.window;
        while self.outcomes.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) >= window) {
            self.outcomes.pop_front();
        }
        let calls = self.outcomes.len();
        let failures = self.outcomes.iter().filter(|(_, failed)| *failed).count();
        let trips = failed
            && calls >= self.config.min_calls as usize
            && failures as f64 >= self.config.failure_ratio * calls as f64;
        if trips {
            self.open(now);
        }
        trips
    }

    fn weigh_probe(&mut self, failed: Option<bool>, in_flight: u32, succeeded: u32, now: Instant) -> bool {
        match failed {
            Some(true) => {
                self.open(now);
                true
            }
            Some(false) if succeeded + 1 >= self.config.probes => {
                self.close(now);
                true
            }
            answered => {
                let succeeded = succeeded + u32::from(answered.is_some());
                self.state = State::HalfOpen { in_flight, succeeded };
                false
            }
        }
    }

    fn open(&mut self, now: Instant) {
        let doubling = 2_u32.checked_pow(self.openings).unwrap_or(u32::MAX);
        let lasts = self.config.open_first.saturating_mul(doubling).min(self.config.open_max);
        self.openings = self.openings.saturating_add(1);
        self.outcomes.clear();
        self.enter(State::Open { until: now + lasts }, now);
    }

    fn enter(&mut self, state: State, now: Instant) {
        self.state = state;
        self.since = now;
        self.generation += 1;
    }
}
