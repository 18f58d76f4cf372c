use async_trait::async_trait;
use limits::Attempt;

use crate::{
    Attribution, ChartSpan, Currency, MarketEntry, Point, Prices, Reply, Rows, SourceError, TokenDetails,
    TokenId, TokenRef,
};

/// Where market data comes from.
///
/// Each call is one attempt: no retry, no limiter and no cache that outlives the provider's own word. Those
/// belong to the pipeline that [`Market`](crate::Market) holds. The kind of [`Attempt`] tells that pipeline
/// what to do next. A dropped future abandons the call and leaves nothing behind.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// The name a person knows it by: `CoinGecko` or `Simulator`.
    fn name(&self) -> &'static str;

    /// The key under which its data is stored; two sources whose prices differ have different keys.
    fn key(&self) -> String {
        self.name().to_owned()
    }

    /// What must stand beside its data.
    fn attribution(&self) -> Attribution;

    /// The newest prices of up to 250 tokens, in one call; ids it knows no price for are absent.
    async fn prices(&self, ids: &[TokenId], currency: &Currency) -> Attempt<Prices, SourceError>;

    /// What [`prices`](Self::prices) would answer without a call, where the provider has said that its last
    /// reply still holds; so that no place in the limiter's window is spent on it.
    fn prices_at_hand(&self, ids: &[TokenId], currency: &Currency) -> Option<Prices> {
        let _ = (ids, currency);
        None
    }

    /// Rows of the market table, largest capitalisation first.
    async fn markets(&self, rows: Rows<'_>, currency: &Currency) -> Attempt<Vec<MarketEntry>, SourceError>;

    /// The price history of a token up to now, oldest first, every point sound.
    async fn chart(
        &self,
        id: &TokenId,
        currency: &Currency,
        span: ChartSpan,
    ) -> Attempt<Vec<Point>, SourceError>;

    /// Points of the last hour that it can tell without a call, closer together than those of a chart; none where
    /// only calls bring prices.
    fn last_hour(&self, id: &TokenId, currency: &Currency) -> Vec<Point> {
        let _ = (id, currency);
        Vec::new()
    }

    /// All about one token, unless the answer with this validator still holds.
    async fn token(
        &self,
        id: &TokenId,
        currency: &Currency,
        validator: Option<&str>,
    ) -> Attempt<Reply<TokenDetails>, SourceError>;

    /// Tokens whose name, ticker or id resembles the query, best first, at most 50.
    async fn search(&self, query: &str) -> Attempt<Vec<TokenRef>, SourceError>;

    /// Whether it answers at all.
    async fn ping(&self) -> Attempt<(), SourceError>;
}
