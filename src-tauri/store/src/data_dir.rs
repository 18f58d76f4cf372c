use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process;

/// The folder that holds everything the program keeps, used by one process at a time.
///
/// The file `lock` in it is locked through the operating system while this value lives, so a process
/// that dies gives the folder back. The file's text (`<pid> running` or `<pid> clean`) is for the next
/// process: whom it collided with, and whether the last one ended in order.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    lock: File,
    was_clean: bool,
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process uses it.
    #[error("{} is in use by another running Eider{}; close that one first, or choose another --data-dir", path.display(), by(*pid))]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The process that holds it, where the system lets us read it.
        pid: Option<u32>,
    },
    /// It cannot be created or written.
    #[error("{} cannot be written ({source}); make it writable, or choose another --data-dir", path.display())]
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn by(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

impl DataDir {
    /// Creates the folder if need be (for its owner alone), takes it for this process and marks it as
    /// running.
    ///
    /// # Errors
    /// [`DataDirError::InUse`] while another `DataDir` holds it, in this process or in another one;
    /// [`DataDirError::NotWritable`] when the folder or a file in it cannot be created.
    pub fn open(path: &Path) -> Result<DataDir, DataDirError> {
        let not_writable = |source| DataDirError::NotWritable { path: path.to_owned(), source };
        create(path).map_err(not_writable)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut lock = options.open(path.join("lock")).map_err(not_writable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = read(&mut lock).ok().and_then(|text| parse(&text)).map(|(pid, _)| pid);
                return Err(DataDirError::InUse { path: path.to_owned(), pid });
            }
            Err(TryLockError::Error(source)) => return Err(not_writable(source)),
        }
        probe(path).map_err(not_writable)?;
        let text = read(&mut lock).map_err(not_writable)?;
        // Empty: the folder is new, since the mark is written before anything else can be.
        let was_clean = text.is_empty() || parse(&text).is_some_and(|(_, clean)| clean);
        let mut dir = DataDir { path: path.to_owned(), lock, was_clean };
        dir.mark("running").map_err(not_writable)?;
        Ok(dir)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the last process ended with [`close`](DataDir::close); also true for a new folder.
    pub fn was_clean(&self) -> bool {
        self.was_clean
    }

    /// Marks an end in order and gives the folder back; merely dropping the value leaves it "running".
    pub fn close(mut self) {
        if let Err(error) = self.mark("clean") {
            // The next start then checks the databases, which costs time but no data.
            tracing::warn!(%error, path = %self.path.display(), "the data directory could not be marked clean");
        }
    }

    /// Writes the mark in one piece of fixed length, so that no crash leaves half of it.
    fn mark(&mut self, state: &str) -> io::Result<()> {
        self.lock.rewind()?;
        self.lock.write_all(format!("{:>10} {state:<7}\n", process::id()).as_bytes())?;
        self.lock.sync_all()
    }
}

fn create(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Databases need files beside them: a writable lock file in a folder that is not helps nobody.
fn probe(path: &Path) -> io::Result<()> {
    let probe = path.join(format!("lock.probe-{}", process::id()));
    File::create(&probe)?;
    fs::remove_file(&probe)
}

fn read(lock: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    lock.rewind()?;
    lock.take(64).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn parse(text: &str) -> Option<(u32, bool)> {
    let (pid, state) = text.trim().split_once(' ')?;
    Some((pid.parse().ok()?, state.trim() == "clean"))
}
