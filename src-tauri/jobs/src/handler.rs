//! What runs: a typed handler for each kind of job.

use std::future::Future;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::running::Running;
use crate::{Backoff, Priority, Unique};

/// Runs the jobs of one kind.
///
/// A job is run at least once: a process that dies after the work and before the acknowledgement runs it again. A
/// panic, a payload that is no `Payload` or an ignored cancellation harms that job alone.
pub trait Handler: Send + Sync + 'static {
    /// What a job is given, as JSON.
    type Payload: Serialize + DeserializeOwned + Send + 'static;

    /// The name of the kind, for example `PROCESS_CONTENT`.
    const KIND: &'static str;

    /// What holds for its jobs where they say nothing else; asked once, at the start.
    fn defaults(&self) -> Defaults;

    /// A payload that it accepts, for people who add one by hand.
    fn example(&self) -> Self::Payload;

    /// What a job is about, for lists: at most 120 characters, and no secret.
    fn about(_payload: &Self::Payload) -> String {
        String::new()
    }

    /// The key under which a job is known not to be wanted twice.
    fn key(_payload: &Self::Payload) -> Option<String> {
        None
    }

    /// Does the work. It is dropped where it exceeds its time or ignores a cancellation.
    fn run(&self, payload: Self::Payload, job: Running) -> impl Future<Output = Outcome> + Send;
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Well.
    Done,
    /// Well, with a result to be kept: at most 64 KiB of JSON.
    DoneWith(Value),
    /// Badly; it is tried again while attempts are left.
    Retry {
        /// One sentence.
        error: String,
        /// When, instead of the kind's backoff.
        after: Option<Duration>,
    },
    /// Not yet: something outside holds it up. The attempt is not spent.
    Snooze {
        /// Until when.
        for_: Duration,
        /// What holds it up.
        because: Hold,
    },
    /// It is not wanted any more.
    Cancel {
        /// One sentence.
        because: String,
    },
    /// Badly, and another attempt would end so too.
    Fail {
        /// One sentence.
        error: String,
    },
}

/// What holds a snoozed job up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// The limit of calls to a service.
    RateLimited {
        /// Which one.
        service: String,
    },
    /// A service that failed too often.
    BreakerOpen {
        /// Which one.
        service: String,
    },
    /// The load of the machine.
    Load,
    /// Something else, in one sentence.
    Other(String),
}

/// What holds for the jobs of a kind where they say nothing else.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// The queue.
    pub queue: &'static str,
    /// How urgent it is.
    pub priority: Priority,
    /// The most attempts: 1 to 100.
    pub attempts: u32,
    /// The wait after a failed attempt.
    pub backoff: Backoff,
    /// The longest attempt: 1 ms to 24 h.
    pub timeout: Duration,
    /// From being added to the end, with all attempts; none where `None`.
    pub overall: Option<Duration>,
    /// What a job key stands for.
    pub unique: Unique,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            queue: "normal",
            priority: Priority::Normal,
            attempts: 5,
            backoff: Backoff::Exponential {
                first: Duration::from_secs(2),
                factor: 2.0,
                cap: Duration::from_secs(600),
            },
            timeout: Duration::from_secs(60),
            overall: None,
            unique: Unique::default(),
        }
    }
}
