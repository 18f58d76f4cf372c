//! The configuration file on disk: private to its owner, replaced as a whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::DEFAULT_TEXT;

/// Writes the commented defaults where there is no file yet.
pub(crate) fn create_if_missing(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    match open_private(path, OpenOptions::new().write(true).create_new(true)) {
        Ok(mut file) => file.write_all(DEFAULT_TEXT.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Replaces the file: a reader, or a crash, sees the old text or the new one, never a mixture.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("toml.new");
    let mut file = open_private(&beside, OpenOptions::new().write(true).create(true).truncate(true))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

/// The file can hold an API key.
#[cfg(unix)]
fn open_private(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600).open(path)
}

#[cfg(not(unix))]
fn open_private(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.open(path)
}
