//! What can be asked of a running engine, by what it is about.

mod cache;
mod health;
mod jobs;
mod market;
mod services;
