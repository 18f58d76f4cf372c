//! What a source answers with. Prices are finite and not negative; times are Unix milliseconds, UTC.

use serde::{Deserialize, Serialize};

use crate::{Currency, TokenId};

/// The newest price a source knows of one token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// The token.
    pub id: TokenId,
    /// In the currency asked for.
    pub price: f64,
    /// The change over 24 hours in percent.
    pub change_24h_pct: Option<f64>,
    /// Traded volume of the last 24 hours, in the currency asked for.
    pub volume_24h: Option<f64>,
    /// In the currency asked for.
    pub market_cap: Option<f64>,
    /// When the source last changed the price; `None` where it does not say.
    pub as_of_ms: Option<i64>,
}

/// The reply to one question for prices: in no order, without the ids the source knows no price for.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices {
    /// At most one for each id asked for.
    pub prices: Vec<Price>,
    /// When the source last said so: the time of the reply, or of its last confirmation (304).
    pub fetched_at_ms: i64,
}

/// One row of the market table; all but the id may be unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarketEntry {
    /// The token's id, ticker (in capitals) and name.
    pub token: TokenRef,
    /// In the currency asked for, as are all amounts below.
    pub price: Option<f64>,
    /// The change over one hour in percent.
    pub change_1h_pct: Option<f64>,
    /// The change over 24 hours in percent.
    pub change_24h_pct: Option<f64>,
    /// The change over seven days in percent.
    pub change_7d_pct: Option<f64>,
    /// The change over thirty days in percent.
    pub change_30d_pct: Option<f64>,
    /// The highest price of the last 24 hours.
    pub high_24h: Option<f64>,
    /// The lowest price of the last 24 hours.
    pub low_24h: Option<f64>,
    /// Traded volume of the last 24 hours.
    pub volume_24h: Option<f64>,
    /// Price times circulating supply.
    pub market_cap: Option<f64>,
    /// Price times the supply there will ever be.
    pub fully_diluted_valuation: Option<f64>,
    /// Tokens in circulation.
    pub circulating_supply: Option<f64>,
    /// Tokens in being.
    pub total_supply: Option<f64>,
    /// Tokens there can ever be.
    pub max_supply: Option<f64>,
    /// The highest price ever.
    pub ath: Option<f64>,
    /// When it was reached.
    pub ath_at_ms: Option<i64>,
    /// Prices of the last seven days at even distances, oldest first, at most 200.
    pub spark_7d: Vec<f64>,
    /// When the source last changed the row; `None` where it does not say.
    pub as_of_ms: Option<i64>,
}

impl MarketEntry {
    /// The most points kept of a seven-day line; CoinGecko sends 168.
    pub const SPARK_MAX: usize = 200;

    /// A row of which only the token is known.
    pub fn empty(token: TokenRef) -> Self {
        Self {
            token,
            price: None,
            change_1h_pct: None,
            change_24h_pct: None,
            change_7d_pct: None,
            change_30d_pct: None,
            high_24h: None,
            low_24h: None,
            volume_24h: None,
            market_cap: None,
            fully_diluted_valuation: None,
            circulating_supply: None,
            total_supply: None,
            max_supply: None,
            ath: None,
            ath_at_ms: None,
            spark_7d: Vec::new(),
            as_of_ms: None,
        }
    }
}

/// A token as a list names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRef {
    /// The token's id.
    pub id: TokenId,
    /// The ticker in capitals, for example `DUCK`.
    pub symbol: String,
    /// The name as people write it.
    pub name: String,
    /// The place by market capitalisation, from 1.
    pub rank: Option<u32>,
}

impl TokenRef {
    /// A token of which nothing but the id is known: the id stands for the missing texts.
    pub fn unnamed(id: TokenId) -> Self {
        Self { symbol: id.as_str().to_uppercase(), name: id.as_str().to_owned(), rank: None, id }
    }
}

/// What is known of a token beside its numbers; it changes rarely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenProfile {
    /// The token's id, ticker and name.
    pub token: TokenRef,
    /// Plain text, any markup removed.
    pub description: Option<String>,
    /// An `http` or `https` address.
    pub homepage: Option<String>,
    /// The address of its logo, `http` or `https`; not asked for here.
    pub image: Option<String>,
}

/// The reply to the question for one token.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenDetails {
    /// What changes rarely.
    pub profile: TokenProfile,
    /// What changes by the minute.
    pub numbers: MarketEntry,
}

/// One point of a price history.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// When the price was true.
    pub at_ms: i64,
    /// In the currency of the series.
    pub price: f64,
    /// Traded volume of the 24 hours before the point, where known.
    pub volume_24h: Option<f64>,
}

impl Point {
    /// Whether the point can be stored and drawn: a finite price that is not negative, at a time after 1970.
    pub fn is_sound(&self) -> bool {
        self.price.is_finite() && self.price >= 0.0 && self.at_ms > 0
    }
}

/// How far back a source's chart is asked to reach, and how close its points are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChartSpan {
    /// 24 hours, a point every 5 minutes.
    Day,
    /// 7 days, a point every hour.
    Week,
    /// 30 days, a point every hour.
    Month,
    /// 365 days, a point every day.
    Year,
}

impl ChartSpan {
    /// The number of days.
    pub const fn days(self) -> u32 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 30,
            Self::Year => 365,
        }
    }

    /// The nominal distance of two points.
    pub const fn step_ms(self) -> i64 {
        match self {
            Self::Day => 5 * 60_000,
            Self::Week | Self::Month => 3_600_000,
            Self::Year => 86_400_000,
        }
    }
}

/// Which rows of the market table a source is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows<'a> {
    /// The largest by market capitalisation: how many, 1–250.
    Top(u16),
    /// These, at most 250.
    Ids(&'a [TokenId]),
}

/// Where the answer to a question came from, for the text beside the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribution {
    /// What must stand beside the data.
    pub text: &'static str,
    /// Where it must lead.
    pub url: Option<&'static str>,
}

/// The key of one series of prices; no two sources and no two currencies ever share one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SeriesKey {
    pub(crate) source: String,
    pub(crate) token: TokenId,
    pub(crate) currency: Currency,
}
