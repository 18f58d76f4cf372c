use serde::{Deserialize, Serialize};
use specta::Type;
use specta_typescript::Number;
use utoipa::ToSchema;

/// The cache level a value was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheLevel {
    /// L1, in this process.
    Memory,
    /// L2, files.
    Files,
    /// L3, SQLite.
    Database,
    /// No level had it: it came from the source in this very call.
    Origin,
}

/// Where a value comes from and how old it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct Provenance {
    /// The time the value was true at its source.
    #[specta(type = Number)]
    pub as_of_ms: i64,
    /// The time it arrived here.
    #[specta(type = Number)]
    pub fetched_at_ms: i64,
    /// The name of the source as a person knows it: `CoinGecko` or `Simulator`.
    pub source: String,
    pub cache_level: CacheLevel,
    /// Whether it is older than its class allows, and is shown only because nothing newer could be had.
    pub stale: bool,
}

/// The newest known price of one watched token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct Quote {
    /// The source's id of the token, for example `duckchain-token`.
    pub id: String,
    /// The ticker in upper case, for example `DUCK`.
    pub symbol: String,
    pub name: String,
    /// `None` while no price is known.
    pub price: Option<f64>,
    pub change_24h_pct: Option<f64>,
    pub volume_24h: Option<f64>,
    pub market_cap: Option<f64>,
    /// `None` exactly where `price` is.
    pub provenance: Option<Provenance>,
}

/// A small line of the last 24 hours for one token: evenly spaced prices, oldest first, at most 48.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct Spark {
    pub id: String,
    pub prices: Vec<f64>,
}

/// How far back a chart reaches from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Type, ToSchema)]
pub enum Range {
    #[serde(rename = "1h")]
    Hour,
    #[serde(rename = "24h")]
    Day,
    #[serde(rename = "7d")]
    Week,
    #[serde(rename = "30d")]
    Month,
    #[serde(rename = "1y")]
    Year,
}

impl Range {
    /// All ranges by their names.
    pub const NAMES: [(&str, Self); 5] = [
        ("1h", Self::Hour),
        ("24h", Self::Day),
        ("7d", Self::Week),
        ("30d", Self::Month),
        ("1y", Self::Year),
    ];
}

/// The price of one token over a range, as parallel columns, oldest first, at most 2,000 points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct History {
    pub id: String,
    pub currency: String,
    pub range: Range,
    /// The nominal distance between two points; a gap of more than three of them is missing data.
    #[specta(type = Number)]
    pub step_ms: i64,
    #[specta(type = Vec<Number>)]
    pub at_ms: Vec<i64>,
    pub price: Vec<f64>,
    /// Traded volume of the 24 hours before each point, where the source tells it.
    pub volume_24h: Vec<Option<f64>>,
    /// `None` where there is no point at all.
    pub provenance: Option<Provenance>,
    /// Why the range is not complete, where it is not.
    pub problem: Option<super::Problem>,
}

/// One row of the Markets table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct MarketRow {
    pub id: String,
    pub symbol: String,
    pub name: String,
    pub rank: Option<u32>,
    pub price: Option<f64>,
    pub change_1h_pct: Option<f64>,
    pub change_24h_pct: Option<f64>,
    pub change_7d_pct: Option<f64>,
    pub volume_24h: Option<f64>,
    pub market_cap: Option<f64>,
    /// Seven days of prices, oldest first, at most 48.
    pub spark: Vec<f64>,
    pub watched: bool,
}

/// The Markets table: the largest tokens by market capitalisation and every watched one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct MarketTable {
    pub currency: String,
    pub rows: Vec<MarketRow>,
    pub provenance: Option<Provenance>,
    /// Why the table is missing or old, where it is.
    pub problem: Option<super::Problem>,
}

/// One result of a search for tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct TokenHit {
    pub id: String,
    pub symbol: String,
    pub name: String,
    pub rank: Option<u32>,
    pub watched: bool,
}

/// What is known about one token beside its price history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct Token {
    pub id: String,
    pub symbol: String,
    pub name: String,
    /// A PNG of 64 px as a data address; `None` until a job has fetched it.
    pub logo: Option<String>,
    pub currency: String,
    pub watched: bool,
    pub rank: Option<u32>,
    pub price: Option<f64>,
    pub change_24h_pct: Option<f64>,
    pub change_7d_pct: Option<f64>,
    pub change_30d_pct: Option<f64>,
    pub high_24h: Option<f64>,
    pub low_24h: Option<f64>,
    pub ath: Option<f64>,
    #[specta(type = Option<Number>)]
    pub ath_at_ms: Option<i64>,
    pub market_cap: Option<f64>,
    pub fully_diluted_valuation: Option<f64>,
    pub volume_24h: Option<f64>,
    pub circulating_supply: Option<f64>,
    pub total_supply: Option<f64>,
    pub max_supply: Option<f64>,
    /// Plain text: any markup of the source has been removed.
    pub description: Option<String>,
    pub homepage: Option<String>,
    pub provenance: Provenance,
}
