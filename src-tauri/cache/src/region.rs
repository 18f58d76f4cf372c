//! The calls: a region is what users of the cache hold.

use std::sync::Arc;

use crate::areas::Area;
use crate::core::Core;
use crate::counters::Event;
use crate::entry::{Cached, Life, Traits};
use crate::marks::Scope;
use crate::name::{check_key, check_tags};
use crate::walk::Found;
use crate::write::{Made, Spot, Writer};
use crate::{CacheError, Class, Hit};

/// A named area of the cache: its keys, its counters, and a clear of its own. Cloning it is cheap.
#[derive(Clone)]
pub struct Region {
    pub(crate) area: Arc<Area>,
    pub(crate) core: Arc<Core>,
}

impl Region {
    /// The region's name.
    pub fn name(&self) -> &str {
        &self.area.name
    }

    /// The fresh value of this key.
    pub async fn get<T: Cached>(&self, key: &str) -> Option<Hit<T>> {
        let found = match self.core.at_hand(&self.area, key) {
            Some(Found::Fresh(hit, _)) => return Some(hit),
            Some(Found::Stale(..) | Found::Nothing) => return None,
            // Boxed, so that a hit does not carry the room that a walk would need.
            None => Box::pin(self.core.look_below(&self.area, key)).await,
        };
        match found {
            Found::Fresh(hit, _) => Some(hit),
            Found::Stale(..) | Found::Nothing => None,
        }
    }

    /// The value of this key, fresh or within the time that its class lets it serve stale.
    pub async fn get_even_stale<T: Cached>(&self, key: &str) -> Option<Hit<T>> {
        let found = match self.core.at_hand(&self.area, key) {
            Some(found) => found,
            None => Box::pin(self.core.look_below(&self.area, key)).await,
        };
        match found {
            Found::Fresh(hit, _) => Some(hit),
            Found::Stale(hit, _) => {
                self.area.counters.count(Event::ServedStale);
                Some(hit)
            }
            Found::Nothing => None,
        }
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
    /// A caller that is dropped has set it all the same; a level that was not reached by then takes it later.
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
        let life = Life::new(class, created_at_ms, self.core.next_stamp());
        let made = Made {
            life,
            tags: self.core.cells(tags),
            traits: Traits::of(class, None),
            value: Arc::new(value),
            compress_over: class.compress_over,
        };
        self.core.store(&self.spot(key), made, Writer::Caller).await
    }

    /// Removes the key at every level; what was being computed for it is not stored.
    ///
    /// # Errors
    /// [`CacheError::OutOfBounds`] for the key; [`CacheError::NotDurable`] where the removal holds in this
    /// process but could not be written everywhere yet.
    pub async fn remove(&self, key: &str) -> Result<(), CacheError> {
        check_key(key)?;
        self.core.remove(&self.spot(key)).await
    }

    /// Removes every key of this region, and none of any other; one durable mark. The room they took is freed in
    /// the background.
    ///
    /// # Errors
    /// [`CacheError::NotDurable`] where the mark holds in this process but could not be written.
    pub async fn clear(&self) -> Result<(), CacheError> {
        let marked = self.core.mark(Scope::Region, &self.area.name).await;
        self.core.sweep(&self.area, self.area.mark.stamp());
        marked.map(drop)
    }

    pub(crate) fn spot(&self, key: &str) -> Spot {
        Spot::new(&self.area, key)
    }

    pub(crate) fn check(&self, key: &str, class: &Class, tags: &[&str]) -> Result<(), CacheError> {
        check_key(key)?;
        check_tags(tags)?;
        class.check()
    }
}
