use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use engine::api::{Page, PriceItem};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::caching;
use crate::fields;
use crate::problem::ProblemReply;
use crate::server::Shared;

/// The most ids in one question.
const IDS_MAX: usize = 250;
const FIELDS: [&str; 13] = [
    "id",
    "symbol",
    "name",
    "currency",
    "price",
    "change_24h_pct",
    "volume_24h",
    "market_cap",
    "as_of_ms",
    "fetched_at_ms",
    "source",
    "cache_level",
    "stale",
];

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The source's token ids, separated by commas, 1 to 250; without it, the watched tokens.
    #[param(example = "duckchain-token,the-open-network")]
    ids: Option<String>,
    /// Only these fields of each item, separated by commas.
    fields: Option<String>,
}

/// The newest prices of up to 250 tokens, in the order of their ids.
///
/// They come from the cache where it has them; what it lacks is asked for once, in one call. A token without a
/// known price has `"price": null`.
#[utoipa::path(get, path = "/v1/prices", tag = "market", params(Params), security(("bearer" = [])), responses(
    (status = 200, body = Page<PriceItem>),
    (status = 400, body = ProblemReply, content_type = "application/problem+json"),
    (status = 401, body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn prices(
    State(shared): State<Shared>,
    headers: HeaderMap,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, ProblemReply> {
    let Query(params) =
        params.map_err(|refused| ProblemReply::bad_request("invalid", refused.body_text()))?;
    let ids = match &params.ids {
        Some(ids) => split_ids(ids)?,
        None => shared.engine.watched(),
    };
    let currency = shared.engine.currency();
    let quotes = shared.engine.prices(&ids).await?;
    let items = quotes.into_iter().map(|quote| PriceItem::new(quote, &currency)).collect();
    let mut reply = serde_json::to_value(Page { items, next: None }).map_err(|error| {
        ProblemReply::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
    })?;
    fields::select(&mut reply, params.fields.as_deref(), &FIELDS)?;
    Ok(caching::reply(&headers, &reply, 1))
}

fn split_ids(ids: &str) -> Result<Vec<String>, ProblemReply> {
    let mut split: Vec<String> = Vec::new();
    for id in ids.split(',').map(str::trim).filter(|id| !id.is_empty()) {
        if !split.iter().any(|known| known == id) {
            split.push(id.to_owned());
        }
    }
    if split.is_empty() || split.len() > IDS_MAX {
        let detail = format!("ids names {} tokens; name 1 to {IDS_MAX}, separated by commas", split.len());
        return Err(ProblemReply::bad_request("invalid", detail));
    }
    Ok(split)
}
