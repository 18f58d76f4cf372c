use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use engine::api::{HistoryPage, Range};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::problem::ProblemReply;
use crate::server::Shared;
use crate::{caching, cursor, fields};

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 500;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// How far back: `1h`, `24h` (the default), `7d`, `30d` or `1y`.
    #[param(inline)]
    range: Option<Range>,
    /// How many points, 1 to 500; 50 where it is not given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// Only these fields of each item, separated by commas.
    fields: Option<String>,
}

/// The price of one token over a range, newest point first.
#[utoipa::path(get, path = "/v1/tokens/{id}/history", tag = "market", security(("bearer" = [])),
    params(("id" = String, Path, description = "The source's token id."), Params), responses(
    (status = 200, body = HistoryPage),
    (status = 400, body = ProblemReply, content_type = "application/problem+json"),
    (status = 401, body = ProblemReply, content_type = "application/problem+json"),
    (status = 404, body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn history(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, ProblemReply> {
    let Query(params) =
        params.map_err(|refused| ProblemReply::bad_request("invalid", refused.body_text()))?;
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(ProblemReply::bad_request(
            "invalid",
            format!("limit is {limit}; accepted: 1 to {LIMIT_MAX}"),
        ));
    }
    let range = params.range.unwrap_or(Range::Day);
    let list = format!("history/{id}/{range:?}");
    let before_ms =
        params.cursor.as_deref().map(|text| cursor::open(&shared.token, &list, text)).transpose()?;
    let history = shared.engine.history(&id, range).await?;
    let page = HistoryPage::new(history, before_ms, limit, |at_ms| cursor::seal(&shared.token, &list, at_ms));
    let mut reply = serde_json::to_value(page).map_err(|error| {
        ProblemReply::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
    })?;
    fields::select(&mut reply, params.fields.as_deref(), &["at_ms", "price", "volume_24h"])?;
    Ok(caching::reply(&headers, &reply, 5))
}
