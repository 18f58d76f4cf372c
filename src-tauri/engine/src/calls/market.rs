//! Prices, tokens and the watchlist.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use market::TokenId;

use crate::api::{ExportFormat, History, MarketTable, Problem, Quote, Range, Token, TokenHit};
use crate::work::ProcessContent;
use crate::{Engine, export, views};

/// The logo that the page of a token shows.
const LOGO_PX: u32 = 64;

impl Engine {
    /// The ids of the watched tokens, in their order.
    pub fn watched(&self) -> Vec<String> {
        self.0.session().market.watched_ids().into_iter().map(String::from).collect()
    }

    /// The currency of prices, in lower case.
    pub fn currency(&self) -> String {
        self.0.session().market.currency().into()
    }

    /// The newest prices of these tokens, in the order of the ids; what the cache lacks is asked for once.
    ///
    /// # Errors
    /// `invalid` names a wrong id. A source that fails is no error: the problem beside the quotes says why some have
    /// no price or an old one.
    pub async fn prices(&self, ids: &[String]) -> Result<(Vec<Quote>, Option<Problem>), Problem> {
        let ids = ids.iter().map(|id| token_id(id)).collect::<Result<Vec<_>, _>>()?;
        let asked = self.0.session().market.prices(&ids).await.map_err(|error| views::problem(&error))?;
        let problem = asked.problem.as_ref().map(views::problem);
        Ok((asked.quotes.into_iter().map(views::quote).collect(), problem))
    }

    /// The price of one token over a range.
    ///
    /// # Errors
    /// `invalid`, `unknown_token`, or `store_failed`. A source that fails is told in the history itself.
    pub async fn history(&self, id: &str, range: Range) -> Result<History, Problem> {
        let market = &self.0.session().market;
        let history = market.history(&token_id(id)?, &market.currency(), views::market_range(range)).await;
        history.map(|history| views::history(history, range)).map_err(|error| views::problem(&error))
    }

    /// The market table; what is wrong with it is told in it.
    ///
    /// # Errors
    /// None at present.
    pub async fn markets(&self) -> Result<MarketTable, Problem> {
        let market = &self.0.session().market;
        let currency = market.currency();
        let table = market.table(&currency).await;
        Ok(views::table(table, currency.into(), |id| market.is_watched(id)))
    }

    /// All about one token.
    ///
    /// # Errors
    /// `invalid`, `unknown_token`, or why the source does not tell.
    pub async fn token(&self, id: &str) -> Result<Token, Problem> {
        let market = &self.0.session().market;
        let (id, currency) = (token_id(id)?, market.currency());
        let view = market.token(&id, &currency).await.map_err(|error| views::problem(&error))?;
        let logo = self.0.content.picture(market.source_key(), id.as_str(), LOGO_PX).await;
        let logo = logo.unwrap_or_else(|error| {
            tracing::debug!(%error, %id, "the logo cannot be read");
            None
        });
        let logo = logo.map(|png| format!("data:image/png;base64,{}", BASE64.encode(png)));
        Ok(Token { logo, ..views::token(view, currency.into(), market.is_watched(&id)) })
    }

    /// Tokens that resemble the query, best first, at most 50.
    ///
    /// # Errors
    /// `invalid`, or why the source does not tell.
    pub async fn search(&self, query: &str) -> Result<Vec<TokenHit>, Problem> {
        let market = &self.0.session().market;
        let found = market.search(query).await.map_err(|error| views::problem(&error))?;
        Ok(found
            .into_iter()
            .map(|token| (market.is_watched(&token.id), token))
            .map(|(w, t)| views::hit(t, w))
            .collect())
    }

    /// Watches a token, at a position where one is given.
    ///
    /// # Errors
    /// `invalid`, `watchlist_full`, or `store_failed`.
    pub async fn watch(&self, id: &str, position: Option<u32>) -> Result<(), Problem> {
        let (id, position) = (token_id(id)?, position.map(|position| position as usize));
        let watched = self.0.session().market.watch(&id, position).await;
        self.0.board.nudge.notify_one();
        watched.map_err(|error| views::problem(&error))?;
        if let Err(error) = self.0.jobs.add(ProcessContent::job(&id)).await {
            tracing::debug!(%error, %id, "its logo is not fetched now");
        }
        Ok(())
    }

    /// Stops watching a token; its history stays.
    ///
    /// # Errors
    /// `invalid` or `store_failed`.
    pub async fn unwatch(&self, id: &str) -> Result<(), Problem> {
        let unwatched = self.0.session().market.unwatch(&token_id(id)?).await;
        self.0.board.nudge.notify_one();
        unwatched.map_err(|error| views::problem(&error))
    }

    /// Refreshes the watched prices now, within the provider's limit.
    ///
    /// # Errors
    /// None at present.
    pub async fn refresh(&self) -> Result<(), Problem> {
        self.0.session().refresh();
        self.0.board.nudge.notify_one();
        Ok(())
    }

    /// Writes a history to the Downloads folder; returns the path.
    ///
    /// # Errors
    /// As [`history`](Self::history); `nothing_to_export`; `not_saved` with the reason.
    pub async fn export_history(
        &self,
        id: &str,
        range: Range,
        format: ExportFormat,
    ) -> Result<String, Problem> {
        let history = self.history(id, range).await?;
        export::to_downloads(history, format).await
    }

    /// Where the source's attribution leads.
    pub fn attribution_url(&self) -> Option<String> {
        self.0.session().market.attribution().url.map(str::to_owned)
    }
}

fn token_id(id: &str) -> Result<TokenId, Problem> {
    TokenId::new(id).map_err(|error| Problem::new("invalid", error.to_string()))
}
