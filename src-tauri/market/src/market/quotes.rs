use cache::Level;
use store::rusqlite::Connection;

use super::kept::{KeptPrice, Provenance, token_key};
use super::service::Market;
use crate::{Currency, Price, TokenId, TokenRef, history};

/// The newest known price of one token, however old.
#[derive(Debug, Clone, PartialEq)]
pub struct Quoted {
    /// The token; its ticker and name are made of its id where no source has told them yet.
    pub token: TokenRef,
    /// The price and where it comes from; `None` while none is known.
    pub price: Option<(Price, Provenance)>,
}

impl Market {
    /// What is known of these tokens, one quote for each id in the order asked; nothing is asked of the source.
    ///
    /// Where the cache has no quote, the newest point of the history stands in, as a stale one.
    pub async fn quotes(&self, ids: &[TokenId], currency: &Currency) -> Vec<Quoted> {
        let mut quotes = Vec::with_capacity(ids.len());
        for id in ids {
            let key = token_key(&self.inner.source_key, currency, id);
            let hit = self.inner.prices.get_even_stale::<KeptPrice>(&key).await;
            let price = hit.map(|hit| {
                let price = hit.value.0.clone();
                let provenance = Provenance::of(&hit, price.as_of_ms, self.source_name());
                (price, provenance)
            });
            quotes.push(Quoted { token: self.names(|names| names.named(id)), price });
        }
        self.fill_from_history(&mut quotes, currency).await;
        quotes
    }

    async fn fill_from_history(&self, quotes: &mut [Quoted], currency: &Currency) {
        let missing = || quotes.iter().filter(|quoted| quoted.price.is_none()).map(|quoted| &quoted.token.id);
        let keys: Vec<_> = missing().map(|id| self.series(id, currency)).collect();
        if keys.is_empty() {
            return;
        }
        let read = move |conn: &Connection| {
            keys.iter().map(|key| history::read_newest(conn, key)).collect::<Result<Vec<_>, _>>()
        };
        let newest = match self.inner.store.read("market.newest", read).await {
            Ok(newest) => newest,
            Err(error) => {
                // A quote that is missing says so itself.
                tracing::debug!(%error, "the newest stored prices could not be read");
                return;
            }
        };
        let missing = quotes.iter_mut().filter(|quoted| quoted.price.is_none());
        for (quoted, point) in missing.zip(newest) {
            quoted.price = point.map(|point| {
                let price = Price {
                    id: quoted.token.id.clone(),
                    price: point.price,
                    change_24h_pct: None,
                    volume_24h: point.volume_24h,
                    market_cap: None,
                    as_of_ms: Some(point.at_ms),
                };
                let (as_of_ms, fetched_at_ms) = (point.at_ms, point.at_ms);
                let source = self.source_name();
                (price, Provenance { as_of_ms, fetched_at_ms, source, level: Level::Database, stale: true })
            });
        }
    }
}
