//! Reading a span of one series.

use store::StoreError;
use store::rusqlite::{Connection, OptionalExtension, params};

use super::fill::fill_holes;
use super::record::read_bucket;
use super::{Tier, series};
use crate::Point;
use crate::model::SeriesKey;

/// The most rows read of one tier; 48 hours of points every 10 s, or 2 years of hours.
const ROWS_MAX: i64 = 17_568;

/// The points of a span, oldest first: those of the first tier, its holes (stretches of more than `hole_ms`
/// without a point) filled from the next, and so on.
pub(crate) fn read_tiers(
    conn: &Connection,
    key: &SeriesKey,
    tiers: &[Tier],
    hole_ms: i64,
    from_ms: i64,
    to_ms: i64,
) -> Result<Vec<Point>, StoreError> {
    let Some(series) = series::find(conn, key)? else { return Ok(Vec::new()) };
    let Some((finest, coarser)) = tiers.split_first() else { return Ok(Vec::new()) };
    let mut points = read_tier(conn, series, *finest, from_ms, to_ms)?;
    for tier in coarser {
        let more = read_tier(conn, series, *tier, from_ms, to_ms)?;
        points = fill_holes(&points, &more, from_ms, to_ms, hole_ms);
    }
    Ok(points)
}

fn read_tier(
    conn: &Connection,
    series: i64,
    tier: Tier,
    from_ms: i64,
    to_ms: i64,
) -> Result<Vec<Point>, StoreError> {
    let mut points: Vec<Point> = match tier.width_ms() {
        None => {
            let sql = "SELECT at_ms, price, volume_24h FROM price_points
                       WHERE series = ?1 AND at_ms BETWEEN ?2 AND ?3 ORDER BY at_ms DESC LIMIT ?4";
            let mut statement = conn.prepare_cached(sql)?;
            let rows = statement.query_map(params![series, from_ms, to_ms, ROWS_MAX], |row| {
                Ok(Point { at_ms: row.get(0)?, price: row.get(1)?, volume_24h: row.get(2)? })
            })?;
            rows.collect::<Result<_, _>>()?
        }
        Some(width) => {
            // A bucket that began before the span may close within it.
            let sql = "SELECT open, open_at_ms, high, low, close, close_at_ms, volume_24h, volume_at_ms
                       FROM price_buckets WHERE series = ?1 AND width_ms = ?2 AND start_ms BETWEEN ?3 AND ?4
                       ORDER BY start_ms DESC LIMIT ?5";
            let mut statement = conn.prepare_cached(sql)?;
            let rows =
                statement.query_map(params![series, width, from_ms - width, to_ms, ROWS_MAX], read_bucket)?;
            rows.map(|bucket| bucket.map(|bucket| bucket.as_point())).collect::<Result<_, _>>()?
        }
    };
    points.retain(|point| (from_ms..=to_ms).contains(&point.at_ms));
    points.reverse();
    Ok(points)
}

/// The newest point of a series in any tier.
pub(crate) fn read_newest(conn: &Connection, key: &SeriesKey) -> Result<Option<Point>, StoreError> {
    let Some(series) = series::find(conn, key)? else { return Ok(None) };
    let sql =
        "SELECT open, open_at_ms, high, low, close, close_at_ms, volume_24h, volume_at_ms FROM price_buckets
               WHERE series = ?1 AND width_ms = ?2 ORDER BY start_ms DESC LIMIT 1";
    let mut statement = conn.prepare_cached(sql)?;
    // Whatever comes in goes into the coarse tier too, and stays there.
    let newest = statement.query_row(params![series, Tier::Coarse.width_ms()], read_bucket).optional()?;
    Ok(newest.map(|bucket| bucket.as_point()))
}
