//! Reading columns whatever somebody wrote into them: what cannot be read harms its row, and nothing beside it.

use store::rusqlite::{Result, Row};

/// A column's text, with a mark for each byte that belongs to none.
pub(crate) fn text(row: &Row<'_>, at: usize) -> Result<Option<String>> {
    let bytes = row.get_ref(at)?.as_bytes_or_null()?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

/// A column's number, within what a count can be.
pub(crate) fn number(row: &Row<'_>, at: usize) -> Result<u32> {
    Ok(u32::try_from(row.get::<_, i64>(at)?.max(0)).unwrap_or(u32::MAX))
}
