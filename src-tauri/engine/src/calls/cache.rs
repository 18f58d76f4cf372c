//! The cache: its levels, regions and entries, and what can be done to them.

use crate::api::{CacheEntry, CacheView, Invalidation, Problem, Warming};
use crate::{Engine, cache_view, views};

impl Engine {
    /// The levels, regions and classes of the cache.
    pub fn cache_view(&self) -> CacheView {
        let classes = self.0.book.with(|config| config.cache.classes());
        cache_view::view(&self.0.cache, &classes, self.0.clock.now().wall_ms)
    }

    /// What is known of one entry; `None` where no level holds it. Never its value.
    ///
    /// # Errors
    /// `invalid` for a region or key out of its bounds.
    pub async fn cache_entry(&self, region: &str, key: &str) -> Result<Option<CacheEntry>, Problem> {
        let known = self.known_region(region)?;
        let found =
            self.0.cache.inspect(known.name(), key).await.map_err(|error| cache_view::problem(&error))?;
        Ok(found.map(|info| cache_view::entry(region, key, info)))
    }

    /// Invalidates what carries a tag, or one key.
    ///
    /// # Errors
    /// `invalid`, `unknown_region`, or `not_durable` where it holds now but could not be written.
    pub async fn invalidate_cache(&self, what: Invalidation) -> Result<(), Problem> {
        let done = match what {
            Invalidation::Tag { tag } => self.0.cache.invalidate_tag(&tag).await,
            Invalidation::Key { region, key } => self.known_region(&region)?.remove(&key).await,
        };
        done.map_err(|error| cache_view::problem(&error))
    }

    /// Removes every entry of one region.
    ///
    /// # Errors
    /// `unknown_region`, or `not_durable` where it holds now but could not be written.
    pub async fn clear_cache_region(&self, region: &str) -> Result<(), Problem> {
        self.known_region(region)?.clear().await.map_err(|error| cache_view::problem(&error))
    }

    /// Loads what will be asked for: hot keys into memory, watched prices, the market table, missing charts.
    ///
    /// # Errors
    /// None at present; what could not be loaded is told in the answer.
    pub async fn warm_cache(&self) -> Result<Warming, Problem> {
        let warmed = self.0.session().market.warm_essential_cache().await;
        Ok(Warming {
            prices: warmed.prices.updated as u32,
            table_rows: warmed.table_rows as u32,
            charts: warmed.charts as u32,
            hot_keys: warmed.hot_keys as u32,
            problem: warmed.problem.as_ref().map(views::problem),
        })
    }

    /// A region that exists: a question must not make one.
    fn known_region(&self, name: &str) -> Result<cache::Region, Problem> {
        let regions = self.0.cache.regions();
        if !regions.iter().any(|known| known == name) {
            let shown: String = name.chars().take(64).collect();
            let known = regions.join(", ");
            return Err(Problem::new(
                "unknown_region",
                format!("There is no region {shown:?}; regions are {known}."),
            ));
        }
        self.0.cache.region(name).map_err(|error| cache_view::problem(&error))
    }
}
