#![doc = include_str!("../README.md")]

// What is asked and answered.
mod error;
mod id;
mod model;
mod reply;
mod source;
mod source_error;

// The two sources.
mod coingecko;
mod simulator;

// What is kept.
mod history;

// What keeps it up to date, and hands it out.
mod market;

pub use cache::{Class, Clock, Level, Now};
pub use coingecko::{CoinGecko, CoinGeckoConfig, Plan, Secret};
pub use error::MarketError;
pub use id::{Currency, Invalid, TokenId};
pub use market::{
    Asked, History, MIGRATIONS, Market, MarketConfig, Pending, Processed, Provenance, Quoted, Range,
    Scheduled, Spark, Table, TokenView, Warmed,
};
pub use model::{
    Attribution, ChartSpan, MarketEntry, Point, Price, Prices, Rows, TokenDetails, TokenProfile, TokenRef,
};
pub use reply::Reply;
pub use simulator::Simulator;
pub use source::Source;
pub use source_error::SourceError;
