//! Every shape of reply that was seen of the provider, and what a person sees of it.

use std::time::{Duration, SystemTime};

use eider_engine::api::{Problem, Range, ServiceState};
use serde_json::json;

use crate::provider::{Fault, Provider, invented_price};
use crate::rig::{Rig, Seen};

const TON: &str = "the-open-network";
const NO_LIMIT: &str = "rate_limit_per_minute = 1000";

#[tokio::test]
async fn watched_prices_arrive_with_their_source_and_age() {
    let provider = Provider::start().await;
    let rig = Rig::start(&provider, NO_LIMIT).await;
    let quote = rig.quote_when(TON, |quote| quote.price.is_some()).await;
    assert_eq!(quote.price, Some(invented_price(TON)));
    assert_eq!(quote.change_24h_pct, Some(1.5));
    let provenance = quote.provenance.unwrap();
    assert_eq!(provenance.source, "CoinGecko");
    assert!(
        provenance.fetched_at_ms - provenance.as_of_ms >= 11_000,
        "the provider's own time: {provenance:?}"
    );
    let status = rig.status_when(|status| status.market.state == ServiceState::Up).await;
    assert_eq!(status.market.problem, None);
    let call = provider.calls("/simple/price").remove(0);
    assert!(call.header("user-agent").unwrap().starts_with("eider/"), "{:?}", call.headers);
    assert_eq!(call.header("x-cg-demo-api-key"), None);
    rig.stop().await;
}

#[tokio::test]
async fn an_api_key_goes_into_the_header_of_its_plan_and_nowhere_else() {
    for (plan, header, other) in
        [("demo", "x-cg-demo-api-key", "x-cg-pro-api-key"), ("pro", "x-cg-pro-api-key", "x-cg-demo-api-key")]
    {
        let provider = Provider::start().await;
        provider.always(
            "/simple/price",
            Fault::Reply(
                401,
                vec![],
                r#"{"status":{"error_code":10002,"error_message":"bad key CG-s3cr3t"}}"#.into(),
            ),
        );
        let rig = Rig::start(&provider, &format!("api_key = \"CG-s3cr3t\"\nplan = \"{plan}\"")).await;
        let calls = provider.until("/simple/price", |calls| !calls.is_empty()).await;
        assert_eq!((calls[0].header(header), calls[0].header(other)), (Some("CG-s3cr3t"), None));
        assert!(!calls[0].query.values().any(|value| value.contains("s3cr3t")));
        let status = rig.status_when(|status| status.market.problem.is_some()).await;
        assert!(!format!("{status:?}").contains("s3cr3t"), "the provider's text repeats the key: {status:?}");
        let folder = rig.stop().await;
        for entry in std::fs::read_dir(folder.path().join("data/logs")).unwrap() {
            let log = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            assert!(!log.contains("s3cr3t"), "{log}");
        }
    }
}

/// Lets every call for prices meet a fault, and returns what a person is told.
async fn told(fault: Fault, config: &str) -> (Problem, ServiceState) {
    let provider = Provider::start().await;
    provider.always("/", fault);
    let rig = Rig::start(&provider, config).await;
    let status = rig.status_when(|status| status.market.problem.is_some()).await;
    let notice = status.notices.iter().find(|notice| notice.key == "market").expect("it needs a person");
    assert!(notice.body.contains("Prices serve from the cache"), "{notice:?}");
    rig.stop().await;
    (status.market.problem.unwrap(), status.market.state)
}

fn reply(status: u16, body: &str) -> Fault {
    Fault::Reply(status, vec![], body.to_owned())
}

#[tokio::test]
async fn each_failure_is_one_sentence_with_a_code() {
    let html = Fault::Reply(
        200,
        vec![("content-type", "text/html".into())],
        "<!DOCTYPE html><html><title>Just a moment...</title></html>".to_owned(),
    );
    for (fault, code, says, state) in [
        (
            reply(500, r#"{"status":500,"error":"Internal Server Error"}"#),
            "source_error",
            "500",
            ServiceState::Down,
        ),
        (reply(403, "Forbidden"), "source_forbidden", "403", ServiceState::Down),
        (
            reply(400, r#"{"error_code":10012,"status":{"error_message":"bad"}}"#),
            "not_in_plan",
            "bad",
            ServiceState::Degraded,
        ),
        (
            reply(422, r#"{"error":"Missing parameter vs_currency"}"#),
            "source_error",
            "Missing",
            ServiceState::Down,
        ),
        (html, "source_not_json", "instead of data", ServiceState::Down),
        (Fault::CutShort, "", "", ServiceState::Down),
        (reply(200, r#"{"bitcoin":{"usd":6"#), "source_bad_reply", "cannot be read", ServiceState::Down),
        (reply(200, "null"), "source_bad_reply", "cannot be read", ServiceState::Down),
        (Fault::NotModified, "source_bad_reply", "nothing changed", ServiceState::Down),
        (Fault::Hang, "source_timed_out", "did not answer in time", ServiceState::Down),
    ] {
        let shown = format!("{fault:?}");
        let (problem, seen) = told(fault, &format!("{NO_LIMIT}\ntimeout_s = 1\nattempts = 1")).await;
        assert!(code.is_empty() || problem.code == code, "{shown}: {problem:?}");
        assert!(problem.message.contains(says), "{shown}: {problem:?}");
        assert!(problem.message.ends_with('.') && !problem.message.contains('\n'), "{shown}: {problem:?}");
        assert_eq!(seen, state, "{shown}: {problem:?}");
    }
}

#[tokio::test]
async fn a_429_is_obeyed_whether_it_tells_seconds_or_a_date() {
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(121));
    for (after, at_least) in [("119".to_owned(), 100_000), (date, 90_000)] {
        let provider = Provider::start().await;
        let body = r#"{"status":{"error_code":429,"error_message":"You've exceeded the Rate Limit."}}"#;
        provider.always("/", Fault::Reply(429, vec![("retry-after", after.clone())], body.to_owned()));
        let rig = Rig::start(&provider, NO_LIMIT).await;
        let status = rig.status_when(|status| status.market.problem.is_some()).await;
        let problem = status.market.problem.unwrap();
        assert!(
            problem.retry_after_ms.is_some_and(|wait| wait >= at_least && wait <= 125_000),
            "{after}: {problem:?}"
        );
        assert_eq!(status.market.state, ServiceState::Degraded);
        let sent = provider.calls("/").len();
        // Whoever asks now is refused at once, and the provider hears nothing.
        rig.engine.refresh().await.unwrap();
        rig.engine.markets().await.unwrap();
        rig.engine.history(TON, Range::Week).await.unwrap();
        assert!(rig.engine.search("ton").await.is_err());
        // Calls that were in flight when the first 429 came are all that may have followed it.
        assert!(sent <= 4, "{sent}");
        assert_eq!(provider.calls("/").len(), sent, "{after}");
        rig.stop().await;
    }
}

#[tokio::test]
async fn odd_numbers_and_unknown_tokens_are_taken_as_they_are() {
    let provider = Provider::start().await;
    provider.price(
        TON,
        json!({ "usd": 7.8e-11, "usd_24h_change": null, "usd_24h_vol": null, "last_updated_at": null }),
    );
    provider.price("bitcoin", json!({ "usd": null, "usd_24h_change": null }));
    let rig = Rig::start(&provider, NO_LIMIT).await;
    rig.engine.watch("unknown-token", None).await.unwrap();
    let tiny = rig.quote_when(TON, |quote| quote.price.is_some()).await;
    assert_eq!((tiny.price, tiny.change_24h_pct, tiny.volume_24h), (Some(7.8e-11), None, None));
    let mut seen = Seen::new(&rig.engine);
    seen.until(|seen| seen.quotes.len() == 6).await;
    for missing in ["bitcoin", "unknown-token"] {
        let quote = seen.quotes.iter().find(|quote| quote.id == missing).unwrap();
        assert_eq!((quote.price, quote.provenance.is_none()), (None, true), "{missing}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn an_unchanged_reply_costs_no_body_and_keeps_the_price_fresh() {
    let provider = Provider::start().await;
    provider.header("etag", "W/\"1\"");
    provider.header("cache-control", "max-age=0, public, must-revalidate");
    let rig = Rig::start(&provider, NO_LIMIT).await;
    rig.quote_when(TON, |quote| quote.price.is_some()).await;
    let first = rig.quote_when(TON, |quote| quote.price.is_some()).await.provenance.unwrap();
    provider.always("/simple/price", Fault::NotModified);
    let before = provider.calls("/simple/price").len();
    rig.engine.refresh().await.unwrap();
    let calls = provider.until("/simple/price", |calls| calls.len() > before).await;
    assert_eq!(calls.last().unwrap().header("if-none-match"), Some("W/\"1\""));
    let again = rig
        .quote_when(TON, |quote| {
            quote.provenance.as_ref().is_some_and(|from| from.fetched_at_ms > first.fetched_at_ms)
        })
        .await;
    assert_eq!(again.price, Some(invented_price(TON)));
    assert_eq!(again.provenance.unwrap().as_of_ms, first.as_of_ms, "the price itself did not become newer");
    rig.stop().await;
}

#[tokio::test]
async fn within_max_age_nothing_is_asked_again() {
    let provider = Provider::start().await;
    provider.header("etag", "W/\"1\"");
    provider.header("cache-control", "max-age=3000, public");
    let rig = Rig::start(&provider, NO_LIMIT).await;
    rig.quote_when(TON, |quote| quote.price.is_some()).await;
    let before = provider.calls("/simple/price").len();
    for _ in 0..3 {
        rig.engine.refresh().await.unwrap();
        rig.engine.prices(&[TON.to_owned()]).await.unwrap();
    }
    let mut seen = Seen::new(&rig.engine);
    seen.until(|seen| seen.status.is_some()).await;
    assert_eq!(provider.calls("/simple/price").len(), before);
    rig.stop().await;
}

#[tokio::test]
async fn a_token_page_shows_plain_text_and_a_search_finds_tokens() {
    let provider = Provider::start().await;
    let rig = Rig::start(&provider, NO_LIMIT).await;
    let token = rig.engine.token(TON).await.unwrap();
    assert_eq!(token.description.as_deref(), Some("A coin with a link."));
    assert_eq!((token.homepage.as_deref(), token.market_cap), (Some("https://ton.org"), token.market_cap));
    let found = rig.engine.search("ton").await.unwrap();
    assert_eq!((found[0].id.as_str(), found[0].watched, found[1].rank), (TON, true, None));
    let history = rig.engine.history(TON, Range::Month).await.unwrap();
    assert!(
        history.at_ms.len() > 700 && history.problem.is_none(),
        "{} {:?}",
        history.at_ms.len(),
        history.problem
    );
    let table = rig.engine.markets().await.unwrap();
    let ids: Vec<&str> = table.rows.iter().map(|row| row.id.as_str()).collect();
    assert!(ids.contains(&"bitcoin") && ids.contains(&"duckchain-token"), "{ids:?}");
    rig.stop().await;
}
