#![doc = include_str!("../README.md")]

mod load;
mod resources;

pub use load::{Activity, LoadFactor, Pressures};
pub use resources::{Resources, Sampler};
