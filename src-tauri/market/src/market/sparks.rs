use store::rusqlite::Connection;

use super::kept::KeptTable;
use super::service::Market;
use crate::history::{Tier, read_tiers};
use crate::{Currency, MarketEntry, MarketError, Point, TokenId};

const DAY_MS: i64 = 86_400_000;
/// The most prices of one small line.
pub(super) const SPARK_POINTS: usize = 48;
/// A stored line that begins later than this after the start of the day is too short to stand for it.
const LATE_MS: i64 = 6 * 3_600_000;
const TIERS: [Tier; 2] = [Tier::Fine, Tier::Coarse];
/// A stretch of fine buckets longer than this is filled from coarse ones.
const HOLE_MS: i64 = 15 * 60_000;

/// A small line of the last 24 hours.
#[derive(Debug, Clone, PartialEq)]
pub struct Spark {
    /// The token.
    pub id: TokenId,
    /// Evenly spaced, oldest first, at most 48; empty where nothing is known.
    pub prices: Vec<f64>,
}

impl Market {
    /// The small lines of these tokens, from the store; where that is too short, from the market table in the
    /// cache. Nothing is asked of the source.
    ///
    /// # Errors
    /// [`MarketError::Store`].
    pub async fn sparks(&self, ids: &[TokenId], currency: &Currency) -> Result<Vec<Spark>, MarketError> {
        let to_ms = self.now_ms();
        let from_ms = to_ms - DAY_MS;
        let keys: Vec<_> = ids.iter().map(|id| self.series(id, currency)).collect();
        let read = move |conn: &Connection| {
            keys.iter()
                .map(|key| read_tiers(conn, key, &TIERS, HOLE_MS, from_ms, to_ms))
                .collect::<Result<Vec<_>, _>>()
        };
        let lines = self.inner.store.read("market.sparks", read).await?;
        let table = self.inner.tables.get_even_stale::<KeptTable>(&self.table_key(currency)).await;
        let rows = table.as_ref().map_or(&[][..], |hit| &hit.value.0);
        let spark = |(id, points): (&TokenId, Vec<Point>)| {
            let late = points.first().is_none_or(|first| first.at_ms > from_ms + LATE_MS);
            let row = rows.iter().find(|row| row.token.id == *id);
            let prices = match row.filter(|_| late).map(last_day).filter(|day| day.len() > 2) {
                Some(day) => day,
                None => evenly(&points, from_ms, to_ms),
            };
            Spark { id: id.clone(), prices }
        };
        Ok(ids.iter().zip(lines).map(spark).collect())
    }
}

/// The last seventh of a line of seven days, with the newest price.
fn last_day(row: &MarketEntry) -> Vec<f64> {
    let week = &row.spark_7d;
    let from = week.len() - week.len().div_ceil(7);
    let mut day = reduce(&week[from..], SPARK_POINTS - 1);
    day.extend(row.price);
    day
}

/// Prices at even distances, each the last one known by then; nothing before the first.
fn evenly(points: &[Point], from_ms: i64, to_ms: i64) -> Vec<f64> {
    let step_ms = (to_ms - from_ms) / SPARK_POINTS as i64;
    let instants = (1..=SPARK_POINTS as i64).map(|step| to_ms - (SPARK_POINTS as i64 - step) * step_ms);
    instants
        .filter_map(|at_ms| {
            let known = points.partition_point(|point| point.at_ms <= at_ms);
            points[..known].last().map(|point| point.price)
        })
        .collect()
}

/// At most `most` of the values at even distances, the last one among them.
pub(super) fn reduce(values: &[f64], most: usize) -> Vec<f64> {
    if values.len() <= most {
        return values.to_vec();
    }
    (1..=most).map(|n| values[n * values.len() / most - 1]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_even_and_each_price_is_the_last_one_known() {
        let step = DAY_MS / 48;
        let point = |at_ms, price| Point { at_ms, price, volume_24h: None };
        let prices =
            evenly(&[point(step * 45, 1.0), point(step * 47 - 1, 2.0), point(step * 48, 3.0)], 0, DAY_MS);
        assert_eq!(prices, [1.0, 1.0, 2.0, 3.0]);
        assert!(evenly(&[], 0, DAY_MS).is_empty());
        let many: Vec<Point> = (0..288).map(|n| point(n * 300_000, n as f64)).collect();
        assert_eq!(evenly(&many, 0, DAY_MS).len(), SPARK_POINTS);
    }

    #[test]
    fn reducing_keeps_the_last_value_and_the_bound() {
        let values: Vec<f64> = (0..168).map(f64::from).collect();
        let reduced = reduce(&values, 48);
        assert_eq!((reduced.len(), reduced.last()), (48, Some(&167.0)));
        assert_eq!(reduce(&values[..5], 48), values[..5]);
    }
}
