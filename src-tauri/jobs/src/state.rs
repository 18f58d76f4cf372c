//! Where a job stands, and how urgent it is.

use std::fmt;
use std::str::FromStr;

/// A job's number; later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How urgent a job is; the most urgent is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// Somebody waits for it.
    Critical,
    /// Soon.
    High,
    /// In its turn.
    Normal,
    /// When there is nothing better to do; put off under load.
    Low,
}

impl Priority {
    /// Every priority, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    /// A stable word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    pub(crate) fn from_code(code: i64) -> Self {
        Self::ALL.into_iter().find(|priority| *priority as i64 == code).unwrap_or(Self::Low)
    }
}

impl FromStr for Priority {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|priority| priority.name() == text);
        named.ok_or("critical, high, normal or low")
    }
}

/// Where a job stands. The first five are open, the others final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Due; it starts when a place is free.
    Waiting,
    /// Starts later: delayed, periodic, or waiting out a failed attempt.
    Scheduled,
    /// Put off by its own handler; the attempt was not spent.
    Snoozed,
    /// Waits for its children.
    Blocked,
    /// Under way.
    Running,
    /// Ended well.
    Done,
    /// Dead after its attempts.
    Failed,
    /// Ended because somebody wanted it to.
    Cancelled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Scheduled,
        Self::Snoozed,
        Self::Blocked,
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
    ];

    /// A stable word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Scheduled => "scheduled",
            Self::Snoozed => "snoozed",
            Self::Blocked => "blocked",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the job may still do something.
    pub fn is_open(self) -> bool {
        self <= Self::Running
    }

    pub(crate) fn from_code(code: i64) -> Self {
        Self::ALL.into_iter().find(|state| *state as i64 == code).unwrap_or(Self::Failed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for State {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|state| state.name() == text);
        named.ok_or("waiting, scheduled, snoozed, blocked, running, done, failed or cancelled")
    }
}

/// A set of states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct States(u8);

impl States {
    /// Those of jobs that may still do something.
    pub const OPEN: Self = Self(0b1_1111);
    /// All of them.
    pub const ALL: Self = Self(0xff);

    /// The set of these.
    pub fn of(states: &[State]) -> Self {
        Self(states.iter().fold(0, |bits, state| bits | 1 << *state as u8))
    }

    /// Whether the set has this state.
    pub fn contains(self, state: State) -> bool {
        self.0 >> state as u8 & 1 == 1
    }
}
