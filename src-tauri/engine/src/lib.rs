#![doc = include_str!("../README.md")]

pub mod api;

mod cache_view;
mod config;
mod current;
mod engine;
mod error;
mod export;
mod job_calls;
mod jobs_view;
mod journal;
mod limits_view;
mod logging;
mod metrics_history;
mod monitor;
mod notices;
mod once;
mod options;
mod profile;
mod rates;
mod readings;
mod remembered;
mod session;
mod settings;
mod state;
mod stores;
mod views;
mod work;

pub use config::{Config, Http as HttpConfig, ProfileChoice};
pub use engine::Engine;
pub use error::StartError;
pub use options::Options;
pub use readings::Reading;
pub use state::Frames;
pub use store::DataDirError;
