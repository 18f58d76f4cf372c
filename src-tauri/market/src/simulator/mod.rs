//! A market that never was: prices as a pure function of seed, token and time.
//!
//! Nothing is walked and nothing is remembered. The logarithm of a price is a weighted sum of one common path
//! and one path of the token's own; each path is a Brownian one, built by midpoint displacement over hashed
//! places in time, so that any instant costs the same few dozen hashes in whatever order instants are asked.

mod facts;
mod noise;
mod path;
mod prices;
mod source;
mod tokens;

pub use source::Simulator;
