//! The watched tokens: in memory for reading, in the database for good.

use std::collections::HashMap;
use std::sync::PoisonError;

use limits::Priority;
use store::rusqlite::{Connection, params};
use store::{Store, StoreError};

use super::service::Market;
use crate::{MarketError, TokenId, TokenRef};

/// The most tokens that can be watched: as many as one call carries.
pub(super) const WATCHED_MAX: usize = 250;
/// The most names remembered of tokens that are not watched.
const NAMES_MAX: usize = 2_000;

/// The list and the names of tokens seen lately.
#[derive(Debug, Default)]
pub(super) struct Watchlist {
    watched: Vec<TokenRef>,
    seen: HashMap<TokenId, TokenRef>,
}

impl Watchlist {
    pub(super) async fn load(store: &Store) -> Result<Self, StoreError> {
        let watched = store.read("market.watchlist", read_all).await?;
        Ok(Self { watched, seen: HashMap::new() })
    }

    pub(super) fn watched(&self) -> &[TokenRef] {
        &self.watched
    }

    pub(super) fn named(&self, id: &TokenId) -> TokenRef {
        let known = self.watched.iter().find(|token| token.id == *id).or_else(|| self.seen.get(id));
        known.cloned().unwrap_or_else(|| TokenRef::unnamed(id.clone()))
    }

    /// Remembers the names a source told; whether that changed the watched ones.
    fn learn(&mut self, tokens: &[TokenRef]) -> bool {
        let mut changed = false;
        for token in tokens {
            if let Some(known) = self.watched.iter_mut().find(|known| known.id == token.id) {
                changed |= (&known.symbol, &known.name) != (&token.symbol, &token.name);
                *known = token.clone();
            } else {
                if self.seen.len() >= NAMES_MAX {
                    self.seen.clear();
                }
                self.seen.insert(token.id.clone(), token.clone());
            }
        }
        changed
    }

    /// The list with a token added or moved; the end where no position is given.
    fn with(&self, token: TokenRef, position: Option<usize>) -> Result<Vec<TokenRef>, MarketError> {
        let mut list: Vec<TokenRef> =
            self.watched.iter().filter(|known| known.id != token.id).cloned().collect();
        if list.len() >= WATCHED_MAX {
            return Err(MarketError::WatchlistFull { bound: WATCHED_MAX });
        }
        // Without a position a token that is watched already stays where it is.
        let place = self.watched.iter().position(|known| known.id == token.id);
        let place = position.or(place).unwrap_or(list.len()).min(list.len());
        list.insert(place, token);
        Ok(list)
    }
}

impl Market {
    /// The watched tokens in their order.
    pub fn watchlist(&self) -> Vec<TokenRef> {
        self.names(|list| list.watched().to_vec())
    }

    /// The ids of the watched tokens in their order.
    pub fn watched_ids(&self) -> Vec<TokenId> {
        self.names(|list| list.watched().iter().map(|token| token.id.clone()).collect())
    }

    /// Whether the token is watched.
    pub fn is_watched(&self, id: &TokenId) -> bool {
        self.names(|list| list.watched().iter().any(|token| token.id == *id))
    }

    /// Watches a token at a position (from 0; the end where there is none), or moves it there, and wishes for
    /// its price. Whether the source knows the token shows with the next update.
    ///
    /// # Errors
    /// [`MarketError::WatchlistFull`], or [`MarketError::Store`]; the list is then as it was.
    pub async fn watch(&self, id: &TokenId, position: Option<usize>) -> Result<(), MarketError> {
        self.change_watchlist(|list| list.with(list.named(id), position)).await?;
        self.schedule_update_at(id, Priority::High);
        Ok(())
    }

    /// Stops watching a token; its history stays.
    ///
    /// # Errors
    /// [`MarketError::Store`]; the list is then as it was.
    pub async fn unwatch(&self, id: &TokenId) -> Result<(), MarketError> {
        let without =
            |list: &Watchlist| Ok(list.watched.iter().filter(|token| token.id != *id).cloned().collect());
        self.change_watchlist(without).await?;
        self.queue(|queue| queue.cancel(id));
        Ok(())
    }

    async fn change_watchlist(
        &self,
        change: impl FnOnce(&Watchlist) -> Result<Vec<TokenRef>, MarketError> + Send,
    ) -> Result<(), MarketError> {
        // One change at a time, from reading the list until memory and database agree again.
        let _turn = self.inner.watchlist_turn.lock().await;
        let list = self.names(change)?;
        let stored = list.clone();
        self.inner.store.write("market.watch", move |tx| write_all(tx, &stored)).await?;
        let mut names = self.inner.names.write().unwrap_or_else(PoisonError::into_inner);
        for gone in std::mem::replace(&mut names.watched, list) {
            names.seen.insert(gone.id.clone(), gone);
        }
        drop(names);
        self.changed();
        Ok(())
    }

    /// Remembers the names that a source told, those of watched tokens for good.
    pub(super) async fn learn_names(&self, tokens: &[TokenRef]) {
        let _turn = self.inner.watchlist_turn.lock().await;
        let stored = {
            let mut names = self.inner.names.write().unwrap_or_else(PoisonError::into_inner);
            if !names.learn(tokens) {
                return;
            }
            names.watched.clone()
        };
        self.changed();
        if let Err(error) = self.inner.store.write("market.names", move |tx| write_all(tx, &stored)).await {
            // They are told again with the next reply.
            tracing::debug!(%error, "the names of watched tokens could not be kept");
        }
    }

    pub(super) fn names<T>(&self, read: impl FnOnce(&Watchlist) -> T) -> T {
        read(&self.inner.names.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read_all(conn: &Connection) -> Result<Vec<TokenRef>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT token, symbol, name FROM watched_tokens ORDER BY position LIMIT ?1")?;
    let rows = statement.query_map([WATCHED_MAX as i64], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    let mut tokens = Vec::new();
    for row in rows {
        let (token, symbol, name) = row?;
        // An id that a person wrote into the file by hand may be none.
        if let Ok(id) = TokenId::new(&token) {
            tokens.push(TokenRef { id, symbol, name, rank: None });
        }
    }
    Ok(tokens)
}

fn write_all(conn: &Connection, tokens: &[TokenRef]) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM watched_tokens")?.execute([])?;
    let mut insert = conn.prepare_cached(
        "INSERT INTO watched_tokens (position, token, symbol, name) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (position, token) in tokens.iter().enumerate() {
        insert.execute(params![position as i64, token.id.as_str(), token.symbol, token.name])?;
    }
    Ok(())
}
