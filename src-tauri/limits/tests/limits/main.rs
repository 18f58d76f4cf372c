//! What the crate promises, as laws, tables and scenarios; time is always driven, never waited for.
#![allow(clippy::unwrap_used)]

mod support;

mod breaker;
mod budget;
mod config;
mod gcra;
mod hold;
mod journal;
mod line;
mod log;
mod probes;
mod restart;
mod retry;
mod retry_after;
mod status;
mod stop;
mod throttle;
mod waiting;
mod window;
