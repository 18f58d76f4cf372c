//! The API over real sockets: a server in this process, over an engine in the demo with a folder of its own.
//!
//! Whatever a test asks, the reply is held against the server's own OpenAPI document.

#![allow(clippy::unwrap_used)]

mod document;
mod rig;

mod access;
mod cache;
mod caching;
mod health;
mod history;
mod jobs;
mod limits;
mod metrics;
mod openapi;
mod prices;
mod quota;
mod server;
mod wire;
