//! Single flight: concurrent misses of one key share one computation.
//!
//! The computation is a task of its own. Every caller, the first too, only waits for its outcome, so a dropped
//! caller cancels nothing; a panic is an error to all; a deadline frees the key from a hung source.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ComputeError;
use crate::entry::Meta;
use crate::name::FullKey;

pub(crate) type Outcome<V, E> = Result<V, ComputeError<E>>;
/// Holds `None` until the flight has landed.
pub(crate) type Landing<V, E> = watch::Receiver<Option<Outcome<V, E>>>;
/// Two calls share a flight only if they expect the same types from it.
type FlightKey = (FullKey, TypeId);

struct Open {
    /// Tells this flight from a later one of the same key.
    stamp: u64,
    meta: Arc<Meta>,
    /// A [`Landing`] of the types that the key names.
    landing: Box<dyn Any + Send>,
}

/// All computations under way.
#[derive(Default)]
pub(crate) struct Flights {
    /// Guards the list of open flights; held for look-ups and single inserts only.
    open: Mutex<HashMap<FlightKey, Open>>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Flights {
    /// Joins the open flight of this key if `joinable` accepts it, else starts `compute` as a new one.
    ///
    /// `compute` must have stored its value before it returns: the key is freed right after.
    pub(crate) fn join_or_start<V, E, Fut>(
        self: &Arc<Self>,
        key: FullKey,
        meta: Arc<Meta>,
        limit: Duration,
        joinable: impl FnOnce(&Meta) -> bool,
        compute: impl FnOnce() -> Fut,
    ) -> Landing<V, E>
    where
        V: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Outcome<V, E>> + Send + 'static,
    {
        let key = (key, TypeId::of::<(V, E)>());
        let mut open = self.lock();
        if let Some(flight) = open.get(&key)
            && joinable(&flight.meta)
            && let Some(landing) = flight.landing.downcast_ref::<Landing<V, E>>()
        {
            return landing.clone();
        }
        let (land, landing) = watch::channel(None);
        if self.closing.is_cancelled() {
            land.send_replace(Some(Err(ComputeError::Closed)));
            return landing;
        }
        let stamp = meta.stamp;
        open.insert(key.clone(), Open { stamp, meta, landing: Box::new(landing.clone()) });
        drop(open);

        let (flights, compute) = (Arc::clone(self), compute());
        self.tasks.spawn(async move {
            let bounded = tokio::time::timeout(limit, AssertUnwindSafe(compute).catch_unwind());
            let outcome = tokio::select! {
                outcome = bounded => match outcome {
                    Ok(Ok(outcome)) => outcome,
                    Ok(Err(_panic)) => Err(ComputeError::Panicked),
                    Err(_elapsed) => Err(ComputeError::TimedOut(limit)),
                },
                () = flights.closing.cancelled() => Err(ComputeError::Closed),
            };
            flights.close_flight(&key, stamp);
            land.send_replace(Some(outcome));
        });
        landing
    }

    fn close_flight(&self, key: &FlightKey, stamp: u64) {
        let mut open = self.lock();
        if open.get(key).is_some_and(|flight| flight.stamp == stamp) {
            open.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FlightKey, Open>> {
        self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Ends every computation and waits until the last has ended; later ones are refused.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
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
