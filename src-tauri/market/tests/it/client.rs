//! Every shape of reply, over a real socket.

use std::time::{Duration, SystemTime};

use axum::body::Body;
use eider_market::{Clock, CoinGecko, CoinGeckoConfig, Currency, Plan, Rows, Source, SourceError, TokenId};
use limits::{Attempt, RetryAfter};
use serde_json::json;

use crate::provider::{Provider, json, reply};
use crate::rig::{id, usd};

/// What the pipeline is told to do, and the code of the error.
fn verdict<T: std::fmt::Debug>(attempt: &Attempt<T, SourceError>) -> (&'static str, &'static str) {
    match attempt {
        Attempt::Done(_) => ("done", ""),
        Attempt::Retry(error) => ("retry", error.code()),
        Attempt::NotSent(error) => ("not sent", error.code()),
        Attempt::Limited { after: None, error } => ("limited", error.code()),
        Attempt::Limited { after: Some(_), error } => ("wait", error.code()),
        Attempt::Fail(error) => ("fail", error.code()),
    }
}

fn text<T: std::fmt::Debug>(attempt: &Attempt<T, SourceError>) -> String {
    match attempt {
        Attempt::Done(value) => panic!("an error was expected, not {value:?}"),
        Attempt::Retry(error)
        | Attempt::NotSent(error)
        | Attempt::Limited { error, .. }
        | Attempt::Fail(error) => {
            format!("{error} {error:?}")
        }
    }
}

async fn price_against(
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> Attempt<eider_market::Prices, SourceError> {
    let headers: Vec<(String, String)> = headers.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
    let body = body.to_owned();
    let provider = Provider::start(move |_| {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        Some(reply(status, &headers, body.clone()))
    })
    .await;
    provider.client(Plan::Demo, Clock::system()).prices(&[id("bitcoin")], &usd()).await
}

/// Status, headers and body of a reply; what is to be done about it, and the code of the error.
type Case<'a> = (u16, Vec<(&'a str, &'a str)>, &'a str, &'a str, &'a str);

#[tokio::test]
async fn every_shape_of_failure_has_its_verdict() {
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(90));
    let limited = r#"{"status":{"error_code":429,"error_message":"You've exceeded the Rate Limit."}}"#;
    let html = "<!DOCTYPE html><html><body>Just a moment...</body></html>";
    let cases: Vec<Case<'_>> = vec![
        (429, vec![("retry-after", "119")], limited, "wait", "rate_limited"),
        (429, vec![("retry-after", &date)], limited, "wait", "rate_limited"),
        (429, vec![("retry-after", "soon")], limited, "limited", "rate_limited"),
        (500, vec![], r#"{"status":500,"error":"Internal Server Error"}"#, "retry", "source_error"),
        (503, vec![], html, "retry", "source_error"),
        (403, vec![], html, "fail", "source_forbidden"),
        (422, vec![], r#"{"error":"Missing parameter vs_currency"}"#, "fail", "source_error"),
        (
            401,
            vec![],
            r#"{"status":{"error_code":10002,"error_message":"API Key Missing"}}"#,
            "fail",
            "api_key_refused",
        ),
        (200, vec![("content-type", "text/html")], html, "retry", "source_not_json"),
        (200, vec![], r#"{"bitcoin":{"usd":671"#, "retry", "source_bad_reply"),
        (200, vec![], "", "retry", "source_not_json"),
        (200, vec![], "Throttled", "retry", "source_not_json"),
        (200, vec![], "[]", "fail", "source_bad_reply"),
        (200, vec![], limited, "limited", "rate_limited"),
        (304, vec![], "", "retry", "source_bad_reply"),
        (302, vec![("location", "http://127.0.0.1:1/")], "", "fail", "source_not_json"),
    ];
    for (status, headers, body, action, code) in cases {
        let attempt = price_against(status, &headers, body).await;
        assert_eq!(verdict(&attempt), (action, code), "{status} {body}");
    }
}

#[tokio::test]
async fn retry_after_is_passed_on_in_both_forms() {
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000);
    let cases = [
        ("119".to_owned(), RetryAfter::Delay(Duration::from_secs(119))),
        (httpdate::fmt_http_date(date), RetryAfter::At(date)),
    ];
    for (header, expected) in cases {
        let attempt = price_against(429, &[("retry-after", &header)], "").await;
        assert!(
            matches!(attempt, Attempt::Limited { after: Some(after), .. } if after == expected),
            "{header}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_silent_absent_or_breaks_off_is_worth_a_retry() {
    let silent = Provider::start(|_| None).await;
    let config = CoinGeckoConfig { timeout: Duration::from_millis(100), ..silent.config(Plan::Keyless) };
    let client = CoinGecko::new(config, Clock::system()).unwrap();
    assert_eq!(verdict(&client.ping().await), ("retry", "source_timed_out"));

    // Port 1 needs privileges to listen on, and nobody does.
    let absent = CoinGeckoConfig {
        base_url: "http://127.0.0.1:1".into(),
        ..CoinGeckoConfig::new(Plan::Keyless, None)
    };
    let client = CoinGecko::new(absent, Clock::system()).unwrap();
    assert_eq!(verdict(&client.ping().await), ("not sent", "source_unreachable"));

    let breaks_off = Provider::start(|_| {
        let parts = [Ok("{\"gecko_says\""), Err(std::io::Error::other("gone"))];
        Some(reply(200, &[], Body::from_stream(futures::stream::iter(parts))))
    })
    .await;
    let attempt = breaks_off.client(Plan::Keyless, Clock::system()).ping().await;
    assert_eq!(verdict(&attempt), ("retry", "source_unreachable"));
    assert!(!text(&attempt).contains("/api/v3"), "no URL: {}", text(&attempt));
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_given_up() {
    let provider = Provider::start(|_| {
        let chunk = || Ok::<_, std::io::Error>(vec![b' '; 1 << 20]);
        Some(reply(200, &[], Body::from_stream(futures::stream::iter((0..20).map(move |_| chunk())))))
    })
    .await;
    let attempt = provider.client(Plan::Keyless, Clock::system()).ping().await;
    assert_eq!(verdict(&attempt), ("fail", "source_bad_reply"));
    assert!(text(&attempt).contains("16 MiB"));
}

#[tokio::test]
async fn every_request_names_this_program_and_carries_the_key_of_its_plan_only() {
    let provider = Provider::start(|seen| {
        let named =
            seen.headers.get("user-agent").is_some_and(|agent| agent.to_str().unwrap().starts_with("eider/"));
        Some(if named { json(&json!({"gecko_says": "(V3) To the Moon!"})) } else { reply(403, &[], "") })
    })
    .await;
    for (plan, header) in [
        (Plan::Keyless, None),
        (Plan::Demo, Some("x-cg-demo-api-key")),
        (Plan::Pro, Some("x-cg-pro-api-key")),
    ] {
        let attempt = provider.client(plan, Clock::system()).ping().await;
        assert_eq!(verdict(&attempt), ("done", ""));
        let seen = provider.log().pop().unwrap();
        let keys: Vec<&str> =
            seen.headers.keys().map(|name| name.as_str()).filter(|n| n.starts_with("x-cg")).collect();
        assert_eq!(keys, header.into_iter().collect::<Vec<_>>());
        assert!(seen.query.is_empty(), "a key in a URL ends up in logs");
    }
}

#[tokio::test]
async fn the_key_shows_nowhere() {
    let attempt = price_against(401, &[], r#"{"error":"the key CG-secret-key is wrong"}"#).await;
    assert!(
        !text(&attempt).contains("CG-secret-key") && text(&attempt).contains("***"),
        "{}",
        text(&attempt)
    );
    let provider = Provider::start(|_| None).await;
    let config = provider.config(Plan::Demo);
    assert!(!format!("{config:?}").contains("CG-secret-key"));
    assert!(!format!("{:?}", CoinGecko::new(config, Clock::system()).unwrap()).contains("CG-secret-key"));
}

#[tokio::test]
async fn a_redirection_does_not_take_the_key_along() {
    let elsewhere = Provider::start(|_| Some(json(&json!({})))).await;
    let target = elsewhere.url();
    let provider = Provider::start(move |_| Some(reply(307, &[("location", &target)], ""))).await;
    let attempt = provider.client(Plan::Demo, Clock::system()).ping().await;
    assert_eq!((verdict(&attempt), elsewhere.calls()), (("fail", "source_not_json"), 0));
}

#[tokio::test]
async fn questions_are_asked_with_the_parameters_the_provider_documents() {
    let provider = Provider::start(|_| Some(json(&json!({})))).await;
    let client = provider.client(Plan::Keyless, Clock::system());
    let eur = Currency::new("eur").unwrap();
    let ids: Vec<TokenId> = vec![id("tether"), id("bitcoin"), id("tether")];
    let _ = client.prices(&ids, &eur).await;
    let _ = client.markets(Rows::Ids(&ids), &eur).await;
    let _ = client.markets(Rows::Top(250), &eur).await;
    let _ = client.chart(&ids[0], &eur, eider_market::ChartSpan::Week).await;
    let _ = client.token(&ids[0], &eur, None).await;
    let _ = client.search("duck & goose").await;
    let log = provider.log();
    let paths: Vec<&str> = log.iter().map(|seen| seen.path.strip_prefix("/api/v3").unwrap()).collect();
    let markets = "/coins/markets";
    assert_eq!(
        paths,
        ["/simple/price", markets, markets, "/coins/tether/market_chart", "/coins/tether", "/search"]
    );
    let asked =
        |n: usize, name: &str| log[n].query.get(name).map(String::as_str).unwrap_or_default().to_owned();
    assert_eq!(
        (asked(0, "ids"), asked(0, "vs_currencies"), asked(0, "precision")),
        ("bitcoin,tether".into(), "eur".into(), "full".into())
    );
    for field in ["include_market_cap", "include_24hr_vol", "include_24hr_change", "include_last_updated_at"]
    {
        assert_eq!(asked(0, field), "true", "{field}");
    }
    assert_eq!((asked(1, "ids"), asked(1, "sparkline")), ("bitcoin,tether".into(), "true".into()));
    assert!(
        asked(1, "per_page").parse::<u16>().unwrap() >= 2,
        "with ids the size of the page must be set too"
    );
    assert_eq!((asked(2, "per_page"), asked(2, "order")), ("250".into(), "market_cap_desc".into()));
    assert!(asked(2, "price_change_percentage").starts_with("1h,24h,7d"));
    assert_eq!(asked(3, "days"), "7");
    for field in ["localization", "tickers", "community_data", "developer_data"] {
        assert_eq!(asked(4, field), "false", "{field}");
    }
    assert_eq!(asked(5, "query"), "duck & goose");
}
