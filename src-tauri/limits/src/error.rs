use std::time::Duration;

use crate::Priority;

/// Why a call through a [`Pipeline`](crate::Pipeline) has no result; the variants differ in what the caller
/// can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError<E> {
    /// The load gate put this priority off; nothing was sent.
    #[error("the machine is under load, so {priority} calls are put off; try again when it is calmer")]
    Shed {
        /// The priority of the call.
        priority: Priority,
    },
    /// Too many callers wait already; nothing was sent for this one.
    #[error("{bound} calls wait already, which is the most; try again when some are done")]
    QueueFull {
        /// The bound of the queue.
        bound: usize,
    },
    /// The breaker is open because the service failed.
    #[error("the service failed too often and is given a pause of {} s; try again then", seconds(wait))]
    Open {
        /// When the next probe may pass, in Unix milliseconds.
        until_ms: i64,
        /// The time until then.
        wait: Duration,
    },
    /// The breaker was opened by hand.
    #[error("calls to the service were switched off by hand; switch them on to go on")]
    Isolated,
    /// No slot in the time the caller would wait: the limit is used up, or the service asked for silence.
    #[error("the limit of calls is reached; the next one may pass in {} s", seconds(wait))]
    Limited {
        /// When a slot is expected, in Unix milliseconds; with others waiting it can be later.
        until_ms: i64,
        /// The time until then.
        wait: Duration,
    },
    /// The calls of this month are used up.
    #[error("the calls of this month are used up; they come back in {} s", seconds(wait))]
    BudgetSpent {
        /// The start of the next month (UTC), in Unix milliseconds.
        until_ms: i64,
        /// The time until then.
        wait: Duration,
    },
    /// The journal could not record the call, so it was not sent.
    #[error("the call could not be recorded, so it was not sent ({reason}); check the disk and try again")]
    Unrecorded {
        /// What the journal said.
        reason: String,
    },
    /// The last attempt had no answer in time.
    #[error("no answer within {} s{}", seconds(after), repeated(*attempts))]
    TimedOut {
        /// The time an attempt has.
        after: Duration,
        /// Attempts made.
        attempts: u32,
    },
    /// The service answered the last attempt with this error.
    #[error("{error}")]
    Failed {
        /// The caller's own error.
        error: E,
        /// Attempts made.
        attempts: u32,
    },
    /// The pipeline was stopped.
    #[error("the program is stopping, so no more calls are made")]
    Closed,
}

impl<E> CallError<E> {
    /// How long to wait before another try, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Open { wait, .. } | Self::Limited { wait, .. } | Self::BudgetSpent { wait, .. } => {
                Some(*wait)
            }
            _ => None,
        }
    }

    /// A stable word for each variant, for example `rate_limited`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Shed { .. } => "shed",
            Self::QueueFull { .. } => "queue_full",
            Self::Open { .. } => "breaker_open",
            Self::Isolated => "isolated",
            Self::Limited { .. } => "rate_limited",
            Self::BudgetSpent { .. } => "budget_spent",
            Self::Unrecorded { .. } => "unrecorded",
            Self::TimedOut { .. } => "timed_out",
            Self::Failed { .. } => "failed",
            Self::Closed => "closed",
        }
    }
}

fn repeated(attempts: u32) -> String {
    if attempts == 1 { String::new() } else { format!(", {attempts} times") }
}

/// Whole seconds, rounded up: "try again in 0 s" helps nobody.
fn seconds(wait: &Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
