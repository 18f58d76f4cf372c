#![doc = include_str!("../README.md")]

// The seams: what a caller passes in and gets back.
mod attempt;
mod clock;
mod config;
mod error;
mod journal;
mod loopback;
mod priority;
mod retry_after;
mod status;

// The pure cores: each takes the time as an argument and touches nothing else.
mod aimd;
mod backoff;
mod breaker;
mod budget;
mod gcra;
mod keyed;
mod latency;
mod line;
mod retry_budget;
mod shared;
mod throttle;
mod window;

// For the tests of those who implement a seam.
pub mod conformance;

// The one place where they meet, with the waiting.
mod pipeline;

pub use aimd::Aimd;
pub use attempt::Attempt;
pub use backoff::Backoff;
pub use breaker::{Breaker, BreakerState, Outcome, Permit, Tripped};
pub use budget::{Month, MonthBudget};
pub use clock::{Clock, DrivenClock, Now, SystemClock};
pub use config::{BreakerConfig, Config, ConfigError};
pub use error::CallError;
pub use gcra::{Decision, Gcra, Quota};
pub use journal::{Batch, Finished, Journal, JournalError, MonthCount, NoJournal, Recorded, Started};
pub use keyed::KeyedGcra;
pub use line::{Full, Joined, Line, Place};
pub use loopback::is_loopback;
pub use pipeline::Pipeline;
pub use priority::Priority;
pub use retry_after::RetryAfter;
pub use retry_budget::RetryBudget;
pub use shared::SharedGcra;
pub use status::{BreakerChange, BreakerView, ServiceStatus, Waiting};
pub use throttle::Throttle;
pub use window::{Slot, Window};
