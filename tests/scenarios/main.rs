//! The whole engine against a provider on a real socket and databases on a real disk.
#![allow(clippy::unwrap_used)]

mod dead_service;
mod jobs;
mod lifecycle;
mod limits;
mod provider;
mod replies;
mod rig;
