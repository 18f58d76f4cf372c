//! The crate from outside: both sources, the client against a server on a real socket, and the market service.

#![allow(clippy::unwrap_used)]

mod provider;
mod rig;
mod scripted;

mod client;
mod conditional;
mod conformance;
mod histories;
mod openapi;
mod queue;
mod table;
mod watchlist;
