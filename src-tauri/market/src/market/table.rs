use std::collections::HashMap;

use cache::Hit;
use limits::Priority;

use super::kept::{KeptRow, KeptTable, Provenance, token_key};
use super::service::Market;
use super::sparks::{SPARK_POINTS, reduce};
use crate::{Currency, MarketEntry, MarketError, Rows, TokenId, TokenRef};

/// The market table: the largest tokens and every watched one.
#[derive(Debug, Clone)]
pub struct Table {
    /// Largest capitalisation first; watched ones that are not among the largest come last, in the order of the
    /// watchlist. `spark_7d` holds at most 48 prices.
    pub rows: Vec<MarketEntry>,
    /// Of the largest tokens; `None` where nothing is known.
    pub provenance: Option<Provenance>,
    /// Why the table, or a part of it, is missing or old.
    pub problem: Option<MarketError>,
}

impl Market {
    /// The market table; asks the source at most twice when its life is over: for the largest, and for the
    /// watched ones that are not among them.
    pub async fn table(&self, currency: &Currency) -> Table {
        self.table_at(currency, Priority::High).await
    }

    pub(super) async fn table_at(&self, currency: &Currency, priority: Priority) -> Table {
        let top = self.largest(currency, priority).await;
        let mut rows: Vec<MarketEntry> = top.as_ref().map_or(Vec::new(), |hit| hit.value.0.clone());
        let others: Vec<TokenId> =
            self.watched_ids().into_iter().filter(|id| !rows.iter().any(|row| row.token.id == *id)).collect();
        // Where the large question has just failed, a second one would fail as well and cost another call.
        let ask = top.is_ok();
        let (more, problem) = self.rows(&others, currency, priority, ask).await;
        rows.extend(more);
        for row in &mut rows {
            row.spark_7d = reduce(&row.spark_7d, SPARK_POINTS);
        }
        let newest = rows.iter().filter_map(|row| row.as_of_ms).max();
        let provenance = top.as_ref().ok().map(|hit| Provenance::of(hit, newest, self.source_name()));
        // An old table serves in place of an error; the error is still worth telling.
        let old = provenance.as_ref().is_some_and(|provenance| provenance.stale);
        let problem = top.err().or(problem).or_else(|| if old { self.problem() } else { None });
        Table { rows, provenance, problem }
    }

    async fn largest(&self, currency: &Currency, priority: Priority) -> Result<Hit<KeptTable>, MarketError> {
        let fetch = {
            let (market, currency) = (self.clone(), currency.clone());
            move || async move {
                let rows =
                    market.ask_rows(Rows::Top(market.inner.config.table_rows), &currency, priority).await?;
                Ok::<_, MarketError>(KeptTable(rows))
            }
        };
        let class = self.inner.config.summary_class();
        Ok(self.inner.tables.get_or_compute(&self.table_key(currency), &class, &[], fetch).await?)
    }

    /// The rows of these tokens: from the cache, and what is missing there with one call if `ask`.
    pub(super) async fn rows(
        &self,
        ids: &[TokenId],
        currency: &Currency,
        priority: Priority,
        ask: bool,
    ) -> (Vec<MarketEntry>, Option<MarketError>) {
        let (mut known, mut missing) = (HashMap::new(), Vec::new());
        for id in ids {
            let key = token_key(&self.inner.source_key, currency, id);
            match self.inner.tables.get_even_stale::<KeptRow>(&key).await {
                Some(hit) => {
                    if hit.stale {
                        missing.push(id.clone());
                    }
                    known.insert(id.clone(), hit.value.0.clone());
                }
                None => missing.push(id.clone()),
            }
        }
        let mut problem = None;
        if ask && !missing.is_empty() {
            match self.fetch_rows(missing, currency, priority).await {
                Ok(rows) => known.extend(rows),
                Err(error) => problem = Some(error),
            }
        }
        (ids.iter().filter_map(|id| known.remove(id).flatten()).collect(), problem)
    }

    /// One call for many rows; each is kept by itself, and so is the news that there is none.
    async fn fetch_rows(
        &self,
        ids: Vec<TokenId>,
        currency: &Currency,
        priority: Priority,
    ) -> Result<HashMap<TokenId, Option<MarketEntry>>, MarketError> {
        let rows = self.ask_rows(Rows::Ids(&ids), currency, priority).await?;
        let mut rows: HashMap<TokenId, MarketEntry> =
            rows.into_iter().map(|row| (row.token.id.clone(), row)).collect();
        let mut fetched = HashMap::new();
        for id in ids {
            let row = rows.remove(&id);
            self.keep_row(&id, currency, row.clone()).await?;
            fetched.insert(id, row);
        }
        Ok(fetched)
    }

    pub(super) async fn keep_row(
        &self,
        id: &TokenId,
        currency: &Currency,
        row: Option<MarketEntry>,
    ) -> Result<(), MarketError> {
        let key = token_key(&self.inner.source_key, currency, id);
        Ok(self.inner.tables.set(&key, KeptRow(row), &self.inner.config.summary_class(), &[]).await?)
    }

    /// The row of a token in the table that is in the cache, however old.
    pub(super) async fn row_in_table(
        &self,
        id: &TokenId,
        currency: &Currency,
    ) -> Option<(MarketEntry, Provenance)> {
        let hit = self.inner.tables.get_even_stale::<KeptTable>(&self.table_key(currency)).await?;
        let row = hit.value.0.iter().find(|row| row.token.id == *id)?.clone();
        let provenance = Provenance::of(&hit, row.as_of_ms, self.source_name());
        Some((row, provenance))
    }

    async fn ask_rows(
        &self,
        rows: Rows<'_>,
        currency: &Currency,
        priority: Priority,
    ) -> Result<Vec<MarketEntry>, MarketError> {
        let source = &self.inner.source;
        let entries =
            self.call(priority, self.inner.config.patience, || source.markets(rows, currency)).await?;
        let names: Vec<TokenRef> = entries.iter().map(|row| row.token.clone()).collect();
        self.learn_names(&names).await;
        Ok(entries)
    }

    /// A token id is at least one character, so the table's key is no token's.
    pub(super) fn table_key(&self, currency: &Currency) -> String {
        format!("{currency}::{}", self.inner.source_key)
    }
}
