//! What the provider says of a reply's life is obeyed.

use eider_market::{Plan, Source};
use limits::Attempt;
use serde_json::json;

use crate::provider::{Provider, json, reply};
use crate::rig::{Rig, TestTime, id, usd};

const CONTROL: &str = "max-age=30, public, must-revalidate, s-maxage=60";

/// Answers with a price and an `ETag`, and with 304 to whoever names it.
async fn provider() -> Provider {
    Provider::start(|seen| {
        let headers = [("etag", "W/\"abc\""), ("cache-control", CONTROL)];
        let known = seen.headers.get("if-none-match").is_some_and(|etag| etag == "W/\"abc\"");
        let body = json!({"bitcoin": {"usd": 67_187.33, "last_updated_at": 1_749_999_970}}).to_string();
        Some(if known { reply(304, &headers, "") } else { reply(200, &headers, body) })
    })
    .await
}

#[tokio::test]
async fn within_its_life_a_reply_is_not_asked_for_again_and_afterwards_conditionally() {
    let (provider, time) = (provider().await, TestTime::new());
    let client = provider.client(Plan::Keyless, time.clock());
    let ids = [id("bitcoin")];
    let ask = async || match client.prices(&ids, &usd()).await {
        Attempt::Done(prices) => {
            (prices.fetched_at_ms, prices.prices[0].as_of_ms.unwrap(), prices.prices[0].price)
        }
        other => panic!("{other:?}"),
    };
    assert!(client.prices_at_hand(&ids, &usd()).is_none());
    let first = ask().await;
    assert_eq!(first, (time.now_ms(), 1_749_999_970_000, 67_187.33));

    time.pass_ms(29_999);
    assert_eq!(ask().await, first, "the time stays the provider's and the fetch's");
    assert_eq!(client.prices_at_hand(&ids, &usd()).unwrap().fetched_at_ms, first.0);
    assert_eq!(provider.calls(), 1);

    time.pass_ms(1);
    assert!(client.prices_at_hand(&ids, &usd()).is_none());
    let confirmed = ask().await;
    assert_eq!(confirmed, (time.now_ms(), first.1, first.2), "304: the reply we hold is the reply");
    assert_eq!(provider.calls(), 2);
    assert_eq!(provider.log()[1].headers.get("if-none-match").unwrap(), "W/\"abc\"");

    time.pass_ms(29_999);
    ask().await;
    assert_eq!(provider.calls(), 2, "a confirmation renews the life");
}

#[tokio::test]
async fn another_url_is_another_reply_and_the_order_of_ids_is_none() {
    let (provider, time) = (provider().await, TestTime::new());
    let client = provider.client(Plan::Keyless, time.clock());
    let _ = client.prices(&[id("bitcoin"), id("tether")], &usd()).await;
    let _ = client.prices(&[id("tether"), id("bitcoin")], &usd()).await;
    assert_eq!(provider.calls(), 1);
    let _ = client.prices(&[id("bitcoin")], &usd()).await;
    let _ = client.prices(&[id("bitcoin"), id("tether")], &eider_market::Currency::new("eur").unwrap()).await;
    assert_eq!(provider.calls(), 3);
}

#[tokio::test]
async fn a_token_is_asked_for_with_the_validator_at_hand_and_told_in_every_currency() {
    let provider = Provider::start(|seen| {
        let headers = [("etag", "W/\"t1\""), ("cache-control", "max-age=30")];
        if seen.headers.get("if-none-match").is_some_and(|etag| etag == "W/\"t1\"") {
            return Some(reply(304, &headers, ""));
        }
        let body = json!({"id": "bitcoin", "market_data": {"current_price": {"usd": 2.0, "eur": 1.0}}});
        Some(reply(200, &headers, body.to_string()))
    })
    .await;
    let client = provider.client(Plan::Keyless, TestTime::new().clock());
    let ask = async |currency: &str, validator| {
        let currency = eider_market::Currency::new(currency).unwrap();
        match client.token(&id("bitcoin"), &currency, validator).await {
            Attempt::Done(reply) => {
                assert_eq!(reply.validator.as_deref(), Some("W/\"t1\""));
                assert_eq!(reply.fresh_for.as_secs(), 30);
                reply.value.map(|details| details.numbers.price.unwrap())
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ask("usd", None).await, Some(2.0));
    assert_eq!(ask("eur", None).await, Some(1.0));
    assert_eq!(ask("eur", Some("W/\"t1\"")).await, None, "304: what the asker holds still holds");
    assert_eq!(ask("eur", Some("W/\"t0\"")).await, Some(1.0));
    assert_eq!(ask("eur", Some("no header\n")).await, Some(1.0), "asked without it");
}

#[tokio::test]
async fn what_is_known_of_a_token_is_renewed_by_a_304_also_after_a_restart() {
    let provider = Provider::start(|seen| {
        let headers = [("etag", "\"t1\"")];
        if seen.headers.contains_key("if-none-match") {
            return Some(reply(304, &headers, ""));
        }
        if seen.path.ends_with("/markets") {
            return Some(json(&json!([])));
        }
        if !seen.path.ends_with("/bitcoin") {
            return Some(reply(404, &[], r#"{"error":"coin not found"}"#));
        }
        let body = json!({"id": "bitcoin", "symbol": "btc", "name": "Bitcoin", "description": {"en": "Money."},
            "market_data": {"current_price": {"usd": 2.0}}});
        Some(reply(200, &headers, body.to_string()))
    })
    .await;
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let asked_for_token = || provider.log().iter().filter(|seen| seen.path.ends_with("/bitcoin")).count();
    for (round, asked) in [(0, 1), (1, 1), (2, 2)] {
        let client = std::sync::Arc::new(provider.client(Plan::Keyless, time.clock()));
        let rig = Rig::open(folder.path(), client, &time).await;
        let view = rig.market.token(&id("bitcoin"), &usd()).await.unwrap();
        assert_eq!(view.profile.description.as_deref(), Some("Money."), "round {round}");
        assert_eq!(asked_for_token(), asked, "round {round}");
        rig.close().await;
        time.pass_ms(13 * 3_600_000);
    }
    let conditional = provider.log().iter().filter(|seen| seen.headers.contains_key("if-none-match")).count();
    assert_eq!(conditional, 1, "asked with what an earlier process was told");

    let client = std::sync::Arc::new(provider.client(Plan::Keyless, time.clock()));
    let rig = Rig::open(folder.path(), client, &time).await;
    for _ in 0..3 {
        let unknown = rig.market.token(&id("no-such-token"), &usd()).await.unwrap_err();
        assert_eq!(unknown.code(), "unknown_token");
    }
    let unknown = provider.log().iter().filter(|seen| seen.path.ends_with("/no-such-token")).count();
    assert_eq!(unknown, 1, "that there is none is remembered");
    rig.close().await;
}

#[tokio::test]
async fn a_failure_leaves_the_kept_reply_for_the_next_question() {
    let fail = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let failing = std::sync::Arc::clone(&fail);
    let provider = Provider::start(move |seen| {
        if failing.load(std::sync::atomic::Ordering::SeqCst) {
            return Some(reply(500, &[], ""));
        }
        if seen.headers.contains_key("if-none-match") {
            return Some(reply(304, &[], ""));
        }
        let mut reply = json(&json!({"bitcoin": {"usd": 1.0}}));
        reply.headers_mut().insert("etag", "\"x\"".parse().unwrap());
        Some(reply)
    })
    .await;
    let client = provider.client(Plan::Keyless, TestTime::new().clock());
    let ids = [id("bitcoin")];
    assert!(matches!(client.prices(&ids, &usd()).await, Attempt::Done(_)));
    fail.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(matches!(client.prices(&ids, &usd()).await, Attempt::Retry(_)));
    fail.store(false, std::sync::atomic::Ordering::SeqCst);
    assert!(
        matches!(client.prices(&ids, &usd()).await, Attempt::Done(prices) if prices.prices[0].price == 1.0)
    );
}
