//! A mock made from the provider's OpenAPI description answers with the examples in it, whatever it is asked.

use std::sync::Arc;

use eider_market::{Plan, Range};
use serde_json::json;

use crate::provider::{Provider, json, reply};
use crate::rig::{Rig, TestTime, id, usd};

async fn mock() -> Provider {
    Provider::start(|seen| {
        let body = match seen.path.trim_start_matches("/api/v3") {
            "/ping" => json!({"gecko_says": "(V3) To the Moon!"}),
            "/simple/price" => json!({"bitcoin": {
                "usd": 67_187.335_893_656_6, "usd_market_cap": 1_317_802_988_326.25, "usd_24h_vol": 31_260_929_299.5,
                "usd_24h_change": 3.637_278_946_773_539, "last_updated_at": 1_711_356_300,
            }}),
            "/coins/markets" => json!([{
                "id": "bitcoin", "symbol": "btc", "name": "Bitcoin", "current_price": 70_187, "roi": null,
                "market_cap": 1_381_651_251_183_i64, "market_cap_rank": 1, "total_volume": 20_154_184_933_i64,
                "ath": 73_738, "ath_date": "2024-03-14T07:10:36.635Z", "last_updated": "2024-04-07T16:49:31.736Z",
            }]),
            "/search" => json!({"coins": [{"id": "bitcoin", "name": "Bitcoin", "symbol": "BTC", "market_cap_rank": 1}]}),
            path if path.ends_with("/market_chart") => json!({
                "prices": [[1_711_843_200_000_i64, 69_702.3], [1_711_929_600_000_i64, 71_246.9]],
                "market_caps": [[1_711_843_200_000_i64, 1_370_247_487_960.09]],
                "total_volumes": [[1_711_843_200_000_i64, 16_408_802_301.8]],
            }),
            path if path.starts_with("/coins/") => json!({
                "id": "bitcoin", "symbol": "btc", "name": "Bitcoin", "description": {"en": "Bitcoin is <a>first</a>."},
                "links": {"homepage": ["http://www.bitcoin.org", "", ""]}, "market_cap_rank": 1,
                "market_data": {"current_price": {"usd": 69_840}, "roi": null, "last_updated": "2024-04-07T15:24:51.021Z"},
            }),
            _ => return Some(reply(404, &[], "")),
        };
        Some(json(&body))
    })
    .await
}

#[tokio::test]
async fn examples_in_place_of_answers_break_nothing() {
    let (provider, folder, time) = (mock().await, tempfile::tempdir().unwrap(), TestTime::new());
    let rig = Rig::open(folder.path(), Arc::new(provider.client(Plan::Demo, time.clock())), &time).await;
    let market = &rig.market;
    market.ping().await.unwrap();
    let warmed = market.warm_essential_cache().await;
    assert_eq!((warmed.prices.updated, warmed.prices.unknown, warmed.table_rows), (1, 4, 1));
    assert!(warmed.problem.is_none());
    let quotes = market.quotes(&market.watched_ids(), &usd()).await;
    assert_eq!(quotes.iter().filter(|quoted| quoted.price.is_some()).count(), 1);
    let (_, at) = quotes[3].price.clone().unwrap();
    assert_eq!((at.as_of_ms, at.fetched_at_ms, at.source), (1_711_356_300_000, time.now_ms(), "CoinGecko"));
    for range in Range::ALL {
        market.history(&id("duckchain-token"), &usd(), range).await.unwrap();
    }
    let view = market.token(&id("duckchain-token"), &usd()).await.unwrap();
    assert_eq!(view.profile.token.id, id("duckchain-token"), "the id is the one asked for");
    assert_eq!(view.profile.description.as_deref(), Some("Bitcoin is first."));
    assert_eq!(market.search("duck").await.unwrap().len(), 1);
    assert_eq!(market.sparks(&market.watched_ids(), &usd()).await.unwrap().len(), 5);
    assert!(provider.calls_to("/simple/price") == 1 && market.problem().is_none());
    rig.close().await;
}
