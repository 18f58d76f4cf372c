use std::sync::Arc;

use async_trait::async_trait;
use limits::Attempt;

use super::client::CoinGecko;
use super::fetch::{Answer, Question};
use super::read_chart::read_chart;
use super::read_market::{read_markets, read_prices};
use super::read_token::{read_search, read_token};
use crate::{
    Attribution, ChartSpan, Currency, MarketEntry, Point, Price, Prices, Reply, Rows, Source, SourceError,
    TokenDetails, TokenId, TokenRef,
};

const PRICE_FIELDS: [(&str, &str); 5] = [
    ("include_market_cap", "true"),
    ("include_24hr_vol", "true"),
    ("include_24hr_change", "true"),
    ("include_last_updated_at", "true"),
    ("precision", "full"),
];

const DETAIL_FIELDS: [(&str, &str); 6] = [
    ("localization", "false"),
    ("tickers", "false"),
    ("market_data", "true"),
    ("community_data", "false"),
    ("developer_data", "false"),
    ("sparkline", "false"),
];

#[async_trait]
impl Source for CoinGecko {
    fn name(&self) -> &'static str {
        "CoinGecko"
    }

    fn key(&self) -> String {
        // What a stand-in tells must never be taken for what the provider tells.
        if self.is_official() { self.name().to_owned() } else { format!("{}@{}", self.name(), self.host) }
    }

    fn attribution(&self) -> Attribution {
        Attribution { text: "Data provided by CoinGecko", url: Some("https://www.coingecko.com") }
    }

    async fn prices(&self, ids: &[TokenId], currency: &Currency) -> Attempt<Prices, SourceError> {
        let ids = sorted(ids);
        let list = joined(&ids);
        let query = price_query(&list, currency);
        let question = Question { path: &["simple", "price"], query: &query, subject: None };
        self.ask(question, |body| read_prices(body, &ids, currency)).await.map(to_prices)
    }

    fn prices_at_hand(&self, ids: &[TokenId], currency: &Currency) -> Option<Prices> {
        let list = joined(&sorted(ids));
        let query = price_query(&list, currency);
        self.at_hand(&Question { path: &["simple", "price"], query: &query, subject: None }).map(to_prices)
    }

    async fn markets(&self, rows: Rows<'_>, currency: &Currency) -> Attempt<Vec<MarketEntry>, SourceError> {
        let (list, count) = match rows {
            Rows::Top(count) => (None, usize::from(count)),
            Rows::Ids(ids) => (Some(joined(&sorted(ids))), ids.len()),
        };
        let count = count.clamp(1, 250).to_string();
        let mut query = vec![
            ("vs_currency", currency.as_str()),
            ("order", "market_cap_desc"),
            ("per_page", &count),
            ("page", "1"),
            ("sparkline", "true"),
            ("price_change_percentage", "1h,24h,7d,30d"),
            ("precision", "full"),
        ];
        if let Some(list) = &list {
            query.push(("ids", list));
        }
        let question = Question { path: &["coins", "markets"], query: &query, subject: None };
        self.ask(question, read_markets).await.map(owned)
    }

    async fn chart(
        &self,
        id: &TokenId,
        currency: &Currency,
        span: ChartSpan,
    ) -> Attempt<Vec<Point>, SourceError> {
        let days = span.days().to_string();
        let query = [("vs_currency", currency.as_str()), ("days", &days), ("precision", "full")];
        let path = ["coins", id.as_str(), "market_chart"];
        self.ask(Question { path: &path, query: &query, subject: Some(id) }, read_chart).await.map(owned)
    }

    async fn token(
        &self,
        id: &TokenId,
        currency: &Currency,
        validator: Option<&str>,
    ) -> Attempt<Reply<TokenDetails>, SourceError> {
        let path = ["coins", id.as_str()];
        let question = Question { path: &path, query: &DETAIL_FIELDS, subject: Some(id) };
        self.ask_if_changed(question, validator, |body| read_token(body, id, currency)).await
    }

    async fn search(&self, query: &str) -> Attempt<Vec<TokenRef>, SourceError> {
        let question = Question { path: &["search"], query: &[("query", query)], subject: None };
        self.ask(question, read_search).await.map(owned)
    }

    async fn ping(&self) -> Attempt<(), SourceError> {
        let question = Question { path: &["ping"], query: &[], subject: None };
        self.ask(question, |_| Ok(())).await.map(|_| ())
    }
}

/// In one order, so that one set of ids is one URL and its kept reply is found again.
fn sorted(ids: &[TokenId]) -> Vec<TokenId> {
    let mut ids = ids.to_vec();
    ids.sort();
    ids.dedup();
    ids
}

fn joined(ids: &[TokenId]) -> String {
    ids.iter().map(TokenId::as_str).collect::<Vec<_>>().join(",")
}

fn price_query<'a>(ids: &'a str, currency: &'a Currency) -> Vec<(&'a str, &'a str)> {
    let mut query = vec![("ids", ids), ("vs_currencies", currency.as_str())];
    query.extend(PRICE_FIELDS);
    query
}

fn to_prices(answer: Answer<Vec<Price>>) -> Prices {
    Prices { fetched_at_ms: answer.fetched_at_ms, prices: owned(answer) }
}

fn owned<T: Clone>(answer: Answer<T>) -> T {
    Arc::unwrap_or_clone(answer.value)
}
