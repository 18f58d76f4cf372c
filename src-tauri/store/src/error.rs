use std::path::PathBuf;
use std::time::Duration;

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::{ConfigError, MigrationProblem};

/// Why a call to the store was not done, by what the caller can do about it.
///
/// An error of [`write`](crate::Store::write) means that nothing of that call was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another connection held the file's lock through the busy timeout and every retry.
    #[error("the database is busy: another connection holds its lock; try again")]
    Busy,
    /// No read connection came free in time.
    #[error("no read connection came free within {waited:?}; try again later")]
    PoolExhausted {
        /// How long the call waited: [`Config::reader_wait`](crate::Config::reader_wait).
        waited: Duration,
    },
    /// As many calls as allowed are waiting already; this one was not queued.
    #[error("{bound} database calls are waiting already; try again later")]
    QueueFull {
        /// The bound that was reached.
        bound: usize,
    },
    /// There is no room left; calls succeed again once there is.
    #[error("the disk is full: free some space, then try again")]
    Full,
    /// The file is damaged. The next [`Store::open`](crate::Store::open) checks it and sets it aside.
    #[error("the database file is damaged; restart to set it aside and begin a new one")]
    Corrupt,
    /// The store is closed, or its writer has ended.
    #[error("the database is closed")]
    Closed,
    /// The closure panicked; its changes were rolled back and everybody else went on.
    #[error("the query `{name}` panicked and was rolled back")]
    Panicked {
        /// The name the call was made under.
        name: &'static str,
    },
    /// A closure of the same group ended the transaction it shares; what was kept is unknown.
    #[error("the query `{name}` ended the transaction it was lent")]
    TransactionEnded {
        /// The name of the call that did it.
        name: &'static str,
    },
    /// The tables could not be brought to the form this program needs.
    #[error("the tables of `{owner}` could not be prepared (step {step}): {problem}")]
    Migration {
        /// The crate the tables belong to.
        owner: String,
        /// The step concerned, counted from 1.
        step: u32,
        /// What is wrong with it.
        problem: MigrationProblem,
    },
    /// A value of the configuration is outside its range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file could not be moved, or a thread not started.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file concerned.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Anything else SQLite or its binding reports: a constraint, a wrong statement, a wrong type.
    #[error(transparent)]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy) => StoreError::Busy,
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt,
            _ => StoreError::Sqlite(error),
        }
    }
}

impl StoreError {
    /// The same refusal for the next caller of a group that failed as a whole.
    ///
    /// SQLite's errors cannot be cloned; the code and the text of this one are what a caller acts on.
    pub(crate) fn for_another_caller(&self) -> StoreError {
        match self {
            StoreError::Busy => StoreError::Busy,
            StoreError::Full => StoreError::Full,
            StoreError::Corrupt => StoreError::Corrupt,
            StoreError::Closed => StoreError::Closed,
            StoreError::TransactionEnded { name } => StoreError::TransactionEnded { name },
            other => {
                let code = match other {
                    StoreError::Sqlite(error) => error.sqlite_error().map(|e| e.extended_code),
                    _ => None,
                };
                let code = ffi::Error::new(code.unwrap_or(ffi::SQLITE_ABORT_ROLLBACK));
                StoreError::Sqlite(rusqlite::Error::SqliteFailure(code, Some(other.to_string())))
            }
        }
    }
}
