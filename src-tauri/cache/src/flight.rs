//! Single flight: concurrent misses of one key share one computation.
//!
//! The computation is a task of its own. Every caller, the first too, only waits for its outcome, so a dropped
//! caller cancels nothing; a panic is an error to all; a deadline frees the key from a hung source. A write or a
//! removal overtakes what is in flight for its key: nobody joins it any more, and what it brings is not kept.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use foldhash::fast::RandomState;
use futures::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ComputeError;
use crate::marks::Cell;
use crate::name::Key;

pub(crate) type Outcome<V, E> = Result<V, ComputeError<E>>;
/// Holds `None` until the flight has landed.
pub(crate) type Landing<V, E> = watch::Receiver<Option<Outcome<V, E>>>;

/// What identifies a flight, and what can make it worthless.
#[derive(Clone)]
pub(crate) struct Ticket {
    /// The moment it started, on the scale of the marks.
    pub(crate) stamp: u64,
    /// The marks of its region and tags.
    pub(crate) marks: Arc<[Arc<Cell>]>,
}

impl Ticket {
    fn valid(&self, floor: u64) -> bool {
        self.stamp > floor && self.marks.iter().all(|mark| self.stamp > mark.stamp())
    }
}

struct Open {
    ticket: Ticket,
    /// Two calls share a flight only if they expect the same types from it.
    types: TypeId,
    /// A [`Landing`] of those types.
    landing: Box<dyn Any + Send>,
    overtaken: bool,
}

/// All computations under way.
#[derive(Default)]
pub(crate) struct Flights {
    /// Guards the open flights of each key; held for look-ups and single changes.
    open: Mutex<HashMap<Key, Vec<Open>, RandomState>>,
    /// The number of keys in it, so that a write takes no lock while nothing flies.
    keys: AtomicUsize,
    pub(crate) tasks: TaskTracker,
    pub(crate) closing: CancellationToken,
}

impl Flights {
    /// Joins the open flight of this key if it is still worth it, else starts `compute` as a new one.
    ///
    /// `compute` must have stored its value before it returns: the key is freed right after. `floor` is the mark
    /// that covers everything; `stamp` gives the moment of the start.
    pub(crate) fn join_or_start<V, E, Fut>(
        self: &Arc<Self>,
        key: &Key,
        marks: Arc<[Arc<Cell>]>,
        floor: u64,
        stamp: impl FnOnce() -> u64,
        limit: Duration,
        compute: impl FnOnce(Ticket) -> Fut,
    ) -> Landing<V, E>
    where
        V: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Outcome<V, E>> + Send + 'static,
    {
        let types = TypeId::of::<(V, E)>();
        let mut open = self.lock();
        let joinable =
            |flight: &&Open| flight.types == types && !flight.overtaken && flight.ticket.valid(floor);
        let flights = open.get(key).map(Vec::as_slice).unwrap_or_default();
        let landing = flights.iter().rev().find(joinable).map(|flight| &flight.landing);
        if let Some(landing) = landing.and_then(|landing| landing.downcast_ref::<Landing<V, E>>()) {
            return landing.clone();
        }
        let (land, landing) = watch::channel(None);
        if self.closing.is_cancelled() {
            land.send_replace(Some(Err(ComputeError::Closed)));
            return landing;
        }
        // Counted before its stamp is taken: a write with a later stamp then sees that there is something to tell.
        self.keys.store(open.len() + 1, Ordering::SeqCst);
        let ticket = Ticket { stamp: stamp(), marks };
        let flight =
            Open { ticket: ticket.clone(), types, landing: Box::new(landing.clone()), overtaken: false };
        open.entry(key.clone()).or_default().push(flight);
        drop(open);

        let ended = Ended { flights: Arc::clone(self), key: key.clone(), stamp: ticket.stamp };
        let compute = compute(ticket);
        self.tasks.spawn(async move {
            let bounded = tokio::time::timeout(limit, AssertUnwindSafe(compute).catch_unwind());
            let outcome = tokio::select! {
                outcome = bounded => match outcome {
                    Ok(Ok(outcome)) => outcome,
                    Ok(Err(_panic)) => Err(ComputeError::Panicked),
                    Err(_elapsed) => Err(ComputeError::TimedOut(limit)),
                },
                () = ended.flights.closing.cancelled() => Err(ComputeError::Closed),
            };
            drop(ended);
            land.send_replace(Some(outcome));
        });
        landing
    }

    /// Tells the flights of this key that started before `stamp` that something newer was written.
    pub(crate) fn overtake(&self, key: &Key, stamp: u64) {
        if self.keys.load(Ordering::SeqCst) == 0 {
            return;
        }
        for flight in self.lock().get_mut(key).into_iter().flatten() {
            flight.overtaken |= flight.ticket.stamp < stamp;
        }
    }

    /// Whether something newer was written since this flight started.
    pub(crate) fn is_overtaken(&self, key: &Key, stamp: u64) -> bool {
        let open = self.lock();
        let mut flights = open.get(key).into_iter().flatten();
        flights.any(|flight| flight.ticket.stamp == stamp && flight.overtaken)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Vec<Open>, RandomState>> {
        self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Ends every computation and waits until the last has ended; later ones are refused.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Takes its flight off the list when it ends, also where its runtime ends first.
struct Ended {
    flights: Arc<Flights>,
    key: Key,
    stamp: u64,
}

impl Drop for Ended {
    fn drop(&mut self) {
        let mut open = self.flights.lock();
        if let Some(flights) = open.get_mut(&self.key) {
            flights.retain(|flight| flight.ticket.stamp != self.stamp);
            if flights.is_empty() {
                open.remove(&self.key);
            }
        }
        self.flights.keys.store(open.len(), Ordering::SeqCst);
    }
}

/// Waits until the flight has landed.
pub(crate) async fn landed<V: Clone, E>(mut landing: Landing<V, E>) -> Outcome<V, E> {
    match landing.wait_for(Option::is_some).await {
        Ok(outcome) => outcome.clone().unwrap_or(Err(ComputeError::Closed)),
        // The task ended without an outcome, so its runtime is shutting down.
        Err(_) => Err(ComputeError::Closed),
    }
}
