//! What waits for the writer, in order. The writer takes a blocking thread of the runtime while there is
//! something to write, and none else.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::writer::Writer;
use crate::entry::Record;
use crate::name::FullKey;
use crate::tier::TierError;

/// The bytes that may wait; a caller beyond them waits for room.
const WAITING_MAX: usize = 64 << 20;
/// What a waiting request counts for at least.
const REQUEST: usize = 1 << 10;

pub(super) enum Work {
    Put(FullKey, Record),
    Remove(FullKey, u64, i64),
    Sweep(String, u64),
    Close,
}

struct Request {
    work: Work,
    done: oneshot::Sender<Result<(), TierError>>,
    _room: OwnedSemaphorePermit,
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<Request>,
    /// Whether a thread serves them; it ends only when none are left.
    served: bool,
    closed: bool,
}

pub(super) struct Queue {
    /// Guards what waits; held for single pushes and for taking all of it.
    waiting: Mutex<Waiting>,
    /// Guards the writer; only the serving thread takes it.
    writer: Mutex<Writer>,
    room: Arc<Semaphore>,
}

impl Queue {
    pub(super) fn new(writer: Writer) -> Self {
        Self {
            waiting: Mutex::default(),
            writer: Mutex::new(writer),
            room: Arc::new(Semaphore::new(WAITING_MAX)),
        }
    }

    /// Has the work done and waits for it. It is done even if the caller is dropped once it waits here.
    pub(super) async fn done(self: &Arc<Self>, work: Work) -> Result<(), TierError> {
        let bytes = match &work {
            Work::Put(_, record) => record.payload.len().clamp(REQUEST, WAITING_MAX),
            _ => REQUEST,
        };
        let room = Arc::clone(&self.room).acquire_many_owned(bytes as u32).await.map_err(|_| closed())?;
        let (done, outcome) = oneshot::channel();
        if self.push(Request { work, done, _room: room })? {
            let serving = Serving { queue: Arc::clone(self), ended: false };
            tokio::task::spawn_blocking(move || serving.run());
        }
        outcome.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Returns whether a thread has to be started.
    fn push(&self, request: Request) -> Result<bool, TierError> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(closed());
        }
        waiting.closed = matches!(request.work, Work::Close);
        waiting.requests.push_back(request);
        Ok(!std::mem::replace(&mut waiting.served, true))
    }

    /// All that waits. If that is nothing and there is nothing else to do either, the serving ends with it.
    fn take(&self, idle: bool) -> VecDeque<Request> {
        let mut waiting = self.waiting();
        let requests = std::mem::take(&mut waiting.requests);
        waiting.served = !(requests.is_empty() && idle);
        requests
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Serves the queue until nothing is left. Where the runtime ends before it has started, or the writer panics,
/// what waits is given up, so that no caller waits for ever.
struct Serving {
    queue: Arc<Queue>,
    ended: bool,
}

impl Serving {
    fn run(mut self) {
        let queue = Arc::clone(&self.queue);
        let mut writer = queue.writer.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        loop {
            let idle = !writer.sweep_step();
            let requests = queue.take(idle);
            if requests.is_empty() {
                if idle {
                    self.ended = true;
                    return;
                }
                continue;
            }
            let looked = writer.notice_lost_files();
            writer.log_failure(looked);
            for request in requests {
                let outcome = writer.work(request.work);
                // The caller may have gone.
                let _ = request.done.send(outcome);
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if !self.ended {
            let mut waiting = self.queue.waiting();
            waiting.requests.clear();
            waiting.served = false;
        }
    }
}

impl Writer {
    fn work(&mut self, work: Work) -> Result<(), TierError> {
        match work {
            Work::Put(key, record) => self.put(&key, &record)?,
            Work::Remove(key, stamp, now_ms) => self.remove(&key, stamp, now_ms)?,
            Work::Sweep(region, older_than) => self.plan_sweep(&region, older_than),
            Work::Close => self.seal()?,
        }
        Ok(())
    }
}

fn closed() -> TierError {
    TierError("the file level is closed".to_owned())
}
