//! Writing points: all tiers of one batch in one transaction.

use store::StoreError;
use store::rusqlite::{Connection, OptionalExtension, Row, params};

use super::bucket::{Bucket, Stamped, into_buckets};
use super::{AHEAD_MS, Tier, series};
use crate::Point;
use crate::model::SeriesKey;

/// Records the points of a refresh: raw, and in both widths of buckets.
pub(crate) fn record_newest(
    conn: &Connection,
    points: &[(SeriesKey, Point)],
    now_ms: i64,
) -> Result<(), StoreError> {
    for (key, point) in points {
        record_close(conn, key, std::slice::from_ref(point), now_ms)?;
    }
    Ok(())
}

/// Records a provider's chart in the buckets that its points are close enough for.
///
/// Hourly points stay out of the fine buckets: there they would stand for five minutes they do not describe.
pub(crate) fn record_chart(
    conn: &Connection,
    key: &SeriesKey,
    points: &[Point],
    step_ms: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    let fine = Tier::Fine.width_ms().is_some_and(|width| step_ms <= width);
    let tiers: &[Tier] = if fine { &[Tier::Fine, Tier::Coarse] } else { &[Tier::Coarse] };
    record(conn, key, points, tiers, now_ms)
}

/// Records points that are as close together as those of refreshes, raw and in the buckets.
pub(crate) fn record_close(
    conn: &Connection,
    key: &SeriesKey,
    points: &[Point],
    now_ms: i64,
) -> Result<(), StoreError> {
    record(conn, key, points, &[Tier::Raw, Tier::Fine, Tier::Coarse], now_ms)
}

fn record(
    conn: &Connection,
    key: &SeriesKey,
    points: &[Point],
    tiers: &[Tier],
    now_ms: i64,
) -> Result<(), StoreError> {
    let sound = |point: &&Point| point.is_sound() && point.at_ms <= now_ms + AHEAD_MS;
    let points: Vec<Point> = points.iter().filter(sound).copied().collect();
    if points.is_empty() {
        return Ok(());
    }
    let series = series::find_or_make(conn, key)?;
    for tier in tiers {
        // What the tier would throw away at the next trim is not put in: a bucket that is half gone is wrong.
        let from = tier.kept_from(now_ms);
        let kept: Vec<Point> = points.iter().filter(|point| point.at_ms >= from).copied().collect();
        match tier.width_ms() {
            None => kept.iter().try_for_each(|point| merge_point(conn, series, point))?,
            Some(width) => {
                for (start, bucket) in into_buckets(&kept, width) {
                    merge_bucket(conn, series, width, start, bucket)?;
                }
            }
        }
    }
    Ok(())
}

fn merge_point(conn: &Connection, series: i64, point: &Point) -> Result<(), StoreError> {
    // The rule of the buckets: of two prices at one instant the higher one closes.
    let sql = "INSERT INTO price_points (series, at_ms, price, volume_24h) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET
                   price = max(price, excluded.price),
                   volume_24h = max(coalesce(volume_24h, excluded.volume_24h),
                                    coalesce(excluded.volume_24h, volume_24h))";
    conn.prepare_cached(sql)?.execute(params![series, point.at_ms, point.price, point.volume_24h])?;
    Ok(())
}

fn merge_bucket(
    conn: &Connection,
    series: i64,
    width: i64,
    start: i64,
    bucket: Bucket,
) -> Result<(), StoreError> {
    let sql = "SELECT open, open_at_ms, high, low, close, close_at_ms, volume_24h, volume_at_ms
               FROM price_buckets WHERE series = ?1 AND width_ms = ?2 AND start_ms = ?3";
    let known = conn.prepare_cached(sql)?.query_row(params![series, width, start], read_bucket).optional()?;
    let merged = known.map_or(bucket, |known| known.merge(bucket));
    if known == Some(merged) {
        return Ok(());
    }
    let sql = "INSERT OR REPLACE INTO price_buckets
                   (series, width_ms, start_ms, open, open_at_ms, high, low, close, close_at_ms, volume_24h, volume_at_ms)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    conn.prepare_cached(sql)?.execute(params![
        series,
        width,
        start,
        merged.open.value,
        merged.open.at_ms,
        merged.high,
        merged.low,
        merged.close.value,
        merged.close.at_ms,
        merged.volume_24h.map(|volume| volume.value),
        merged.volume_24h.map(|volume| volume.at_ms),
    ])?;
    Ok(())
}

/// Reads a bucket from the columns of the query in `merge_bucket`.
pub(super) fn read_bucket(row: &Row<'_>) -> Result<Bucket, store::rusqlite::Error> {
    let volume: (Option<f64>, Option<i64>) = (row.get(6)?, row.get(7)?);
    Ok(Bucket {
        open: Stamped { value: row.get(0)?, at_ms: row.get(1)? },
        high: row.get(2)?,
        low: row.get(3)?,
        close: Stamped { value: row.get(4)?, at_ms: row.get(5)? },
        volume_24h: volume.0.zip(volume.1).map(|(value, at_ms)| Stamped { value, at_ms }),
    })
}
