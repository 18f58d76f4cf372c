//! CoinGecko's API, version 3: keyless, or with a demo or a pro key.
//!
//! One question is one GET. What the provider tells about a reply's life (`Cache-Control`, `ETag`) is obeyed: within
//! it no call is made, after it the call is conditional. For what is told of one token, the cache keeps the reply and
//! its `ETag`, on disk too; replies about many tokens, which the cache keeps token by token, are kept here in memory.

mod client;
mod config;
mod failure;
mod fetch;
mod plain_text;
mod read;
mod read_chart;
mod read_market;
mod read_token;
mod replies;
mod secret;
mod value;

pub use client::CoinGecko;
pub use config::{CoinGeckoConfig, Plan};
pub use secret::Secret;
