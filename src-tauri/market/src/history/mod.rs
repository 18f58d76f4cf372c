//! Price history in SQLite, in three tiers.
//!
//! | tier | holds | for |
//! |---|---|---|
//! | raw | every point a refresh brought | 48 hours |
//! | fine | 5 minute buckets | 90 days |
//! | coarse | 1 hour buckets | ever |
//!
//! A refresh goes into all three in one transaction; a provider's chart goes into the buckets its points are
//! close enough for. Because buckets merge like sets (see [`bucket`]), a point that comes twice, late or out of
//! order changes nothing that it should not.

mod bucket;
mod fill;
mod read;
mod record;
mod series;
mod trim;

#[cfg(test)]
mod tests;

pub(crate) use fill::{is_covered, thin};
pub(crate) use read::{read_newest, read_tiers};
pub(crate) use record::{record_chart, record_close, record_newest};
pub(crate) use trim::trim;

/// The price tables' steps.
pub(crate) const SCHEMA: &str = include_str!("schema.sql");

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How long raw points are kept.
pub(crate) const RAW_KEPT_MS: i64 = 48 * HOUR_MS;
/// How long 5 minute buckets are kept.
pub(crate) const FINE_KEPT_MS: i64 = 90 * DAY_MS;
/// A point this far ahead of the clock is wrong and is not stored.
const AHEAD_MS: i64 = 5 * MINUTE_MS;

/// One of the three tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tier {
    Raw,
    Fine,
    Coarse,
}

impl Tier {
    /// The width of its buckets; raw points have none.
    const fn width_ms(self) -> Option<i64> {
        match self {
            Self::Raw => None,
            Self::Fine => Some(5 * MINUTE_MS),
            Self::Coarse => Some(HOUR_MS),
        }
    }

    /// The time before which it holds nothing.
    const fn kept_from(self, now_ms: i64) -> i64 {
        match self {
            Self::Raw => now_ms - RAW_KEPT_MS,
            Self::Fine => now_ms - FINE_KEPT_MS,
            Self::Coarse => 0,
        }
    }
}
