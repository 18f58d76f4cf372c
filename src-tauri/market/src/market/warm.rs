//! B3: having at hand what will surely be asked for.

use limits::Priority;

use super::charts::Range;
use super::kept::{KeptPrice, KeptProfile, KeptRow, KeptTable};
use super::service::Market;
use super::update::Processed;
use crate::MarketError;

/// The most keys that one warming loads.
const HOT_KEYS: usize = 256;

/// What a warming came to.
#[derive(Debug, Clone, Default)]
pub struct Warmed {
    /// The update of what the watchlist lacked, and of what else was in the queue.
    pub prices: Processed,
    /// Keys that were asked for most before, and that a level below memory still had.
    pub hot_keys: usize,
    /// Rows of the market table.
    pub table_rows: usize,
    /// Charts that were fetched.
    pub charts: usize,
    /// Watched tokens whose last 24 hours are still missing; the next warming goes on with them.
    pub charts_left: usize,
    /// The last failure; that charts gave way to more urgent calls is none.
    pub problem: Option<MarketError>,
}

impl Market {
    /// Loads the prices that the watchlist lacks, the market table, and the last 24 hours of watched tokens that the store
    /// lacks: a few at a time, for each of those costs a call, and without a key there are about five a minute.
    ///
    /// On start and on a schedule. The charts stop at the first failure.
    pub async fn warm_essential_cache(&self) -> Warmed {
        let currency = self.currency();
        let hot_keys = self.load_hot_keys().await;
        // What a refresh is asking for just now is not asked for twice.
        self.schedule_missing(&self.watched_ids(), &currency, Priority::Normal).await;
        let prices = self.process_queue().await;
        let table = self.table_at(&currency, Priority::Normal).await;
        let mut warmed = Warmed { hot_keys, table_rows: table.rows.len(), ..Warmed::default() };
        warmed.problem = table.problem.or_else(|| prices.problem.clone());
        warmed.prices = prices;
        let mut may_fetch = self.inner.config.warm_charts;
        for id in self.watched_ids() {
            match self.has_history(&id, &currency, Range::Day).await {
                Ok(true) => continue,
                Ok(false) if may_fetch == 0 || self.is_unknown(&id) => warmed.charts_left += 1,
                Ok(false) => match self.back_fill(&id, &currency, Range::Day, Priority::Low).await {
                    Ok(_) => {
                        warmed.charts += 1;
                        may_fetch -= 1;
                    }
                    Err(error) => {
                        warmed.charts_left += 1;
                        may_fetch = 0;
                        // Giving way is no failure: the next warming goes on here.
                        if !error.gave_way() {
                            warmed.problem = Some(error);
                        }
                    }
                },
                Err(error) => warmed.problem = Some(error),
            }
        }
        if warmed.charts > 0 {
            self.changed();
        }
        warmed
    }

    /// Brings the keys that are asked for most up to memory, so that the first who asks does not wait for a disk.
    async fn load_hot_keys(&self) -> usize {
        let inner = &self.inner;
        let mut loaded = 0;
        for hot in inner.cache.hot_keys(HOT_KEYS) {
            let key = hot.key.as_str();
            let found = match hot.region.as_str() {
                "prices" => inner.prices.get_even_stale::<KeptPrice>(key).await.is_some(),
                "tokens" => inner.tokens.get_even_stale::<KeptProfile>(key).await.is_some(),
                "markets" => {
                    inner.tables.get_even_stale::<KeptTable>(key).await.is_some()
                        || inner.tables.get_even_stale::<KeptRow>(key).await.is_some()
                }
                _ => false,
            };
            loaded += usize::from(found);
        }
        loaded
    }

    fn is_unknown(&self, id: &crate::TokenId) -> bool {
        let now_ms = self.now_ms();
        self.queue(|queue| queue.is_unknown(id, now_ms))
    }
}
