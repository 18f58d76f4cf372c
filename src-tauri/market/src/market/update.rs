//! B1 and B2: wishes for updates, and the calls that fulfil many of them at once.

use std::time::Duration;

use limits::Priority;
use store::rusqlite::Transaction;

use super::kept::{KeptPrice, token_key};
use super::queue::{BATCH_MAX, Outcome, Scheduled, UpdateQueue};
use super::quotes::Quoted;
use super::service::{Market, millis};
use crate::{Currency, Invalid, MarketError, Point, Prices, TokenId, history};

/// How long an update that nobody waits for stands in line.
const LINE_MAX: Duration = Duration::from_secs(60);

/// What draining the queue came to.
#[derive(Debug, Clone, Default)]
pub struct Processed {
    /// Calls that were needed, or spared because the last reply still held.
    pub batches: usize,
    /// Tokens with a new quote.
    pub updated: usize,
    /// Tokens that the source does not know.
    pub unknown: usize,
    /// Tokens that went back into the queue.
    pub failed: usize,
    /// Why, of the last call that failed; or why quotes could not be kept.
    pub problem: Option<MarketError>,
}

/// The answer to a question for prices.
#[derive(Debug, Clone)]
pub struct Asked {
    /// One for each id, in the order asked.
    pub quotes: Vec<Quoted>,
    /// Why some have no quote or an old one, where a call failed.
    pub problem: Option<MarketError>,
}

/// Ids on their way; those not finished when it is dropped go back into the queue.
struct Batch {
    market: Market,
    priority: Priority,
    ids: Vec<TokenId>,
}

impl Batch {
    fn finish(mut self, outcome: impl Fn(&TokenId) -> Outcome) {
        let ids = std::mem::take(&mut self.ids);
        let now_ms = self.market.now_ms();
        self.market.queue(|queue| ids.iter().for_each(|id| queue.finish(id, outcome(id), now_ms)));
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let now_ms = self.market.now_ms();
        let put_back = !self.ids.is_empty();
        self.market.queue(|queue| self.ids.iter().for_each(|id| queue.finish(id, Outcome::Dropped, now_ms)));
        self.market.inner.settled.send_modify(|count| *count += 1);
        if put_back {
            self.market.work_added();
        }
    }
}

impl Market {
    /// Wishes for a newer price of a token; one token waits at most once.
    pub fn schedule_update(&self, id: &TokenId) -> Scheduled {
        self.schedule_update_at(id, Priority::Normal)
    }

    /// [`schedule_update`](Self::schedule_update) with another urgency; a critical wish, which is a person's, ends
    /// the pause of a token whose last update failed.
    pub fn schedule_update_at(&self, id: &TokenId, priority: Priority) -> Scheduled {
        let now_ms = self.now_ms();
        let scheduled = self.queue(|queue| queue.schedule(id, priority, now_ms));
        if scheduled == Scheduled::Added || priority == Priority::Critical {
            self.work_added();
        }
        scheduled
    }

    /// Wishes for every watched token; they fit into one call.
    pub fn schedule_watchlist(&self, priority: Priority) {
        for id in self.watched_ids() {
            self.schedule_update_at(&id, priority);
        }
    }

    /// Drains the queue: one call for up to 250 tokens, until nothing is ready.
    ///
    /// Failed tokens go back with a pause; a dropped future puts back what it had taken.
    pub async fn process_queue(&self) -> Processed {
        let mut processed = Processed::default();
        while let Some(batch) = self.take_batch() {
            self.update(batch, &mut processed).await;
        }
        processed
    }

    /// The quotes of these tokens, asked for where they are missing or old; at most 250 ids.
    ///
    /// It waits for its turn as long as the configured patience, and for what is being asked for already.
    ///
    /// # Errors
    /// [`MarketError::Invalid`] for too many ids. A failed call is no error: see [`Asked::problem`].
    pub async fn prices(&self, ids: &[TokenId]) -> Result<Asked, MarketError> {
        if ids.len() > BATCH_MAX {
            return Err(Invalid::new("the number of ids", &ids.len().to_string(), "at most 250").into());
        }
        let currency = self.currency();
        let mut settled = self.inner.settled.subscribe();
        let mut processed = Processed::default();
        let (missing, full) = self.schedule_missing(ids, &currency, Priority::High).await;
        processed.problem = full;
        loop {
            // Marked as seen before looking, so that a call that ends in between still wakes us.
            settled.borrow_and_update();
            let now_ms = self.now_ms();
            let (ready, running) = self.queue(|queue| {
                let ready = missing.iter().any(|id| queue.is_ready(id, now_ms));
                (ready, missing.iter().any(|id| queue.is_running(id)))
            });
            match (ready, running) {
                (true, _) => {
                    let Some(batch) = self.take_batch() else { continue };
                    self.update(batch, &mut processed).await;
                }
                // The sender lives as long as this market, so the wait can only end by a change.
                (false, true) => drop(settled.changed().await),
                (false, false) => break,
            }
        }
        let still_missing = !self.without_fresh_quote(&missing, &currency).await.is_empty();
        let problem = processed.problem.or_else(|| still_missing.then(|| self.problem()).flatten());
        Ok(Asked { quotes: self.quotes(ids, &currency).await, problem })
    }

    /// Wishes for those that have no fresh quote and are not being asked for just now; all without a fresh quote,
    /// and whether the queue was too full for some.
    pub(super) async fn schedule_missing(
        &self,
        ids: &[TokenId],
        currency: &Currency,
        priority: Priority,
    ) -> (Vec<TokenId>, Option<MarketError>) {
        loop {
            let ended = self.queue(|queue| queue.ended());
            let missing = self.without_fresh_quote(ids, currency).await;
            let now_ms = self.now_ms();
            let scheduled = self.queue(|queue| {
                let wish = |queue: &mut UpdateQueue, id| match queue.is_running(id) {
                    true => Scheduled::Waiting,
                    false => queue.schedule(id, priority, now_ms),
                };
                // A call that ended meanwhile may have brought what was missing: look again.
                let same = queue.ended() == ended;
                same.then(|| missing.iter().map(|id| wish(queue, id)).collect::<Vec<_>>())
            });
            let Some(scheduled) = scheduled else { continue };
            if scheduled.contains(&Scheduled::Added) {
                self.work_added();
            }
            let full = scheduled.into_iter().find_map(|scheduled| match scheduled {
                Scheduled::Full { bound } => Some(MarketError::QueueFull { bound }),
                _ => None,
            });
            return (missing, full);
        }
    }

    async fn without_fresh_quote(&self, ids: &[TokenId], currency: &Currency) -> Vec<TokenId> {
        let mut missing = Vec::new();
        for id in ids {
            let key = token_key(&self.inner.source_key, currency, id);
            if self.inner.prices.get::<KeptPrice>(&key).await.is_none() {
                missing.push(id.clone());
            }
        }
        missing
    }

    fn take_batch(&self) -> Option<Batch> {
        let now_ms = self.now_ms();
        let (priority, ids) = self.queue(|queue| queue.take(now_ms))?;
        Some(Batch { market: self.clone(), priority, ids })
    }

    async fn update(&self, batch: Batch, processed: &mut Processed) {
        processed.batches += 1;
        let currency = self.currency();
        match self.ask_prices(&batch, &currency).await {
            Ok(prices) => {
                let known: std::collections::HashSet<TokenId> =
                    prices.prices.iter().map(|price| price.id.clone()).collect();
                let until_ms = self.now_ms().saturating_add(millis(self.inner.config.unknown_for));
                processed.updated += known.len();
                processed.unknown += batch.ids.iter().filter(|id| !known.contains(id)).count();
                let kept = self.keep(prices, &currency).await;
                batch.finish(|id| {
                    if known.contains(id) { Outcome::Updated } else { Outcome::Unknown { until_ms } }
                });
                processed.problem = kept.err().or(processed.problem.take());
            }
            Err(error) => {
                let at_least_ms = error.retry_after().map_or(0, millis);
                processed.failed += batch.ids.len();
                tracing::warn!(tokens = batch.ids.len(), code = error.code(), %error, "prices were not updated");
                batch.finish(|_| Outcome::Failed { at_least_ms });
                processed.problem = Some(error);
            }
        }
        self.changed();
    }

    async fn ask_prices(&self, batch: &Batch, currency: &Currency) -> Result<Prices, MarketError> {
        let source = &self.inner.source;
        if let Some(prices) = source.prices_at_hand(&batch.ids, currency) {
            return Ok(prices);
        }
        let patience = if batch.priority <= Priority::High { self.inner.config.patience } else { LINE_MAX };
        self.call(batch.priority, patience, || source.prices(&batch.ids, currency)).await
    }

    /// Puts quotes into the cache and their points into the history.
    async fn keep(&self, prices: Prices, currency: &Currency) -> Result<(), MarketError> {
        let now_ms = self.now_ms();
        let class = self.inner.config.price_class();
        let mut points = Vec::with_capacity(prices.prices.len());
        for price in prices.prices {
            let at_ms = price.as_of_ms.unwrap_or(prices.fetched_at_ms).min(prices.fetched_at_ms);
            let point = Point { at_ms, price: price.price, volume_24h: price.volume_24h };
            points.push((self.series(&price.id, currency), point));
            let key = token_key(&self.inner.source_key, currency, &price.id);
            let kept = KeptPrice(price);
            self.inner.prices.set_as_of(&key, kept, &class, &[], prices.fetched_at_ms).await?;
        }
        let record = move |tx: &Transaction<'_>| history::record_newest(tx, &points, now_ms);
        self.inner.store.write("market.record_prices", record).await?;
        Ok(())
    }
}
