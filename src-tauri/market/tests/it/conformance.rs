//! What every source promises, checked against each.

use std::sync::Arc;

use eider_market::{
    ChartSpan, Currency, MarketEntry, Plan, Point, Price, Rows, Simulator, Source, SourceError, TokenId,
};
use futures::FutureExt;
use limits::Attempt;
use serde_json::{Value, json};

use crate::provider::{Provider, Seen, json, reply};
use crate::rig::{DAY_MS, TestTime, id, usd};

fn done<T>(attempt: Attempt<T, SourceError>) -> T {
    match attempt {
        Attempt::Done(value) => value,
        Attempt::Retry(error)
        | Attempt::NotSent(error)
        | Attempt::Limited { error, .. }
        | Attempt::Fail(error) => panic!("{error}"),
    }
}

async fn check(source: &dyn Source, time: &TestTime) {
    done(source.ping().await);
    prices_are_those_of_known_ids(source).await;
    rows_are_the_largest_or_those_asked_for(source).await;
    for span in [ChartSpan::Day, ChartSpan::Week, ChartSpan::Month, ChartSpan::Year] {
        a_chart_reaches_from_its_start_to_now(source, span, time.now_ms()).await;
    }
    a_token_is_described_or_unknown(source).await;
    let found = done(source.search("duck").await);
    assert!(found.len() <= 50 && found.iter().any(|token| token.symbol == "DUCK"), "{found:?}");
}

async fn prices_are_those_of_known_ids(source: &dyn Source) {
    let asked = [id("bitcoin"), id("no-such-token"), id("duckchain-token")];
    let mut known: Vec<Price> = done(source.prices(&asked, &usd()).await).prices;
    known.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(
        known.iter().map(|price| price.id.as_str()).collect::<Vec<_>>(),
        ["bitcoin", "duckchain-token"]
    );
    assert!(known.iter().all(|price| price.price.is_finite() && price.price > 0.0));
}

async fn rows_are_the_largest_or_those_asked_for(source: &dyn Source) {
    let top: Vec<MarketEntry> = done(source.markets(Rows::Top(10), &usd()).await);
    assert_eq!(top.len(), 10);
    assert!(top.windows(2).all(|pair| pair[0].market_cap >= pair[1].market_cap));
    assert!(top.iter().all(|row| row.spark_7d.len() == 168 && row.token.rank.is_some()));
    let asked: Vec<TokenId> = vec![id("tether"), id("no-such-token")];
    let rows = done(source.markets(Rows::Ids(&asked), &usd()).await);
    assert_eq!(rows.iter().map(|row| row.token.symbol.as_str()).collect::<Vec<_>>(), ["USDT"]);
}

#[tokio::test]
async fn the_simulators_last_hour_agrees_with_its_day_and_fills_the_chart_of_an_hour() {
    let time = TestTime::new();
    let simulator = Simulator::new(7, time.clock());
    let ton = id("the-open-network");
    let hour = simulator.last_hour(&ton, &usd());
    assert_eq!(hour.len(), 120);
    assert!(hour.iter().all(|point| point.is_sound() && time.now_ms() - point.at_ms <= 3_600_000));
    let day = done(simulator.chart(&ton, &usd(), ChartSpan::Day).await);
    let shared: Vec<_> =
        hour.iter().filter(|point| day.iter().any(|other| other.at_ms == point.at_ms)).collect();
    assert_eq!(shared.len(), 12);
    assert!(shared.iter().all(|point| day.contains(point)), "one world, however it is asked");
    assert!(simulator.last_hour(&id("no-such-token"), &usd()).is_empty());
}

async fn a_chart_reaches_from_its_start_to_now(source: &dyn Source, span: ChartSpan, now_ms: i64) {
    let points: Vec<Point> = done(source.chart(&id("the-open-network"), &usd(), span).await);
    assert!(points.iter().all(Point::is_sound));
    assert!(points.windows(2).all(|pair| pair[1].at_ms - pair[0].at_ms == span.step_ms()));
    let (first, last) = (points[0].at_ms, points[points.len() - 1].at_ms);
    assert!(now_ms - last < span.step_ms() && last <= now_ms);
    assert!((first - (now_ms - i64::from(span.days()) * DAY_MS)).abs() <= span.step_ms());
}

async fn a_token_is_described_or_unknown(source: &dyn Source) {
    let details = done(source.token(&id("duckchain-token"), &usd(), None).await).value.unwrap();
    assert_eq!(
        (details.profile.token.symbol.as_str(), details.profile.description.is_some()),
        ("DUCK", true)
    );
    assert!(
        details.numbers.ath >= details.numbers.high_24h
            && details.numbers.high_24h >= details.numbers.low_24h
    );
    let unknown = SourceError::UnknownToken { id: id("no-such-token") };
    assert!(
        matches!(source.token(&id("no-such-token"), &usd(), None).await, Attempt::Fail(error) if error == unknown)
    );
    let chart = source.chart(&id("no-such-token"), &usd(), ChartSpan::Day).await;
    assert!(matches!(chart, Attempt::Fail(error) if error == unknown));
}

#[tokio::test]
async fn the_simulator_keeps_the_promises_of_a_source() {
    let time = TestTime::new();
    check(&Simulator::new(42, time.clock()), &time).await;
}

#[tokio::test]
async fn the_client_keeps_the_promises_of_a_source() {
    let time = TestTime::new();
    let simulator = Arc::new(Simulator::new(42, time.clock()));
    let provider = Provider::start(move |seen| Some(as_coingecko(&simulator, seen))).await;
    check(&provider.client(Plan::Keyless, time.clock()), &time).await;
}

#[tokio::test]
async fn two_simulators_of_one_seed_agree_and_their_history_never_changes() {
    let (early, late) = (TestTime::new(), TestTime::new());
    late.pass_ms(3 * DAY_MS + 12_345);
    let chart = async |seed, time: &TestTime| {
        done(Simulator::new(seed, time.clock()).chart(&id("bitcoin"), &usd(), ChartSpan::Week).await)
    };
    let (then, now) = (chart(42, &early).await, chart(42, &late).await);
    let shared: Vec<&Point> = now.iter().filter(|point| point.at_ms <= early.now_ms()).collect();
    assert!(shared.len() >= 95);
    assert!(shared.iter().all(|point| then.contains(point)), "what was told stays true, to the bit");
    assert_ne!(then, chart(43, &early).await);
}

#[tokio::test]
async fn the_simulator_tells_prices_in_known_currencies_only() {
    let simulator = Simulator::new(42, TestTime::new().clock());
    let btc = done(simulator.prices(&[id("bitcoin")], &Currency::new("btc").unwrap()).await);
    assert!((btc.prices[0].price - 1.0).abs() < 1e-12);
    let attempt = simulator.prices(&[id("bitcoin")], &Currency::new("xxx").unwrap()).await;
    assert!(matches!(attempt, Attempt::Fail(SourceError::UnknownCurrency { .. })));
}

#[test]
fn each_market_has_a_key_of_its_own() {
    let clock = TestTime::new().clock();
    assert_ne!(Simulator::new(1, clock.clone()).key(), Simulator::new(2, clock.clone()).key());
    let client = |url: &str| {
        let config = eider_market::CoinGeckoConfig {
            base_url: url.into(),
            ..eider_market::CoinGeckoConfig::new(Plan::Keyless, None)
        };
        eider_market::CoinGecko::new(config, clock.clone()).unwrap().key()
    };
    assert_eq!(client(Plan::Keyless.base_url()), "CoinGecko");
    assert_eq!(
        client("http://127.0.0.1:9000/api/v3"),
        "CoinGecko@127.0.0.1:9000",
        "a stand-in is not the provider"
    );
}

/// The simulator without latency never waits.
fn block_on<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().unwrap()
}

/// What the provider would say if its market were the simulated one.
fn as_coingecko(simulator: &Simulator, seen: &Seen) -> axum::http::Response<axum::body::Body> {
    let parts: Vec<&str> = seen.path.trim_start_matches("/api/v3/").split('/').collect();
    let ids: Vec<TokenId> = seen.ids().into_iter().map(id).collect();
    let not_found = || reply(404, &[], r#"{"error":"coin not found"}"#);
    match parts.as_slice() {
        ["simple", "price"] => {
            let prices = done(block_on(simulator.prices(&ids, &usd()))).prices;
            json(&prices.iter().map(|price| (price.id.to_string(), json!({"usd": price.price}))).collect())
        }
        ["coins", "markets"] => {
            let count = seen.query["per_page"].parse().unwrap();
            let rows = if ids.is_empty() { Rows::Top(count) } else { Rows::Ids(&ids) };
            json(&done(block_on(simulator.markets(rows, &usd()))).iter().map(row).collect())
        }
        ["coins", token, "market_chart"] => {
            let span = match seen.query["days"].as_str() {
                "1" => ChartSpan::Day,
                "7" => ChartSpan::Week,
                "30" => ChartSpan::Month,
                _ => ChartSpan::Year,
            };
            match block_on(simulator.chart(&id(token), &usd(), span)) {
                Attempt::Done(points) => {
                    let prices: Vec<Value> =
                        points.iter().map(|point| json!([point.at_ms, point.price])).collect();
                    json(&json!({"prices": prices, "market_caps": [], "total_volumes": []}))
                }
                _ => not_found(),
            }
        }
        ["coins", token] => match block_on(simulator.token(&id(token), &usd(), None)) {
            Attempt::Done(reply) => {
                let details = reply.value.unwrap();
                let n = &details.numbers;
                let market = json!({
                    "current_price": {"usd": n.price}, "ath": {"usd": n.ath},
                    "high_24h": {"usd": n.high_24h}, "low_24h": {"usd": n.low_24h},
                });
                let mut body = row(n);
                body["market_data"] = market;
                body["description"] = json!({"en": details.profile.description});
                json(&body)
            }
            _ => not_found(),
        },
        ["search"] => {
            let found = done(block_on(simulator.search(&seen.query["query"])));
            let coins: Vec<Value> =
                found.iter().map(|t| json!({"id": t.id, "symbol": t.symbol, "name": t.name})).collect();
            json(&json!({"coins": coins, "exchanges": []}))
        }
        ["ping"] => json(&json!({"gecko_says": "(V3) To the Moon!"})),
        _ => reply(404, &[], ""),
    }
}

fn row(entry: &MarketEntry) -> Value {
    json!({
        "id": entry.token.id, "symbol": entry.token.symbol.to_lowercase(), "name": entry.token.name,
        "current_price": entry.price, "market_cap": entry.market_cap, "market_cap_rank": entry.token.rank,
        "sparkline_in_7d": {"price": entry.spark_7d},
    })
}
