//! What a status and its body mean, and what the pipeline should do about it.

use std::error::Error;

use limits::Attempt;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::value::{at, number, text};
use crate::{SourceError, TokenId};

/// The longest text of the provider that is passed on, in characters.
const TEXT_MAX: usize = 200;

/// The provider's codes for a missing or wrong key, and for a key sent to the other plan's address.
const KEY_CODES: [u16; 4] = [10_002, 10_003, 10_010, 10_011];
/// Its codes for questions beyond the plan: paid endpoints, and history older than 365 days.
const PLAN_CODES: [u16; 2] = [10_005, 10_012];

/// Judges a reply that is not a success.
pub(super) fn judge<T>(
    host: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    subject: Option<&TokenId>,
) -> Attempt<T, SourceError> {
    let parsed = serde_json::from_slice(body).unwrap_or(Value::Null);
    let host = host.to_owned();
    let text = message(&parsed).unwrap_or_else(|| default_text(status));
    let error = match (status.as_u16(), code(&parsed)) {
        (429, _) => SourceError::RateLimited { host },
        (400..=499, Some(code)) if KEY_CODES.contains(&code) => SourceError::KeyRefused { host, text },
        (400..=499, Some(code)) if PLAN_CODES.contains(&code) => SourceError::NotInPlan { host, text },
        (401, _) => SourceError::KeyRefused { host, text },
        (403, _) => SourceError::Forbidden { host },
        (404, _) if let Some(id) = subject => SourceError::UnknownToken { id: id.clone() },
        (status, _) => SourceError::Http { host, status, text },
    };
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Attempt::refused(status.as_u16(), retry_after, error)
}

/// An error that came with status 200, as some of the provider's gateways send it.
pub(super) fn hidden_status(body: &Value) -> Option<StatusCode> {
    let status = body.get("status")?;
    let code = number(at(status, &["error_code"])).or_else(|| number(status))?;
    StatusCode::from_u16(code as u16).ok().filter(|code| code.is_client_error() || code.is_server_error())
}

/// Judges a call that brought no reply at all.
pub(super) fn judge_transport<T>(host: &str, error: &reqwest::Error) -> Attempt<T, SourceError> {
    let host = host.to_owned();
    if error.is_timeout() {
        return Attempt::Retry(SourceError::TimedOut { host });
    }
    if error.is_redirect() {
        return Attempt::Fail(SourceError::NotJson { host, found: "a redirection" });
    }
    let (connected, unreachable) =
        (!error.is_connect(), SourceError::Unreachable { host, reason: innermost(error) });
    if connected { Attempt::Retry(unreachable) } else { Attempt::NotSent(unreachable) }
}

/// The innermost cause is the fact ("connection refused"); the outer ones only say where it was noticed.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    // reqwest's own text holds the URL; the causes below it do not.
    match cause.downcast_ref::<reqwest::Error>() {
        Some(_) => "the connection broke".to_owned(),
        None => cause.to_string().chars().filter(|c| !c.is_control()).take(TEXT_MAX).collect(),
    }
}

/// The provider's own code, wherever it stands.
fn code(body: &Value) -> Option<u16> {
    let places: [&[&str]; 4] = [
        &["error_code"],
        &["status", "error_code"],
        &["error", "status", "error_code"],
        &["error", "error_code"],
    ];
    places.iter().find_map(|place| number(at(body, place))).map(|code| code as u16)
}

/// The provider's own words, wherever they stand.
fn message(body: &Value) -> Option<String> {
    let places: [&[&str]; 5] = [
        &["status", "error_message"],
        &["error", "status", "error_message"],
        &["error_message"],
        &["error", "message"],
        &["error"],
    ];
    places.iter().find_map(|place| text(at(body, place), TEXT_MAX))
}

fn default_text(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or("no reason given").to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn outcome(status: u16, body: &str, retry_after: Option<&str>) -> (&'static str, SourceError) {
        let mut headers = HeaderMap::new();
        if let Some(after) = retry_after {
            headers.insert(RETRY_AFTER, after.parse().unwrap());
        }
        let id = TokenId::new("no-such").unwrap();
        match judge::<()>("h", StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes(), Some(&id)) {
            Attempt::Done(()) | Attempt::NotSent(_) => unreachable!("a reply that is a failure"),
            Attempt::Retry(error) => ("retry", error),
            Attempt::Limited { after, error } => (if after.is_some() { "wait" } else { "limited" }, error),
            Attempt::Fail(error) => ("fail", error),
        }
    }

    #[test]
    fn every_error_shape_seen_has_its_meaning() {
        let cases = [
            (
                429,
                r#"{"status":{"error_code":429,"error_message":"slow down"}}"#,
                Some("119"),
                "wait",
                "rate_limited",
            ),
            (429, "<html>", None, "limited", "rate_limited"),
            (
                400,
                r#"{"error_code":10012,"status":{"error_message":"beyond 365 days"}}"#,
                None,
                "fail",
                "not_in_plan",
            ),
            (
                401,
                r#"{"error":{"status":{"error_code":10012,"error_message":"old"}}}"#,
                None,
                "fail",
                "not_in_plan",
            ),
            (
                400,
                r#"{"status":{"error_code":10010,"error_message":"wrong root"}}"#,
                None,
                "fail",
                "api_key_refused",
            ),
            (
                401,
                r#"{"status":{"error_code":10002,"error_message":"no key"}}"#,
                None,
                "fail",
                "api_key_refused",
            ),
            (401, "", None, "fail", "api_key_refused"),
            (403, "<html>Access denied", None, "fail", "source_forbidden"),
            (404, r#"{"error":"coin not found"}"#, None, "fail", "unknown_token"),
            (422, r#"{"error":"Missing parameter vs_currency"}"#, None, "fail", "source_error"),
            (500, r#"{"status":500,"error":"Internal Server Error"}"#, None, "retry", "source_error"),
            (502, "<html>Bad gateway", None, "retry", "source_error"),
            (503, "", Some("30"), "wait", "source_error"),
            (408, "", None, "retry", "source_error"),
            (418, "[]", None, "fail", "source_error"),
        ];
        for (status, body, after, action, code) in cases {
            let (did, error) = outcome(status, body, after);
            assert_eq!((did, error.code()), (action, code), "{status} {body}");
        }
    }

    #[test]
    fn the_providers_words_are_passed_on_bounded_and_markup_is_not() {
        let long = format!(r#"{{"error":"{}"}}"#, "x".repeat(5000));
        let (_, error) = outcome(422, &long, None);
        assert!(matches!(error, SourceError::Http { text, .. } if text.len() == TEXT_MAX));
        let (_, error) = outcome(502, "<html><b>Bad", None);
        assert!(matches!(error, SourceError::Http { text, .. } if text == "Bad Gateway"));
    }

    #[test]
    fn an_error_inside_a_success_is_found_and_a_token_called_status_is_none() {
        let hidden =
            |text: &str| hidden_status(&serde_json::from_str(text).unwrap()).map(|code| code.as_u16());
        assert_eq!(hidden(r#"{"status":{"error_code":429,"error_message":"…"}}"#), Some(429));
        assert_eq!(hidden(r#"{"status":500,"error":"Internal Server Error"}"#), Some(500));
        assert_eq!(hidden(r#"{"status":{"usd":0.02}}"#), None);
        assert_eq!(hidden(r#"[{"status":500}]"#), None);
    }
}
