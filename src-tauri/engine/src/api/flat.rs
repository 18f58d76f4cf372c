//! Lists for HTTP clients: each item carries its own provenance, flat.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CacheLevel, History, Problem, Quote, Range};

// In the lists of this file the fields of an item are not required by the schema: with `fields` a client chooses
// some of them.

/// A page of prices, in the order of the ids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PricePage {
    pub items: Vec<PriceItem>,
    /// Pass it as `cursor` to get what follows; `null` at the end.
    #[schema(required)]
    pub next: Option<String>,
    /// Why some prices are missing or old, where the source could not be asked.
    #[schema(required)]
    pub problem: Option<Problem>,
}

/// A quote as `/v1/prices` tells it; without a price, all that belongs to one is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PriceItem {
    #[schema(required = false)]
    pub id: String,
    #[schema(required = false)]
    pub symbol: String,
    #[schema(required = false)]
    pub name: String,
    #[schema(required = false)]
    pub currency: String,
    pub price: Option<f64>,
    pub change_24h_pct: Option<f64>,
    pub volume_24h: Option<f64>,
    pub market_cap: Option<f64>,
    /// When the price was true at its source, Unix milliseconds.
    pub as_of_ms: Option<i64>,
    /// When it arrived here, Unix milliseconds.
    pub fetched_at_ms: Option<i64>,
    pub source: Option<String>,
    pub cache_level: Option<CacheLevel>,
    #[schema(required = false)]
    pub stale: bool,
}

impl PriceItem {
    pub fn new(quote: Quote, currency: &str) -> Self {
        let Quote { id, symbol, name, price, change_24h_pct, volume_24h, market_cap, provenance } = quote;
        Self {
            id,
            symbol,
            name,
            currency: currency.to_owned(),
            price,
            change_24h_pct,
            volume_24h,
            market_cap,
            as_of_ms: provenance.as_ref().map(|from| from.as_of_ms),
            fetched_at_ms: provenance.as_ref().map(|from| from.fetched_at_ms),
            cache_level: provenance.as_ref().map(|from| from.cache_level),
            stale: provenance.as_ref().is_some_and(|from| from.stale),
            source: provenance.map(|from| from.source),
        }
    }
}

/// One point of a history.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HistoryPoint {
    /// Unix milliseconds, UTC.
    #[schema(required = false)]
    pub at_ms: i64,
    #[schema(required = false)]
    pub price: f64,
    /// Traded volume of the 24 hours before the point, where the source tells it.
    pub volume_24h: Option<f64>,
}

/// A page of a token's history, newest point first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HistoryPage {
    pub items: Vec<HistoryPoint>,
    /// Pass it as `cursor` to get older points; `null` at the end.
    #[schema(required)]
    pub next: Option<String>,
    pub id: String,
    pub currency: String,
    pub range: Range,
    /// The nominal distance between two points, milliseconds.
    pub step_ms: i64,
    pub as_of_ms: Option<i64>,
    pub source: Option<String>,
    pub cache_level: Option<CacheLevel>,
    pub stale: bool,
    /// Why the range is not complete, where it is not.
    pub problem: Option<Problem>,
}

impl HistoryPage {
    /// The newest `limit` points before `before_ms`; `cursor` makes the next page's cursor from a time.
    pub fn new(
        history: History,
        before_ms: Option<i64>,
        limit: usize,
        cursor: impl FnOnce(i64) -> String,
    ) -> Self {
        let end =
            before_ms.map_or(history.at_ms.len(), |before| history.at_ms.partition_point(|at| *at < before));
        let start = end.saturating_sub(limit);
        let point = |place: usize| HistoryPoint {
            at_ms: history.at_ms[place],
            price: history.price[place],
            volume_24h: history.volume_24h[place],
        };
        let provenance = history.provenance.as_ref();
        Self {
            items: (start..end).rev().map(point).collect(),
            next: (start > 0).then(|| cursor(history.at_ms[start])),
            as_of_ms: provenance.map(|from| from.as_of_ms),
            source: provenance.map(|from| from.source.clone()),
            cache_level: provenance.map(|from| from.cache_level),
            stale: provenance.is_some_and(|from| from.stale),
            id: history.id,
            currency: history.currency,
            range: history.range,
            step_ms: history.step_ms,
            problem: history.problem,
        }
    }
}
