//! The market as the engine sees it: one source behind one pipeline, a cache in front, a history beside.

mod charts;
mod config;
mod kept;
mod queue;
mod quotes;
mod service;
mod sparks;
mod table;
mod token;
mod update;
mod warm;
mod watchlist;

pub use charts::{History, Range};
pub use config::MarketConfig;
pub use kept::Provenance;
pub use queue::{Pending, Scheduled};
pub use quotes::Quoted;
pub use service::{MIGRATIONS, Market};
pub use sparks::Spark;
pub use table::Table;
pub use token::TokenView;
pub use update::{Asked, Processed};
pub use warm::Warmed;
