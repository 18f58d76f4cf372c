//! Jobs and queues as they are shown.

use std::time::Duration;

use crate::figures::{Quantiles, Total};
use crate::tally::Counts;
use crate::{Hold, JobId, Priority, Rate, State};

/// A job, as lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    /// Its number.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// What it is about, in a few words.
    pub about: String,
    /// Its queue.
    pub queue: String,
    /// How urgent it is.
    pub priority: Priority,
    /// How it stands.
    pub state: State,
    /// Attempts spent or under way.
    pub attempt: u32,
    /// The most attempts.
    pub attempts: u32,
    /// When it was added.
    pub created_at_ms: i64,
    /// When it is, or was, due.
    pub run_at_ms: i64,
    /// When the latest attempt began.
    pub started_at_ms: Option<i64>,
    /// When the latest attempt ended.
    pub ended_at_ms: Option<i64>,
    /// How far it is, 0 to 1, where it tells.
    pub progress: Option<f64>,
    /// The same in a few words.
    pub progress_note: Option<String>,
    /// The latest error.
    pub error: Option<String>,
    /// Its key.
    pub key: Option<String>,
}

/// All about one job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// As in lists.
    pub row: JobRow,
    /// What it was given, as JSON.
    pub payload: String,
    /// What it brought, as JSON.
    pub result: Option<String>,
    /// The attempts that did not end well, the latest 100 of them, and the latest one; newest first.
    pub timeline: Vec<Attempt>,
    /// The batch that it belongs to.
    pub batch: Option<String>,
    /// The job that waits for this one.
    pub parent: Option<JobId>,
    /// Jobs that it waits for.
    pub children_open: u64,
    /// What put it off, where something did.
    pub hold: Option<Hold>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its number, the first being 1.
    pub attempt: u32,
    /// When it began.
    pub started_at_ms: i64,
    /// When it ended.
    pub ended_at_ms: Option<i64>,
    /// `running`, `done`, `retry`, `snoozed`, `failed`, `cancelled`, `timed_out`, `panicked` or `interrupted`.
    pub outcome: String,
    /// In one sentence.
    pub error: Option<String>,
}

/// Which jobs a list shows; what is empty restricts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In one of these states.
    pub states: Vec<State>,
    /// Of one of these queues.
    pub queues: Vec<String>,
    /// Of one of these kinds.
    pub kinds: Vec<String>,
    /// Added at this time or later.
    pub created_from_ms: Option<i64>,
    /// Added before this time.
    pub created_to_ms: Option<i64>,
    /// Of this batch.
    pub batch: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The jobs, newest first.
    pub rows: Vec<JobRow>,
    /// Where the list goes on: the `before` of the next page. Where the filter matches few of many jobs a page may
    /// hold fewer rows than were asked for, or none, and the list goes on all the same; only `None` is its end.
    pub next: Option<JobId>,
}

/// A queue and how it fares.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueView {
    /// Its name.
    pub name: String,
    /// Takes jobs, but starts none.
    pub paused: bool,
    /// Finishes what it has, and takes no more.
    pub draining: bool,
    /// How many jobs run at once.
    pub concurrency: u32,
    /// Places taken in this process.
    pub running: u32,
    /// Of these, by handlers that were told to end and have not.
    pub stuck: u32,
    /// The most open jobs.
    pub bound: u64,
    /// Whether load holds its low-priority jobs back; those due for 15 minutes run one at a time all the same.
    pub deferring: bool,
    /// How many jobs start in which time at most.
    pub rate: Option<Rate>,
    /// How many jobs are in which state.
    pub counts: Counts,
    /// From being due to the start, over the last ten to twenty minutes.
    pub waits: Option<Quantiles>,
    /// From the start to the end.
    pub runs: Option<Quantiles>,
    /// Jobs that ended in the last minute.
    pub ended_per_minute: u64,
    /// Which share of the jobs that ended in the last ten to twenty minutes is done, 0 to 1; none where none ended.
    pub completion_rate: Option<f64>,
    /// Jobs that ended since the start of this process.
    pub total: Total,
    /// How many waited: up to 60 samples ten seconds apart, oldest first.
    pub depth: Vec<u64>,
}

/// A kind of job.
#[derive(Debug, Clone, PartialEq)]
pub struct KindView {
    /// Its name.
    pub kind: &'static str,
    /// The queue where none is given.
    pub queue: &'static str,
    /// The priority where none is given.
    pub priority: Priority,
    /// The most attempts where nothing is said.
    pub attempts: u32,
    /// The longest attempt where nothing is said.
    pub timeout: Duration,
    /// A payload that it accepts.
    pub example: serde_json::Value,
}

/// The jobs of a batch by state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchView {
    /// Those that may still do something.
    pub open: u64,
    /// Those that ended well; ones removed since are not counted.
    pub done: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were cancelled.
    pub cancelled: u64,
}

/// Why a job does not run right now.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// It starts in a moment.
    Next,
    /// Its queue is paused.
    Paused,
    /// All places of its queue are taken.
    Concurrency {
        /// Places taken.
        running: u32,
        /// Places.
        limit: u32,
    },
    /// Its queue starts no more than so many in a time.
    QueueRate {
        /// When it lets the next one start.
        until_ms: i64,
    },
    /// The machine is loaded, and it is not urgent: neither due for 15 minutes nor the next of those that are.
    Load {
        /// 0 to 1.
        factor: f64,
    },
    /// It is due later.
    Scheduled {
        /// When.
        at_ms: i64,
    },
    /// It waits out a failed attempt.
    Backoff {
        /// Until when.
        at_ms: i64,
        /// Which attempt failed.
        attempt: u32,
    },
    /// Its handler put it off.
    Snoozed {
        /// Until when.
        until_ms: i64,
        /// What holds it up.
        because: Option<Hold>,
    },
    /// Jobs that it depends on have not ended.
    Blocked {
        /// How many.
        children_open: u64,
    },
    /// It does not wait.
    NotWaiting(State),
}
