use cache::{Computed, Failure, Previous, VALIDATOR_MAX};
use limits::Priority;

use super::kept::{KeptProfile, KeptRow, KeptSearch, Provenance, token_key};
use super::service::Market;
use crate::{Currency, Invalid, MarketEntry, MarketError, Reply, TokenId, TokenProfile, TokenRef};

/// The longest query in characters.
const QUERY_MAX: usize = 64;

/// All that is known of one token.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenView {
    /// Its names, description and homepage.
    pub profile: TokenProfile,
    /// Its numbers; price, change, volume and capitalisation are those of the newest quote where that is newer.
    pub numbers: MarketEntry,
    /// Of the price; where no price is known, of the profile.
    pub provenance: Provenance,
}

impl Market {
    /// All about one token.
    ///
    /// Its texts are kept for a day; its numbers are those of the market table, of a row of its own, and of the
    /// newest quote, whichever is newest.
    ///
    /// # Errors
    /// [`MarketError::UnknownToken`], or [`MarketError::Call`] where nothing at all is known.
    pub async fn token(&self, id: &TokenId, currency: &Currency) -> Result<TokenView, MarketError> {
        let profile = self.profile(id, currency, Priority::High).await;
        if let Err(error @ MarketError::UnknownToken { .. }) = profile {
            return Err(error);
        }
        let mut numbers = self.numbers(id, currency, profile.is_ok()).await;
        let quoted =
            self.quotes(std::slice::from_ref(id), currency).await.pop().and_then(|quoted| quoted.price);
        if let Some((price, at)) = quoted
            && numbers.as_ref().is_none_or(|(_, known)| at.as_of_ms >= known.as_of_ms)
        {
            let (row, _) = numbers
                .unwrap_or_else(|| (MarketEntry::empty(self.names(|names| names.named(id))), at.clone()));
            let row = MarketEntry {
                price: Some(price.price),
                change_24h_pct: price.change_24h_pct.or(row.change_24h_pct),
                volume_24h: price.volume_24h.or(row.volume_24h),
                market_cap: price.market_cap.or(row.market_cap),
                as_of_ms: Some(at.as_of_ms),
                ..row
            };
            numbers = Some((row, at));
        }
        match (profile, numbers) {
            (Ok((profile, _)), Some((numbers, provenance))) => Ok(TokenView { profile, numbers, provenance }),
            (Ok((profile, provenance)), None) => {
                let numbers = MarketEntry::empty(profile.token.clone());
                Ok(TokenView { profile, numbers, provenance })
            }
            (Err(_), Some((numbers, provenance))) => {
                let profile = TokenProfile {
                    token: numbers.token.clone(),
                    description: None,
                    homepage: None,
                    image: None,
                };
                Ok(TokenView { profile, numbers, provenance })
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Tokens that resemble the query, best first, at most 50.
    ///
    /// # Errors
    /// [`MarketError::Invalid`] for a query that is empty or longer than 64 characters; [`MarketError::Call`].
    pub async fn search(&self, query: &str) -> Result<Vec<TokenRef>, MarketError> {
        let query = query.trim().to_lowercase();
        if query.is_empty() || query.chars().count() > QUERY_MAX || query.chars().any(char::is_control) {
            return Err(Invalid::new("a search", &query, "1 to 64 characters on one line").into());
        }
        let key = format!("search:{query}:{}", self.inner.source_key);
        let fetch = {
            let market = self.clone();
            move || async move {
                let source = &market.inner.source;
                let found = market
                    .call(Priority::High, market.inner.config.patience, || source.search(&query))
                    .await?;
                Ok::<_, MarketError>(KeptSearch(found))
            }
        };
        let class = self.inner.config.summary_class();
        let found = self.inner.tokens.get_or_compute(&key, &class, &[], fetch).await?.value.0.clone();
        self.learn_names(&found).await;
        Ok(found)
    }

    /// What changes rarely of one token, for work that nobody waits for: it gives way to every other question.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub async fn profile_unhurried(&self, id: &TokenId) -> Result<TokenProfile, MarketError> {
        Ok(self.profile(id, &self.currency(), Priority::Low).await?.0)
    }

    async fn profile(
        &self,
        id: &TokenId,
        currency: &Currency,
        priority: Priority,
    ) -> Result<(TokenProfile, Provenance), MarketError> {
        let key = format!("profile:{id}:{}", self.inner.source_key);
        let class = self.inner.config.token_class();
        let fetch = {
            let (market, id, currency) = (self.clone(), id.clone(), currency.clone());
            move |known: Option<Previous<KeptProfile>>| async move {
                let validator = known.and_then(|known| known.validator);
                let asked = market.ask_token(&id, &currency, priority, validator.as_deref()).await;
                let Reply { value, validator, fresh_for } = asked.map_err(failure)?;
                let computed = value.map_or_else(Computed::unchanged, Computed::value);
                let computed = computed.max_age(class.ttl.max(fresh_for));
                Ok(match validator.filter(|validator| validator.len() <= VALIDATOR_MAX) {
                    Some(validator) => computed.validator(validator),
                    None => computed,
                })
            }
        };
        let hit = self.inner.tokens.get_or_compute_with(&key, &class, &[], fetch).await?;
        Ok((hit.value.0.clone(), Provenance::of(&hit, None, self.source_name())))
    }

    async fn ask_token(
        &self,
        id: &TokenId,
        currency: &Currency,
        priority: Priority,
        validator: Option<&str>,
    ) -> Result<Reply<KeptProfile>, MarketError> {
        let source = &self.inner.source;
        let patience = self.inner.config.patience;
        let Reply { value, validator, fresh_for } =
            self.call(priority, patience, || source.token(id, currency, validator)).await?;
        let Some(details) = value else { return Ok(Reply { value: None, validator, fresh_for }) };
        // The same reply told the numbers: they spare a call of their own.
        self.keep_row(id, currency, Some(details.numbers)).await?;
        self.learn_names(std::slice::from_ref(&details.profile.token)).await;
        Ok(Reply { value: Some(KeptProfile(details.profile)), validator, fresh_for })
    }

    /// The numbers of a token: a row of its own that is fresh, else the table's, else one that is fetched.
    async fn numbers(
        &self,
        id: &TokenId,
        currency: &Currency,
        ask: bool,
    ) -> Option<(MarketEntry, Provenance)> {
        let key = token_key(&self.inner.source_key, currency, id);
        let in_table = self.row_in_table(id, currency).await;
        let own = self.inner.tables.get::<KeptRow>(&key).await;
        let fresh_table = in_table.as_ref().is_some_and(|(_, provenance)| !provenance.stale);
        if own.is_none() && !fresh_table {
            // What comes of it lies in the cache afterwards; where it fails, what is old must do.
            self.rows(std::slice::from_ref(id), currency, Priority::High, ask).await;
        }
        let own = self.inner.tables.get_even_stale::<KeptRow>(&key).await.and_then(|hit| {
            let row = hit.value.0.clone()?;
            let provenance = Provenance::of(&hit, row.as_of_ms, self.source_name());
            Some((row, provenance))
        });
        match (own, in_table) {
            (Some(own), Some(table)) if own.1.fetched_at_ms < table.1.fetched_at_ms => Some(table),
            (own, table) => own.or(table),
        }
    }
}

/// That there is no such token is an answer, and worth remembering; every other failure may pass.
fn failure(error: MarketError) -> Failure<MarketError> {
    match error {
        unknown @ MarketError::UnknownToken { .. } => Failure::lasting(unknown),
        other => Failure::passing(other),
    }
}
