//! Why a call was refused.

use std::time::Duration;

use store::StoreError;

use crate::{JobId, State};

/// Why a job was not added. Nothing of it was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// No handler of this name is registered.
    #[error("there is no kind `{kind}`: use {}", known.join(", "))]
    UnknownKind {
        /// The name that was given.
        kind: String,
        /// Those that there are.
        known: Vec<&'static str>,
    },
    /// There is no such queue.
    #[error(transparent)]
    UnknownQueue(#[from] UnknownQueue),
    /// A value is out of its range.
    #[error("{field} = {value} is not accepted: use {accepted}")]
    Invalid {
        /// Which value.
        field: &'static str,
        /// What was given.
        value: String,
        /// The range.
        accepted: &'static str,
    },
    /// The payload has too many bytes.
    #[error("the payload has {bytes} bytes: at most {max} are accepted")]
    PayloadTooLarge {
        /// As JSON.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// The payload is not what the kind takes.
    #[error("the payload is not what {kind} takes: {reason}")]
    BadPayload {
        /// The kind.
        kind: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The queue holds as many open jobs as it may.
    #[error("the queue {queue} holds {bound} open jobs, its bound: try again in {retry_after:?}")]
    QueueFull {
        /// Which one.
        queue: String,
        /// The most open jobs.
        bound: u64,
        /// When to try again.
        retry_after: Duration,
    },
    /// The machine is loaded, and enough of the least urgent work waits already.
    #[error(
        "the machine is loaded and takes no more low-priority work in {queue}: try again in {retry_after:?}"
    )]
    Overloaded {
        /// Which queue.
        queue: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// The queue finishes what it has and takes no more.
    #[error("the queue {queue} is being drained and takes no jobs: resume it first")]
    Draining {
        /// Which one.
        queue: String,
    },
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// There is no such queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no queue `{queue}`: use {}", known.join(", "))]
pub struct UnknownQueue {
    /// The name that was given.
    pub queue: String,
    /// Those that there are.
    pub known: Vec<String>,
}

/// Why a call about jobs that there are was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobsError {
    /// There is no such job, or it ended long ago.
    #[error("there is no job {id}; ended ones are kept for a limited time")]
    NotFound {
        /// Which one.
        id: JobId,
    },
    /// The job's state does not allow it.
    #[error("job {id} is {state}: it cannot be {action}")]
    NotAllowed {
        /// Which one.
        id: JobId,
        /// How it stands.
        state: State,
        /// What was asked for, as a participle.
        action: &'static str,
    },
    /// Another job has the key meanwhile, and it may be there once only.
    #[error("job {id} cannot be retried: job {by} has its key and is open")]
    KeyTaken {
        /// Which one.
        id: JobId,
        /// The other one.
        by: JobId,
    },
    /// The queue of a job that is to run again holds as many open jobs as it may.
    #[error(
        "job {id} cannot be retried: the queue {queue} holds {bound} open jobs, its bound: try again in {retry_after:?}"
    )]
    QueueFull {
        /// Which job: the one that was asked for, or a child of it.
        id: JobId,
        /// Its queue.
        queue: String,
        /// The most open jobs.
        bound: u64,
        /// When to try again.
        retry_after: Duration,
    },
    /// The queue of a job that is to run again finishes what it has and takes no more.
    #[error(
        "job {id} cannot be retried: the queue {queue} is being drained and takes no jobs: resume it first"
    )]
    Draining {
        /// Which job: the one that was asked for, or a child of it.
        id: JobId,
        /// Its queue.
        queue: String,
    },
    /// There is no such queue.
    #[error(transparent)]
    UnknownQueue(#[from] UnknownQueue),
    /// A value is out of its range.
    #[error("{field} = {value} is not accepted: use {accepted}")]
    Invalid {
        /// Which value.
        field: &'static str,
        /// What was given.
        value: String,
        /// The range.
        accepted: &'static str,
    },
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the processor did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A value of the configuration or of a kind's defaults is out of its range.
    #[error("{field} = {value} is not accepted: use {accepted}")]
    Invalid {
        /// Which value.
        field: String,
        /// What was given.
        value: String,
        /// The range.
        accepted: String,
    },
    /// Two handlers have the same kind.
    #[error("two handlers are registered for {0}")]
    KindTwice(&'static str),
    /// A periodic job's text is no cron expression.
    #[error("the schedule `{cron}` of {name} is not accepted: {reason}")]
    BadCron {
        /// The periodic job.
        name: String,
        /// What was given.
        cron: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A periodic job could not be added as it stands.
    #[error("the periodic job {name}: {error}")]
    BadPeriodic {
        /// The periodic job.
        name: String,
        /// Why.
        error: Box<AddError>,
    },
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
