//! Assembles the engine: configuration, task tree, API types
pub mod api;
