use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, Transaction};

use crate::damage::{self, SetAside};
use crate::readers::Readers;
use crate::recorder::Recorder;
use crate::request::{Request, request};
use crate::writer::{CHECKPOINT_AFTER, GATHER, Writer};
use crate::{Config, Durability, Migrations, Stats, StoreError, connect, migrate};

/// One database file: a thread that writes, a few that read, and the figures about both.
///
/// Clones share it. After the last one is dropped without [`close`](Store::close), accepted writes are
/// still made, in the background.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.recorder.path()).finish_non_exhaustive()
    }
}

/// What [`Store::open`] found and made.
#[derive(Debug)]
pub struct Opened {
    /// The store, ready for use.
    pub store: Store,
    /// The damaged file that had to be moved out of the way, if there was one: worth telling the user.
    pub set_aside: Option<SetAside>,
}

struct Inner {
    readers: Readers,
    /// The way to the writer, until the store closes. Held only while sending, which never blocks.
    outbox: Mutex<Option<SyncSender<Box<dyn Request>>>>,
    write_queue: usize,
    recorder: Arc<Recorder>,
    /// The writer, until somebody awaited its end. Held during that wait, so that a second `close`
    /// returns no earlier than the first.
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the file, creating it if there is none, and brings its tables up to date. Blocks.
    ///
    /// A file that is damaged (it is no database, or SQLite finds it malformed while opening, upgrading
    /// or, with [`Config::quick_check`], checking it) is renamed and a new one takes its place; see
    /// [`Opened::set_aside`].
    ///
    /// # Errors
    /// [`StoreError::Config`], [`StoreError::Migration`], [`StoreError::Busy`], [`StoreError::Full`],
    /// [`StoreError::Io`], or [`StoreError::Sqlite`] when the file cannot be opened. The file is then as
    /// it was.
    pub fn open(path: &Path, migrations: &[Migrations], config: Config) -> Result<Opened, StoreError> {
        config.validate()?;
        let (conn, set_aside) = match prepare(path, migrations, &config)? {
            Ok(conn) => (conn, None),
            Err(reason) => {
                let set_aside = damage::set_aside(path, reason)?;
                let conn = prepare(path, migrations, &config)?.map_err(|_| StoreError::Corrupt)?;
                (conn, Some(set_aside))
            }
        };
        damage::clear_suspicion(path);
        Ok(Opened { store: Store::start(path.to_owned(), conn, config)?, set_aside })
    }

    fn start(path: PathBuf, conn: Connection, config: Config) -> Result<Store, StoreError> {
        let recorder = Arc::new(Recorder::new(path.clone(), config.slow_query));
        let write_queue = config.write_queue;
        let (outbox, inbox) = sync_channel(write_queue);
        let writer = Writer {
            conn,
            inbox,
            group_limit: config.group_limit,
            busy_retries: config.busy_retries,
            checkpoint_after: CHECKPOINT_AFTER,
            gather: if config.durability == Durability::Full { GATHER } else { Duration::ZERO },
            recorder: Arc::clone(&recorder),
        };
        let thread = Builder::new()
            .name("eider-db-write".into())
            .spawn(move || writer.run())
            .map_err(|source| StoreError::Io { path: path.clone(), source })?;
        let inner = Inner {
            readers: Readers::new(path, config, Arc::clone(&recorder)),
            outbox: Mutex::new(Some(outbox)),
            write_queue,
            recorder,
            writer: Mutex::new(Some(thread)),
        };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// Runs `work` on the writer thread and returns once its changes are durable.
    ///
    /// Calls that wait at the same moment share one commit. An error or a panic of `work` undoes its own
    /// changes and nobody else's. `work` must neither end the transaction nor leave deferred constraints
    /// unmet: both would fail the whole group. All other writes wait for it, so it should do SQL only, and
    /// never wait for another write.
    ///
    /// Once polled, the write happens even if the future is dropped: only its answer is lost.
    ///
    /// # Errors
    /// What `work` returned, [`StoreError::Panicked`], [`StoreError::QueueFull`], [`StoreError::Closed`],
    /// or the error of the commit. In each case nothing of this call was kept.
    pub async fn write<T, F>(&self, name: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (request, answer) = request(name, work);
        self.inner.enqueue(request)?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Runs `work` on a read connection, on one snapshot of the database for all of its statements.
    ///
    /// The snapshot holds every write acknowledged before it. Statements that change anything fail.
    /// Needs a tokio runtime with time. A future dropped while waiting leaves the line; once `work` has
    /// begun it runs to its end and its answer is lost.
    ///
    /// # Errors
    /// What `work` returned, [`StoreError::Panicked`], [`StoreError::PoolExhausted`] after
    /// [`Config::reader_wait`], [`StoreError::QueueFull`], [`StoreError::Busy`] or [`StoreError::Closed`].
    pub async fn read<T, F>(&self, name: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = self.inner.readers.permit().await?;
        let (request, answer) = request(name, |tx: &Transaction<'_>| work(tx));
        self.inner.readers.dispatch(request, permit);
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// What the store has done so far. Cheap enough for once a second.
    pub fn stats(&self) -> Stats {
        self.inner.recorder.stats(self.inner.readers.open(), self.inner.readers.busy())
    }

    /// Refuses new calls, finishes those accepted, tidies up the file and closes it. Twice is fine.
    ///
    /// Dropping the future stops the waiting, not the closing.
    pub async fn close(&self) {
        let inner = Arc::clone(&self.inner);
        let closing = tokio::task::spawn_blocking(move || inner.close());
        // An error means that the runtime itself is ending, which abandons the wait.
        let _ = closing.await;
    }
}

/// Opens and upgrades the file; the inner `Err` says why it has to be set aside.
fn prepare(
    path: &Path,
    migrations: &[Migrations],
    config: &Config,
) -> Result<Result<Connection, String>, StoreError> {
    let opened = connect::writer(path, config).and_then(|conn| {
        let check = config.quick_check || damage::is_suspect(path);
        let wrong = if check { damage::quick_check(&conn)? } else { None };
        Ok(wrong.map_or(Ok(conn), Err))
    });
    let mut conn = match opened {
        Ok(Ok(conn)) => conn,
        Ok(Err(reason)) => return Ok(Err(reason)),
        Err(error) => {
            let reason = error.to_string();
            return match StoreError::from(error) {
                StoreError::Corrupt => Ok(Err(reason)),
                other => Err(other),
            };
        }
    };
    match migrate::apply(&mut conn, migrations) {
        Ok(()) => {
            connect::trust(&conn)?;
            Ok(Ok(conn))
        }
        Err(StoreError::Corrupt) => Ok(Err("malformed, found while preparing its tables".into())),
        Err(other) => Err(other),
    }
}

impl Inner {
    fn enqueue(&self, request: Box<dyn Request>) -> Result<(), StoreError> {
        let outbox = self.outbox.lock().expect("nothing panics while it holds this lock");
        let outbox = outbox.as_ref().ok_or(StoreError::Closed)?;
        self.recorder.joined_queue();
        outbox.try_send(request).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                self.recorder.refused_by_queue();
                StoreError::QueueFull { bound: self.write_queue }
            }
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }

    fn close(&self) {
        // New writes are refused from here on; the writer ends when `outbox` is dropped. It does so last,
        // since it can only cut back the log once nobody reads it.
        let outbox = self.outbox.lock().expect("nothing panics while it holds this lock").take();
        for reader in self.readers.shut() {
            let _ = reader.join();
        }
        drop(outbox);
        let mut writer = self.writer.lock().expect("joining a thread does not panic");
        if let Some(writer) = writer.take() {
            let _ = writer.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Threads end by themselves when nobody can send to them any more.
        self.readers.shut();
    }
}
