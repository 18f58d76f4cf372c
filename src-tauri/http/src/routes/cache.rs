//! The cache: what it holds, one entry of it, and its controls.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use engine::api::{CacheEntry, CacheView, Invalidation, Problem, Warming};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::caching;
use crate::problem::ProblemReply;
use crate::server::Shared;

const MAX_AGE_S: u64 = 1;

/// Levels, regions and classes, with how long each class is fresh at the present load.
#[utoipa::path(get, path = "/v1/cache", tag = "cache", security(("bearer" = [])), responses(
    (status = 200, description = "The whole cache.", body = CacheView),
    (status = 304, description = "It has the ETag named in If-None-Match."),
))]
pub(super) async fn view(State(shared): State<Shared>, headers: HeaderMap) -> Result<Response, ProblemReply> {
    Ok(caching::reply(&headers, &super::json(shared.engine.cache_view())?, MAX_AGE_S))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// The region, as `/v1/cache` names it.
    #[param(min_length = 1, max_length = 64)]
    region: String,
    /// The key in it, at most 512 bytes.
    #[param(min_length = 1, max_length = 512)]
    key: String,
}

/// Where an entry is, how old it is and when it expires; never its value.
#[utoipa::path(get, path = "/v1/cache/entry", tag = "cache", params(Which), security(("bearer" = [])), responses(
    (status = 200, description = "The entry.", body = CacheEntry),
    (status = 400, description = "A parameter is missing, unknown or out of its range.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 404, description = "There is no such region, or no level holds the key.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn entry(
    State(shared): State<Shared>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<CacheEntry>, ProblemReply> {
    let Query(Which { region, key }) =
        which.map_err(|refused| ProblemReply::bad_request("invalid", refused.body_text()))?;
    let found = shared.engine.cache_entry(&region, &key).await?;
    let missing = || ProblemReply::from(Problem::new("not_cached", "No level holds this key."));
    found.map(Json).ok_or_else(missing)
}

/// Invalidates everything that carries a tag, or one key; durable when it answers.
#[utoipa::path(post, path = "/v1/cache/invalidate", tag = "cache", request_body = Invalidation,
    security(("bearer" = [])), responses(
    (status = 204, description = "It holds at every level, also for what is being computed."),
    (status = 400, description = "The body is neither {tag} nor {region, key}, or one of them is out of its range.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 404, description = "There is no such region.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 413, description = "The body is too large.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 415, description = "The body is not application/json.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn invalidate(
    State(shared): State<Shared>,
    what: Result<Json<Invalidation>, JsonRejection>,
) -> Result<StatusCode, ProblemReply> {
    let Json(what) = what.map_err(|refused| super::bad_body(&refused))?;
    shared.engine.invalidate_cache(what).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes every entry of a region, and none of any other; durable when it answers.
#[utoipa::path(delete, path = "/v1/cache/regions/{name}", tag = "cache", security(("bearer" = [])),
    params(("name" = String, Path, description = "The region, as `/v1/cache` names it.")), responses(
    (status = 204, description = "The region is empty."),
    (status = 404, description = "There is no such region.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn clear(
    State(shared): State<Shared>,
    Path(name): Path<String>,
) -> Result<StatusCode, ProblemReply> {
    shared.engine.clear_cache_region(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Loads what will be asked for: hot keys, watched prices, the market table, missing charts.
#[utoipa::path(post, path = "/v1/cache/warm", tag = "cache", security(("bearer" = [])), responses(
    (status = 200, description = "What was loaded, and why it is not complete where it is not.", body = Warming),
))]
pub(super) async fn warm(State(shared): State<Shared>) -> Result<Json<Warming>, ProblemReply> {
    Ok(Json(shared.engine.warm_cache().await?))
}
