use std::time::Duration;

use async_trait::async_trait;
use cache::Clock;
use limits::Attempt;

use super::facts::Facts;
use super::noise::{even, hash};
use super::prices::{World, find};
use super::tokens::TOKENS;
use crate::{
    Attribution, ChartSpan, Currency, MarketEntry, Point, Prices, Reply, Rows, Source, SourceError,
    TokenDetails, TokenId, TokenRef,
};

/// The longest latency that can be simulated.
const LATENCY_MAX: Duration = Duration::from_secs(2);

/// The simulated [`Source`](crate::Source): about 60 tokens whose prices depend on nothing but seed and time.
///
/// Two simulators with one seed agree to the bit, on every machine and in whatever order they are asked.
#[derive(Debug, Clone)]
pub struct Simulator {
    seed: u64,
    world: World,
    clock: Clock,
    latency: Duration,
}

impl Simulator {
    /// A market that answers at once.
    pub fn new(seed: u64, clock: Clock) -> Self {
        Self { seed, world: World::new(seed), clock, latency: Duration::ZERO }
    }

    /// Makes every answer take about this long (half to one and a half of it), at most 2 s.
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency.min(LATENCY_MAX);
        self
    }

    /// The seed; the same seed gives the same prices.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    async fn answer(&self) {
        if !self.latency.is_zero() {
            let part = even(hash(self.seed, 0, self.now_ms()));
            tokio::time::sleep(self.latency.mul_f64(0.5 + part)).await;
        }
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().wall_ms
    }

    /// All tokens in the currency, largest capitalisation first.
    fn ranked<'a>(&self, currency: &'a Currency) -> Result<Vec<Facts<'a>>, SourceError> {
        let (world, now_ms) = (self.world, self.now_ms());
        if world.rate(currency, now_ms).is_none() {
            return Err(SourceError::UnknownCurrency { currency: currency.to_string() });
        }
        let mut tokens: Vec<_> =
            TOKENS.iter().map(|token| (world.usd(token, now_ms) * token.supply, token)).collect();
        tokens.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let facts = |(rank, (_, token))| Facts { world, token, currency, now_ms, rank };
        Ok((1..).zip(tokens).map(facts).collect())
    }

    fn one<'a>(&self, id: &TokenId, currency: &'a Currency) -> Result<Facts<'a>, SourceError> {
        let known = find(id.as_str()).is_some();
        let all = self.ranked(currency)?;
        let facts = all.into_iter().find(|facts| known && facts.token.id == id.as_str());
        facts.ok_or_else(|| SourceError::UnknownToken { id: id.clone() })
    }
}

#[async_trait]
impl Source for Simulator {
    fn name(&self) -> &'static str {
        "Simulator"
    }

    fn key(&self) -> String {
        // Another seed is another market: its prices must not join this one's history.
        format!("Simulator/{}", self.seed)
    }

    fn attribution(&self) -> Attribution {
        Attribution { text: "Simulated market: no real prices", url: None }
    }

    async fn prices(&self, ids: &[TokenId], currency: &Currency) -> Attempt<Prices, SourceError> {
        self.answer().await;
        let newest = |all: Vec<Facts<'_>>| {
            let asked = all.iter().filter(|facts| ids.iter().any(|id| id.as_str() == facts.token.id));
            Prices { prices: asked.map(Facts::newest).collect(), fetched_at_ms: self.now_ms() }
        };
        done(self.ranked(currency).map(newest))
    }

    async fn markets(&self, rows: Rows<'_>, currency: &Currency) -> Attempt<Vec<MarketEntry>, SourceError> {
        self.answer().await;
        done(self.ranked(currency).map(|all| match rows {
            Rows::Top(count) => all.iter().take(usize::from(count)).map(Facts::row).collect(),
            Rows::Ids(ids) => {
                let asked = all.iter().filter(|facts| ids.iter().any(|id| id.as_str() == facts.token.id));
                asked.map(Facts::row).collect()
            }
        }))
    }

    async fn chart(
        &self,
        id: &TokenId,
        currency: &Currency,
        span: ChartSpan,
    ) -> Attempt<Vec<Point>, SourceError> {
        self.answer().await;
        done(self.one(id, currency).map(|facts| facts.chart(span)))
    }

    fn last_hour(&self, id: &TokenId, currency: &Currency) -> Vec<Point> {
        self.one(id, currency).map(|facts| facts.last_hour()).unwrap_or_default()
    }

    async fn token(
        &self,
        id: &TokenId,
        currency: &Currency,
        _validator: Option<&str>,
    ) -> Attempt<Reply<TokenDetails>, SourceError> {
        self.answer().await;
        done(self.one(id, currency).map(|facts| Reply::plain(facts.details())))
    }

    async fn search(&self, query: &str) -> Attempt<Vec<TokenRef>, SourceError> {
        self.answer().await;
        let query = query.trim().to_lowercase();
        let resembles = |facts: &&Facts<'_>| {
            let token = facts.token;
            [token.id, token.symbol, token.name].iter().any(|text| text.to_lowercase().contains(&query))
        };
        let usd = Currency::usd();
        done(
            self.ranked(&usd)
                .map(|all| all.iter().filter(resembles).take(50).map(Facts::token_ref).collect()),
        )
    }

    async fn ping(&self) -> Attempt<(), SourceError> {
        self.answer().await;
        Attempt::Done(())
    }
}

/// What is wrong here is wrong with the question: it is not worth a retry.
fn done<T>(answer: Result<T, SourceError>) -> Attempt<T, SourceError> {
    match answer {
        Ok(value) => Attempt::Done(value),
        Err(error) => Attempt::Fail(error),
    }
}
