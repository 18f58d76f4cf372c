use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::StoreError;
use crate::migrate::now_ms;

/// A damaged database that was moved out of the way; a new one has taken its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Where it is now, with its `-wal` and `-shm` beside it.
    pub moved_to: PathBuf,
    /// What was found wrong with it, in SQLite's words.
    pub reason: String,
}

/// Looks at the whole file; `Some` says what is wrong with it.
pub(crate) fn quick_check(conn: &Connection) -> rusqlite::Result<Option<String>> {
    let verdict: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((verdict != "ok").then_some(verdict))
}

/// Renames the file and its companions to `<name>.damaged-<unix ms>`; nothing is ever deleted.
///
/// The log goes first: were the process to die in between, a log left behind would be discarded by the
/// new database.
pub(crate) fn set_aside(path: &Path, reason: String) -> Result<SetAside, StoreError> {
    let mut at_ms = now_ms();
    let moved_to = loop {
        let target = beside(path, &format!(".damaged-{at_ms}"));
        if !target.exists() {
            break target;
        }
        at_ms += 1;
    };
    for companion in ["-wal", "-shm", ""] {
        let from = beside(path, companion);
        match fs::rename(&from, beside(&moved_to, companion)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            other => other.map_err(|source| StoreError::Io { path: from, source })?,
        }
    }
    tracing::error!(path = %path.display(), moved_to = %moved_to.display(), %reason, "a damaged database was set aside");
    Ok(SetAside { moved_to, reason })
}

/// Leaves a note that the file was found damaged while in use, so that the next opening checks it.
pub(crate) fn suspect(path: &Path) {
    let note = beside(path, ".suspect");
    if let Err(error) = File::create(&note) {
        tracing::warn!(%error, path = %note.display(), "a damaged database could not be marked for checking");
    }
}

pub(crate) fn is_suspect(path: &Path) -> bool {
    beside(path, ".suspect").exists()
}

/// Forgets the suspicion, once the file was checked or replaced.
pub(crate) fn clear_suspicion(path: &Path) {
    let note = beside(path, ".suspect");
    if note.exists()
        && let Err(error) = fs::remove_file(&note)
    {
        tracing::warn!(%error, path = %note.display(), "this note could not be removed; every start will check the database");
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
