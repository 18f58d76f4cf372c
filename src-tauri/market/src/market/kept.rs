//! The forms in which market data lies in the cache, and the keys it lies under.

use cache::{Cached, Hit, Level};
use serde::{Deserialize, Serialize};

use crate::{Currency, MarketEntry, Point, Price, TokenId, TokenProfile, TokenRef};

/// Where a value comes from and how old it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// When the value was true at its source.
    pub as_of_ms: i64,
    /// When it arrived here.
    pub fetched_at_ms: i64,
    /// The source's name.
    pub source: &'static str,
    /// Where it was read from.
    pub level: Level,
    /// Whether it is older than its class allows and is shown because nothing newer could be had.
    pub stale: bool,
}

impl Provenance {
    pub(super) fn of<T>(hit: &Hit<T>, as_of_ms: Option<i64>, source: &'static str) -> Self {
        let fetched_at_ms = hit.created_at_ms;
        // A source whose clock is ahead of ours cannot know the future.
        let as_of_ms = as_of_ms.unwrap_or(fetched_at_ms).min(fetched_at_ms);
        Self { as_of_ms, fetched_at_ms, source, level: hit.level, stale: hit.stale }
    }
}

/// The newest price.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptPrice(pub(super) Price);

/// The largest tokens.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptTable(pub(super) Vec<MarketEntry>);

/// The numbers of one token; `None` where the source has none.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptRow(pub(super) Option<MarketEntry>);

/// What a source's chart held.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptChart(pub(super) Vec<Point>);

/// What is known of a token beside its numbers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptProfile(pub(super) TokenProfile);

/// The result of a search.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptSearch(pub(super) Vec<TokenRef>);

macro_rules! cached {
    ($($type:ident as $kind:literal $schema:literal),*) => {$(
        impl Cached for $type {
            const KIND: &'static str = $kind;
            const SCHEMA: u32 = $schema;
        }
    )*};
}
cached!(
    KeptPrice as "market.price" 1,
    KeptTable as "market.table" 1,
    KeptRow as "market.row" 1,
    KeptChart as "market.chart" 1,
    KeptProfile as "market.profile" 2,
    KeptSearch as "market.search" 1
);

/// The key of what one source tells of one token in one currency.
///
/// Neither ids nor currencies hold a `:`, and the source comes last, so that no two keys can meet.
pub(super) fn token_key(source: &str, currency: &Currency, id: &TokenId) -> String {
    format!("{currency}:{id}:{source}")
}
