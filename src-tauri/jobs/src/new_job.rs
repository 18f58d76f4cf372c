//! A job that is to be added.

use std::time::Duration;

use serde_json::Value;

use crate::{Handler, Priority, States};

/// A job that is to be added; what it does not say, its kind does.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub(crate) kind: String,
    pub(crate) payload: Value,
    pub(crate) queue: Option<String>,
    pub(crate) priority: Option<Priority>,
    pub(crate) key: Option<String>,
    pub(crate) due: Due,
    pub(crate) attempts: Option<u32>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) overall: Option<Duration>,
    pub(crate) unique: Option<Unique>,
    pub(crate) batch: Option<String>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Due {
    In(Duration),
    At(i64),
}

/// What a job key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unique {
    /// A job of the same kind and key counts while it is in one of these states.
    pub among: States,
    /// It counts for so long after it was added; without end where `None`.
    pub within: Option<Duration>,
    /// What happens then.
    pub policy: OnDuplicate,
}

impl Default for Unique {
    fn default() -> Self {
        Self { among: States::OPEN, within: None, policy: OnDuplicate::Keep }
    }
}

/// What becomes of a job whose key is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDuplicate {
    /// The existing one stands.
    Keep,
    /// The existing one takes over the payload, the priority and the time, unless it is running.
    Replace,
    /// While the existing one waits, it stands; while it runs, the new one runs once more after it.
    RunOnceMore,
}

/// What adding a job came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// The job.
    pub id: crate::JobId,
    /// Whether it was there already, under its key.
    pub existing: bool,
}

impl NewJob {
    /// A job of this handler's kind.
    pub fn of<H: Handler>(payload: &H::Payload) -> Self {
        // What cannot be written as JSON is refused when it is added, as what the kind does not take.
        Self::raw(H::KIND, serde_json::to_value(payload).unwrap_or_default())
    }

    /// A job of a kind that is known by its name.
    pub fn raw(kind: &str, payload: Value) -> Self {
        Self {
            kind: kind.to_owned(),
            payload,
            queue: None,
            priority: None,
            key: None,
            due: Due::In(Duration::ZERO),
            attempts: None,
            timeout: None,
            overall: None,
            unique: None,
            batch: None,
        }
    }

    /// The queue.
    #[must_use]
    pub fn queue(self, name: &str) -> Self {
        Self { queue: Some(name.to_owned()), ..self }
    }

    /// How urgent it is.
    #[must_use]
    pub fn priority(self, priority: Priority) -> Self {
        Self { priority: Some(priority), ..self }
    }

    /// The key under which it is known: 1 to 256 bytes.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }

    /// It is due so much later: up to 366 days.
    #[must_use]
    pub fn delay(self, delay: Duration) -> Self {
        Self { due: Due::In(delay), ..self }
    }

    /// It is due at this time, in Unix milliseconds: up to 366 days ahead.
    #[must_use]
    pub fn at_ms(self, at_ms: i64) -> Self {
        Self { due: Due::At(at_ms), ..self }
    }

    /// The most attempts: 1 to 100.
    #[must_use]
    pub fn attempts(self, attempts: u32) -> Self {
        Self { attempts: Some(attempts), ..self }
    }

    /// The longest attempt: 1 ms to 24 h.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// From being added to the end, with all attempts: 1 ms to 366 days.
    #[must_use]
    pub fn overall(self, overall: Duration) -> Self {
        Self { overall: Some(overall), ..self }
    }

    /// What its key stands for.
    #[must_use]
    pub fn unique(self, unique: Unique) -> Self {
        Self { unique: Some(unique), ..self }
    }

    /// The batch that it belongs to: 1 to 64 bytes.
    #[must_use]
    pub fn batch(self, batch: &str) -> Self {
        Self { batch: Some(batch.to_owned()), ..self }
    }
}

impl Unique {
    /// The key of an idempotent request: whatever became of the job, for so long.
    pub fn idempotent(within: Duration) -> Self {
        Self { among: States::ALL, within: Some(within), policy: OnDuplicate::Keep }
    }
}
