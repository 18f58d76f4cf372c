//! Forgetting what is older than its tier keeps.

use store::StoreError;
use store::rusqlite::{Connection, params};

use super::Tier;

/// What one step of trimming removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Trimmed {
    pub(crate) rows: usize,
    /// Whether there is more to remove.
    pub(crate) more: bool,
}

/// Removes at most `most` rows, so that no other write waits long.
pub(crate) fn trim(conn: &Connection, now_ms: i64, most: usize) -> Result<Trimmed, StoreError> {
    let mut series = conn.prepare_cached("SELECT id FROM price_series")?;
    let series: Vec<i64> = series.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut rows = 0;
    // One series at a time: with it the primary key leads straight to what is old.
    for series in series {
        let points = "DELETE FROM price_points WHERE series = ?1 AND at_ms IN
                          (SELECT at_ms FROM price_points WHERE series = ?1 AND at_ms < ?2 ORDER BY at_ms LIMIT ?3)";
        let old = params![series, Tier::Raw.kept_from(now_ms), (most - rows) as i64];
        rows += conn.prepare_cached(points)?.execute(old)?;
        let buckets = "DELETE FROM price_buckets WHERE series = ?1 AND width_ms = ?2 AND start_ms IN
                           (SELECT start_ms FROM price_buckets WHERE series = ?1 AND width_ms = ?2 AND start_ms <= ?3
                            ORDER BY start_ms LIMIT ?4)";
        // The bucket that the edge runs through stays until all of it is old.
        let width = Tier::Fine.width_ms().unwrap_or_default();
        let last_old = Tier::Fine.kept_from(now_ms) - width;
        let old = params![series, width, last_old, (most - rows) as i64];
        rows += conn.prepare_cached(buckets)?.execute(old)?;
        if rows >= most {
            return Ok(Trimmed { rows, more: true });
        }
    }
    Ok(Trimmed { rows, more: false })
}
