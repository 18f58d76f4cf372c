use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{Builder, JoinHandle};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::recorder::Recorder;
use crate::request::Request;
use crate::stats::Kind;
use crate::watch::{Watch, watch};
use crate::{Config, StoreError, connect};

/// Threads that read, each with a connection of its own, started when needed and ended when idle.
pub(crate) struct Readers {
    /// One permit per connection; they are handed out in the order asked for.
    permits: Arc<Semaphore>,
    pool: Arc<Pool>,
}

struct Pool {
    path: PathBuf,
    config: Config,
    recorder: Arc<Recorder>,
    /// Who exists and who is idle. Held for moments only, never while SQL runs.
    crew: Mutex<Crew>,
}

#[derive(Default)]
struct Crew {
    threads: HashMap<u64, Reader>,
    /// The last to finish is the first to work again, so that the others can grow old and close.
    idle: Vec<u64>,
    next_id: u64,
    closed: bool,
}

struct Reader {
    /// Carries one job at a time: it is used only after taking the reader off `idle`.
    inbox: Sender<Job>,
    thread: JoinHandle<()>,
}

struct Job {
    request: Box<dyn Request>,
    permit: OwnedSemaphorePermit,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, config: Config, recorder: Arc<Recorder>) -> Readers {
        let permits = Arc::new(Semaphore::new(config.max_readers));
        Readers { permits, pool: Arc::new(Pool { path, config, recorder, crew: Mutex::default() }) }
    }

    /// Waits for the right to use a connection. Dropping the future gives up the place in the line.
    pub(crate) async fn permit(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => return Ok(permit),
            Err(TryAcquireError::Closed) => return Err(StoreError::Closed),
            Err(TryAcquireError::NoPermits) => {}
        }
        let (bound, patience) = (self.pool.config.read_queue, self.pool.config.reader_wait);
        let Some(mut waiting) = self.pool.recorder.begin_wait(bound) else {
            return Err(StoreError::QueueFull { bound });
        };
        match tokio::time::timeout(patience, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(permit) => permit.map_err(|_| StoreError::Closed),
            Err(_) => {
                waiting.timed_out = true;
                Err(StoreError::PoolExhausted { waited: patience })
            }
        }
    }

    /// Hands a request to an idle reader, or to a new one; the permit says that one of the two exists.
    pub(crate) fn dispatch(&self, mut request: Box<dyn Request>, permit: OwnedSemaphorePermit) {
        let mut crew = self.pool.crew();
        if crew.closed {
            drop(crew);
            return request.answer();
        }
        let id = match crew.idle.pop() {
            Some(id) => id,
            None => match self.pool.start(&mut crew) {
                Ok(id) => id,
                Err(source) => {
                    drop(crew);
                    request.refuse(StoreError::Io { path: self.pool.path.clone(), source });
                    return request.answer();
                }
            },
        };
        // A reader ends by taking itself out of `threads` under this lock, so the one found still listens.
        if let Some(reader) = crew.threads.get(&id) {
            let _ = reader.inbox.send(Job { request, permit });
        }
    }

    pub(crate) fn open(&self) -> usize {
        self.pool.crew().threads.len()
    }

    pub(crate) fn busy(&self) -> usize {
        self.pool.config.max_readers - self.permits.available_permits().min(self.pool.config.max_readers)
    }

    /// Refuses new reads and lets idle readers end; those at work finish first.
    pub(crate) fn shut(&self) -> Vec<JoinHandle<()>> {
        self.permits.close();
        let mut crew = self.pool.crew();
        crew.closed = true;
        crew.idle.clear();
        crew.threads.drain().map(|(_, reader)| reader.thread).collect()
    }
}

impl Pool {
    fn crew(&self) -> MutexGuard<'_, Crew> {
        self.crew.lock().expect("nothing panics while it holds this lock")
    }

    fn start(self: &Arc<Pool>, crew: &mut Crew) -> std::io::Result<u64> {
        let (id, (inbox, jobs), pool) = (crew.next_id, channel(), Arc::clone(self));
        let thread = Builder::new().name("eider-db-read".into()).spawn(move || pool.read(id, &jobs))?;
        crew.next_id += 1;
        crew.threads.insert(id, Reader { inbox, thread });
        Ok(id)
    }

    /// The life of one reader thread.
    fn read(&self, id: u64, jobs: &Receiver<Job>) {
        let mut conn = None;
        while let Some(Job { mut request, permit }) = self.next_job(id, jobs) {
            let seen = match self.serve(&mut conn, &mut *request) {
                Ok(seen) => Some(seen),
                Err(error) => {
                    request.refuse(error);
                    None
                }
            };
            self.recorder.record(Kind::Read, &*request, conn.as_ref().zip(seen));
            // Idle before the permit is free: whoever gets it must find this reader, not start one more.
            self.rest(id);
            drop(permit);
            request.answer();
        }
    }

    /// Runs one read on a snapshot of the database; an error means that it was not begun.
    fn serve(&self, conn: &mut Option<Connection>, request: &mut dyn Request) -> Result<Watch, StoreError> {
        if conn.is_none() {
            *conn = Some(connect::reader(&self.path, self.config.busy_timeout)?);
        }
        let conn = conn.as_ref().expect("opened above");
        let tx = connect::begin(conn, TransactionBehavior::Deferred, self.config.busy_retries)?;
        Ok(watch(&tx, || request.run(&tx)))
    }

    fn rest(&self, id: u64) {
        let mut crew = self.crew();
        if !crew.closed {
            crew.idle.push(id);
        }
    }

    /// Waits for work; `None` after idling too long, or when the store closes.
    fn next_job(&self, id: u64, jobs: &Receiver<Job>) -> Option<Job> {
        match jobs.recv_timeout(self.config.reader_idle) {
            Ok(job) => Some(job),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                let mut crew = self.crew();
                match crew.idle.iter().position(|idle| *idle == id) {
                    Some(at) => {
                        crew.idle.remove(at);
                        crew.threads.remove(&id);
                        None
                    }
                    None => {
                        // Taken off `idle` in this very moment: the job is on its way.
                        drop(crew);
                        jobs.recv().ok()
                    }
                }
            }
        }
    }
}
