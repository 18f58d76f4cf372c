#![doc = include_str!("../README.md")]

pub mod api;

mod alarm;
mod cache_view;
mod calls;
mod config;
mod current;
mod engine;
mod error;
mod export;
mod holdings;
mod jobs_view;
mod journal;
mod limits_view;
mod logging;
mod metrics_history;
mod monitor;
mod notices;
mod notifier;
mod once;
mod options;
mod outside;
mod profile;
mod rates;
mod readings;
mod remembered;
mod session;
mod settings;
mod state;
mod stores;
mod views;
mod webhook;
mod work;

pub use config::{Config, Http as HttpConfig, ProfileChoice};
pub use engine::Engine;
pub use error::StartError;
pub use holdings::{Holding, HoldingError, Holdings, HoldingsSource};
pub use notifier::{Notification, Notifier, Notify};
pub use options::Options;
pub use readings::Reading;
pub use ruint::aliases::U256;
pub use state::Frames;
pub use store::DataDirError;
