#![doc = include_str!("../README.md")]

mod config;
mod data_dir;
mod error;
mod migrate;
mod store;

mod gather;
mod group;
mod readers;
mod request;
mod writer;

mod connect;
mod damage;
mod recorder;
mod slow;
mod stats;
mod watch;

pub use config::{Config, ConfigError, Durability};
pub use damage::SetAside;
pub use data_dir::{DataDir, DataDirError};
pub use error::StoreError;
pub use migrate::{MigrationProblem, Migrations};
pub use rusqlite;
pub use slow::SlowCall;
pub use stats::{Kind, Latency, PoolStats, QueryStats, Stats, WriterStats};
pub use store::{Opened, Store};
