//! `ETag` and `Cache-Control` for replies that can be kept.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// Answers with the value, or with 304 where the client has it already.
pub(crate) fn reply(request: &HeaderMap, value: &Value, max_age_s: u64) -> Response {
    let body = value.to_string();
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    let known = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|known| known.to_str().ok());
    let unchanged = known
        .flat_map(|known| known.split(','))
        .map(str::trim)
        .any(|known| known == "*" || same(known, &tag));
    let mut response =
        if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
    let headers = response.headers_mut();
    if !unchanged {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Ok(control) = HeaderValue::from_str(&format!("private, max-age={max_age_s}")) {
        headers.insert(header::CACHE_CONTROL, control);
    }
    response
}

/// The weak comparison, as `If-None-Match` asks for: a client may have dropped the mark of a weak tag.
fn same(one: &str, other: &str) -> bool {
    one.trim_start_matches("W/") == other.trim_start_matches("W/")
}
