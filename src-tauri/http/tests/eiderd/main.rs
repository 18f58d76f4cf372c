//! `eiderd` itself, as a process of its own.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod process;

mod damage;
mod refusals;
mod signals;
