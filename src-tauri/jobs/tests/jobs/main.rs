//! The processor over real SQLite files.

#![allow(clippy::unwrap_used)]

mod adding;
mod attempts;
mod bad_input;
mod child;
mod control;
mod crash;
mod cron;
#[cfg(unix)]
mod disk_full;
mod families;
mod handlers;
mod killed;
mod locked;
mod model;
mod property;
mod queues;
mod schedule;
#[cfg(unix)]
mod sleep;
mod stopping;
mod support;
mod two_processes;
mod unique;
mod versions;
