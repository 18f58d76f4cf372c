use store::StoreError;
use store::rusqlite::{Connection, OptionalExtension, params};

use crate::model::SeriesKey;

/// The row of a series, where it has one.
pub(super) fn find(conn: &Connection, key: &SeriesKey) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT id FROM price_series WHERE source = ?1 AND token = ?2 AND currency = ?3";
    let mut statement = conn.prepare_cached(sql)?;
    let found =
        statement.query_row(params![key.source, key.token.as_str(), key.currency.as_str()], |row| row.get(0));
    Ok(found.optional()?)
}

/// The row of a series, made where it has none.
pub(super) fn find_or_make(conn: &Connection, key: &SeriesKey) -> Result<i64, StoreError> {
    if let Some(id) = find(conn, key)? {
        return Ok(id);
    }
    let sql = "INSERT INTO price_series (source, token, currency) VALUES (?1, ?2, ?3)";
    conn.prepare_cached(sql)?.execute(params![key.source, key.token.as_str(), key.currency.as_str()])?;
    Ok(conn.last_insert_rowid())
}
