//! The processor over real SQLite files.

#![allow(clippy::unwrap_used)]

mod adding;
mod attempts;
mod bad_input;
mod control;
mod crash;
mod families;
mod killed;
mod model;
mod property;
mod queues;
mod schedule;
mod stopping;
mod support;
mod two_processes;
mod unique;
mod versions;
