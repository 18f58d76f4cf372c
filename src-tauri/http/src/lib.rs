#![doc = include_str!("../README.md")]

mod access;
mod caching;
mod connections;
mod cursor;
mod fields;
mod finish;
mod leftover;
mod limit;
mod openapi;
mod page;
mod problem;
mod routes;
mod server;
mod token;

pub use server::{ServeError, Server};
