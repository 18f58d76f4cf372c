#![doc = include_str!("../README.md")]

mod access;
mod caching;
mod cursor;
mod fields;
mod limit;
mod problem;
mod routes;
mod server;
mod token;

pub use server::{ServeError, Server};
