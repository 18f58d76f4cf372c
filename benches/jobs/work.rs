//! What a contender is asked to do, as lines of JSON on its standard input, and what it answers on its output.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// One piece of work.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub(crate) enum Work {
    /// Callers that wait for the answer before they add the next.
    Add { jobs: usize, callers: usize },
    /// One caller that adds so many at once.
    AddMany { jobs: usize, batch: usize },
    /// Adds at an even pace, not waiting for answers.
    AddPaced { jobs: usize, per_second: usize },
    /// Starts to work, and runs what waits: until the last end is acknowledged.
    Burn { jobs: usize, concurrency: u32 },
    /// Starts to work.
    Work { concurrency: u32 },
    /// Waits until so many jobs started, and tells how long each waited since before it was added.
    WaitTimes { jobs: usize },
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Answer {
    /// What the contender is; it is said once, before the first work.
    pub(crate) version: String,
    pub(crate) seconds: f64,
    pub(crate) waits_us: Vec<f64>,
}

/// What every job carries: about 100 bytes of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Payload {
    user: String,
    token: String,
    pub(crate) sent_us: i64,
}

impl Payload {
    pub(crate) fn new(number: usize) -> Self {
        let token = "0x95af4af910c28e8ece4512bfe46f1f33687424ce".into();
        Self { user: format!("user/{number:08}"), token, sent_us: now_us() }
    }
}

/// Microseconds of the wall clock, which all processes share.
pub(crate) fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}
