use std::ops::RangeInclusive;
use std::time::Duration;

use cache::{CacheError, Class};

use crate::{Currency, Invalid};

const SECOND: Duration = Duration::from_secs(1);
/// The freshness of a price that the requirements ask for.
const DEFAULT_PRICE_TTL: Duration = Duration::from_secs(300);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How the [`Market`](crate::Market) keeps itself up to date.
#[derive(Debug, Clone, PartialEq)]
pub struct MarketConfig {
    /// The currency of the prices that are refreshed.
    pub currency: Currency,
    /// The class of prices.
    pub price: Class,
    /// The class of the market table and of searches.
    pub summary: Class,
    /// The class of what is known of a token beside its numbers.
    pub token: Class,
    /// How many of the largest tokens the table holds beside the watched ones, 1–250.
    pub table_rows: u16,
    /// The most tokens that wait for an update, 250–100,000.
    pub queue: usize,
    /// How long an id that the source does not know is not asked for again, from 1 s to 1 day.
    pub unknown_for: Duration,
    /// The most charts that one warming fetches, 0–250: each costs a call of its own.
    pub warm_charts: usize,
    /// How long a question that somebody waits for stands in line, from 1 s to 1 min.
    pub patience: Duration,
}

impl Default for MarketConfig {
    fn default() -> Self {
        Self {
            currency: Currency::usd(),
            // A price may be shown, with its age, for as long as nothing newer can be had.
            price: Class::new("price", DEFAULT_PRICE_TTL).max_stale(30 * DAY),
            summary: Class::new("market_summary", 10 * MINUTE).max_stale(7 * DAY),
            token: Class::new("token_metadata", DAY).max_stale(30 * DAY).negative_ttl(10 * MINUTE),
            table_rows: 250,
            queue: 1000,
            unknown_for: 10 * MINUTE,
            warm_charts: 2,
            patience: 15 * SECOND,
        }
    }
}

impl MarketConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first value outside its range, with the range.
    pub fn validate(&self) -> Result<(), Invalid> {
        self.price.check().map_err(|error| class("price", &error))?;
        self.summary.check().map_err(|error| class("summary", &error))?;
        self.token.check().map_err(|error| class("token", &error))?;
        count("table_rows", self.table_rows.into(), 1..=250, "1 to 250")?;
        count("queue", self.queue, 250..=100_000, "250 to 100000")?;
        span("unknown_for", self.unknown_for, SECOND..=DAY, "1 s to 1 day")?;
        count("warm_charts", self.warm_charts, 0..=250, "0 to 250")?;
        span("patience", self.patience, SECOND..=MINUTE, "1 s to 1 min")
    }

    pub(super) fn price_class(&self) -> Class {
        self.price
    }

    pub(super) fn summary_class(&self) -> Class {
        self.summary.hard_timeout(self.hard_timeout())
    }

    pub(super) fn token_class(&self) -> Class {
        self.token.hard_timeout(self.hard_timeout())
    }

    /// A chart is stored in the history as soon as it arrives, so an old one is of no use.
    pub(super) fn chart_class(&self) -> Class {
        Class::new("chart", self.price.ttl).max_stale(Duration::ZERO).hard_timeout(self.hard_timeout())
    }

    /// Beyond the line and three attempts of the pipeline; a call that takes longer hangs.
    fn hard_timeout(&self) -> Duration {
        self.patience + 2 * MINUTE
    }
}

fn class(what: &'static str, error: &CacheError) -> Invalid {
    Invalid::new(what, &error.to_string(), "a class within its bounds")
}

fn span(
    what: &'static str,
    value: Duration,
    range: RangeInclusive<Duration>,
    accepted: &'static str,
) -> Result<(), Invalid> {
    if range.contains(&value) { Ok(()) } else { Err(Invalid::new(what, &format!("{value:?}"), accepted)) }
}

fn count(
    what: &'static str,
    value: usize,
    range: RangeInclusive<usize>,
    accepted: &'static str,
) -> Result<(), Invalid> {
    if range.contains(&value) { Ok(()) } else { Err(Invalid::new(what, &value.to_string(), accepted)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_defaults_are_accepted_and_values_out_of_range_are_named() {
        MarketConfig::default().validate().unwrap();
        let error = MarketConfig { table_rows: 251, ..MarketConfig::default() }.validate().unwrap_err();
        assert_eq!(error.to_string(), r#"table_rows cannot be "251"; accepted: 1 to 250"#);
        assert!(MarketConfig { patience: DAY, ..MarketConfig::default() }.validate().is_err());
    }
}
