use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::trace::TraceEventCodes;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::{Config, Durability, StoreError, watch};

/// The writer's page cache. Readers take a quarter: ten of 32 MB each would be too much for a desktop.
const WRITER_CACHE_KIB: i64 = 32_000;
const READER_CACHE_KIB: i64 = 8_000;
/// The write-ahead log is cut back to this size once it was copied into the file.
const JOURNAL_LIMIT_BYTES: i64 = 16 << 20;
const CACHED_STATEMENTS: usize = 128;

/// Opens the connection that writes, creating the file if there is none.
///
/// It does not touch the write-ahead log on closing until [`trust`] is called: a damaged file must stay
/// as it was found.
pub(crate) fn writer(path: &Path, config: &Config) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(config.busy_timeout)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = match config.durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    conn.pragma_update(None, "synchronous", synchronous)?;
    // Steps may rebuild a table that others refer to; `trust` switches them on.
    conn.pragma_update(None, "foreign_keys", false)?;
    conn.pragma_update(None, "journal_size_limit", JOURNAL_LIMIT_BYTES)?;
    common(&conn, WRITER_CACHE_KIB)?;
    Ok(conn)
}

/// Puts a connection to work whose file was found sound and up to date.
pub(crate) fn trust(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map(drop)
}

/// Opens a connection that can only read.
pub(crate) fn reader(path: &Path, busy_timeout: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(busy_timeout)?;
    conn.pragma_update(None, "query_only", true)?;
    common(&conn, READER_CACHE_KIB)?;
    Ok(conn)
}

fn common(conn: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    conn.pragma_update(None, "cache_size", -cache_kib)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    let events = TraceEventCodes::SQLITE_TRACE_PROFILE | TraceEventCodes::SQLITE_TRACE_ROW;
    conn.trace_v2(events, Some(watch::on_event));
    Ok(())
}

/// Begins a transaction, trying again while another connection holds the lock.
///
/// A deferred one is also made to take its snapshot, so that nothing after it meets a lock.
pub(crate) fn begin(
    conn: &Connection,
    behavior: TransactionBehavior,
    retries: u32,
) -> Result<Transaction<'_>, StoreError> {
    let deferred = matches!(behavior, TransactionBehavior::Deferred);
    let mut left = retries;
    loop {
        let begun = Transaction::new_unchecked(conn, behavior).and_then(|tx| {
            if deferred {
                tx.prepare_cached("SELECT 1 FROM sqlite_schema LIMIT 1")?.exists([])?;
            }
            Ok(tx)
        });
        match begun.map_err(StoreError::from) {
            Err(StoreError::Busy) if left > 0 => left -= 1,
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    static TRIES: AtomicU32 = AtomicU32::new(0);

    /// SQLite asks this once per try, since it is told at once not to wait.
    fn count_try(_: i32) -> bool {
        TRIES.fetch_add(1, Ordering::Relaxed);
        false
    }

    #[test]
    fn a_held_lock_is_tried_again_as_often_as_configured() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.db");
        // Without a write-ahead log an exclusive lock keeps readers out too.
        let holder = Connection::open(&path).unwrap();
        holder.execute_batch("CREATE TABLE a(b); BEGIN EXCLUSIVE").unwrap();
        let conn = Connection::open(&path).unwrap();
        conn.busy_handler(Some(count_try)).unwrap();
        for behavior in [TransactionBehavior::Deferred, TransactionBehavior::Immediate] {
            for retries in [0, 3] {
                TRIES.store(0, Ordering::Relaxed);
                let refused = begin(&conn, behavior, retries).map(drop).unwrap_err();
                assert!(matches!(refused, StoreError::Busy), "{refused}");
                assert_eq!(TRIES.load(Ordering::Relaxed), retries + 1);
                assert!(conn.is_autocommit(), "no transaction is left behind");
            }
        }
        holder.execute_batch("COMMIT").unwrap();
        begin(&conn, TransactionBehavior::Deferred, 0).unwrap();
    }
}
