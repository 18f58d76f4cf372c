#![doc = include_str!("../README.md")]

mod backoff;
mod clock;
mod config;
mod error;
mod event;
mod handler;
mod new_job;
mod running;
mod state;
mod view;

mod builder;
mod jobs;

mod admission;
mod control;
mod insert;
mod keyed;
mod list;
mod page;
mod queue_control;

mod attempted;
mod columns;
mod core;
mod dispatch;
mod kin;
mod kind;
mod pick;
mod settle;
mod supervise;
mod turn;

mod adopt;
mod figures;
mod load;
mod periodic;
mod retention;
mod session;
mod tally;
mod tend;

pub use backoff::Backoff;
pub use builder::Builder;
pub use clock::Clock;
pub use config::{CONCURRENCY, Config, QueueConfig, Rate, Retention};
pub use core::Waker;
pub use error::{AddError, JobsError, StartError, UnknownQueue};
pub use event::Event;
pub use figures::{Quantiles, Total};
pub use handler::{Defaults, Handler, Hold, Outcome};
pub use jobs::Jobs;
pub use new_job::{Added, NewJob, OnDuplicate, Unique};
pub use page::PAGE_MAX;
pub use periodic::Periodic;
pub use running::Running;
pub use state::{JobId, Priority, State, States};
pub use tally::Counts;
pub use view::{Attempt, BatchView, Filter, Job, JobRow, KindView, Page, QueueView, Why};

/// The tables of jobs, for [`store::Store::open`].
pub const MIGRATIONS: store::Migrations =
    store::Migrations { owner: "jobs", steps: &[include_str!("schema.sql")] };
