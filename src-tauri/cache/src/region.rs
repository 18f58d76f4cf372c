//! The calls: a region is what users of the cache hold.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Core, Found};
use crate::entry::{Cached, Meta};
use crate::flight::landed;
use crate::name::{FullKey, check_key, check_tags};
use crate::stats::Counters;
use crate::{CacheError, Class, ComputeError, Hit, Level};

/// A named area of the cache: its keys, its counters, and a clear of its own. Cloning it is cheap.
#[derive(Clone)]
pub struct Region {
    pub(crate) name: Arc<str>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) core: Arc<Core>,
}

impl Region {
    /// The region's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The fresh value of this key.
    pub async fn get<T: Cached>(&self, key: &str) -> Option<Hit<T>> {
        match self.find(key).await {
            Found::Fresh(hit) => Some(hit),
            Found::Stale(..) | Found::Nothing => None,
        }
    }

    /// The value of this key, fresh or within the time that its class lets it serve stale.
    pub async fn get_even_stale<T: Cached>(&self, key: &str) -> Option<Hit<T>> {
        match self.find(key).await {
            Found::Fresh(hit) => Some(hit),
            Found::Stale(hit, _) => {
                self.counters.served_stale();
                Some(hit)
            }
            Found::Nothing => None,
        }
    }

    async fn find<T: Cached>(&self, key: &str) -> Found<T> {
        self.counters.read_started();
        if check_key(key).is_err() {
            return Found::Nothing;
        }
        self.core.look_up(&self.full(key), &self.counters).await
    }

    /// Sets the value; it was made just now.
    ///
    /// # Errors
    /// [`CacheError::OutOfBounds`] for the key, the tags, the class or the encoded size. A level that fails is
    /// passed over and counted, not an error.
    pub async fn set<T: Cached>(
        &self,
        key: &str,
        value: T,
        class: &Class,
        tags: &[&str],
    ) -> Result<(), CacheError> {
        self.set_as_of(key, value, class, tags, self.core.clock.now().wall_ms).await
    }

    /// Sets a value that was made at `created_at_ms`; its life counts from then.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn set_as_of<T: Cached>(
        &self,
        key: &str,
        value: T,
        class: &Class,
        tags: &[&str],
        created_at_ms: i64,
    ) -> Result<(), CacheError> {
        self.check(key, class, tags)?;
        let stamp = self.core.marks.next_stamp(self.core.clock.now().wall_ms);
        let meta = Meta::new(class, created_at_ms, stamp, tags);
        self.core.store(&self.full(key), &meta, Arc::new(value), &self.counters).await
    }

    /// The fresh value of this key, or else the outcome of `compute`, which runs once however many ask.
    ///
    /// The computation goes on when its callers are dropped. Where it fails, or takes longer than the class's
    /// soft timeout, a stale value serves instead if there is one that was not invalidated meanwhile.
    ///
    /// # Errors
    /// [`ComputeError`], where there is no value at all.
    pub async fn get_or_compute<T, E, F, Fut>(
        &self,
        key: &str,
        class: &Class,
        tags: &[&str],
        compute: F,
    ) -> Result<Hit<T>, ComputeError<E>>
    where
        T: Cached,
        E: Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.check(key, class, tags)?;
        self.counters.read_started();
        let key = self.full(key);
        let stale = match self.core.look_up::<T>(&key, &self.counters).await {
            Found::Fresh(hit) => return Ok(hit),
            Found::Stale(hit, meta) => Some((hit, meta)),
            Found::Nothing => None,
        };
        if let Some((hit, _)) = &stale
            && self.failed_lately(&key, class.retry_after_failure)
        {
            self.counters.served_stale();
            return Ok(hit.clone());
        }
        self.counters.went_to_origin();
        let flight = self.fly(&key, class, tags, compute);
        match stale {
            None => landed(flight).await,
            Some((hit, meta)) => match tokio::time::timeout(class.soft_timeout, landed(flight)).await {
                Ok(Ok(newer)) => Ok(newer),
                _ if self.core.still_valid(&key, &meta) => {
                    self.counters.served_stale();
                    Ok(hit)
                }
                Ok(Err(error)) => Err(error),
                Err(_elapsed) => Err(ComputeError::TimedOut(class.soft_timeout)),
            },
        }
    }

    fn fly<T, E, F, Fut>(
        &self,
        key: &FullKey,
        class: &Class,
        tags: &[&str],
        compute: F,
    ) -> crate::flight::Landing<Hit<T>, E>
    where
        T: Cached,
        E: Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let core = &self.core;
        let stamp = core.marks.next_stamp(core.clock.now().wall_ms);
        let meta = Arc::new(Meta::new(class, 0, stamp, tags));
        let joinable = |open: &Meta| core.still_valid(key, open);
        let start = || {
            let (region, key, meta, compute) = (self.clone(), key.clone(), Arc::clone(&meta), compute());
            async move {
                // The flight of another caller may have landed between our look-up and our start; what it brought
                // stands in memory before its key is freed.
                if let Some(hit) = region.core.fresh_in_memory::<T>(&key) {
                    return Ok(hit);
                }
                region.counters.computation_started();
                let watch = FailureWatch { region: &region, key: &key, succeeded: false };
                let value = Arc::new(compute.await.map_err(|error| ComputeError::Failed(Arc::new(error)))?);
                let created_at_ms = region.core.clock.now().wall_ms;
                let meta = Meta { created_at_ms, ..(*meta).clone() };
                region.core.store(&key, &meta, Arc::clone(&value), &region.counters).await?;
                watch.succeeded();
                Ok(Hit { value, created_at_ms, level: Level::Origin, stale: false })
            }
        };
        core.flights.join_or_start(key.clone(), Arc::clone(&meta), class.hard_timeout, joinable, start)
    }

    fn failed_lately(&self, key: &FullKey, pause: Duration) -> bool {
        let now = self.core.clock.now().mono_ms;
        self.core.failed.get(key).is_some_and(|at| now.saturating_sub(at) < pause.as_millis() as u64)
    }

    /// Removes the key at every level; what was being computed for it is not stored.
    ///
    /// # Errors
    /// [`CacheError::OutOfBounds`] for the key; [`CacheError::NotDurable`] where the removal holds in this
    /// process but could not be written.
    pub async fn remove(&self, key: &str) -> Result<(), CacheError> {
        check_key(key)?;
        self.core.remove(&self.full(key)).await
    }

    /// Removes every key of this region, and none of any other; one durable mark.
    ///
    /// # Errors
    /// [`CacheError::NotDurable`] where the mark holds in this process but could not be written.
    pub async fn clear(&self) -> Result<(), CacheError> {
        self.core.clear(&self.name).await
    }

    fn full(&self, key: &str) -> FullKey {
        FullKey { region: Arc::clone(&self.name), key: Arc::from(key) }
    }

    fn check(&self, key: &str, class: &Class, tags: &[&str]) -> Result<(), CacheError> {
        check_key(key)?;
        check_tags(tags)?;
        class.check()
    }
}

/// Counts a computation that ends in any way but success: an error, a panic, a deadline, the end of the engine.
struct FailureWatch<'a> {
    region: &'a Region,
    key: &'a FullKey,
    succeeded: bool,
}

impl FailureWatch<'_> {
    fn succeeded(mut self) {
        self.succeeded = true;
        self.region.core.failed.invalidate(self.key);
    }
}

impl Drop for FailureWatch<'_> {
    fn drop(&mut self) {
        if !self.succeeded {
            self.region.counters.computation_failed();
            self.region.core.failed.insert(self.key.clone(), self.region.core.clock.now().mono_ms);
        }
    }
}
