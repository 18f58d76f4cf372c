//! One token's prices over a range.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use engine::api::{HistoryPage, HistoryPoint, Range};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::fields::{self, Fields};
use crate::page::{self, CursorText, IdText};
use crate::problem::ProblemReply;
use crate::server::Shared;
use crate::{caching, cursor};

const LIMIT_DEFAULT: usize = 50;
/// Points of a day lie five minutes apart and the newest moves with every refresh.
const MAX_AGE_S: u64 = 5;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Token {
    /// The source's token id.
    #[param(inline)]
    id: IdText,
}

type PointFields = Fields<HistoryPoint>;

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
    #[param(inline)]
    cursor: Option<CursorText>,
    /// Only these fields of each item, separated by commas.
    #[param(inline, style = Form, explode = false)]
    fields: Option<PointFields>,
}

/// The price of one token over a range, newest point first.
///
/// What is stored is told at once; where that has holes, the source is asked for the rest. `problem` says why a
/// range is not complete.
#[utoipa::path(get, path = "/v1/tokens/{id}/history", tag = "market", security(("bearer" = [])),
    params(Token, Params), responses(
    (status = 200, description = "A page of points.", body = HistoryPage),
    (status = 304, description = "It has the ETag named in If-None-Match."),
    (status = 400, description = "A parameter is unknown or out of its range, or the cursor is not of this list.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 404, description = "The source knows no such token.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn history(
    State(shared): State<Shared>,
    token: Result<Path<Token>, PathRejection>,
    headers: HeaderMap,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, ProblemReply> {
    let refused = |text: String| ProblemReply::bad_request("invalid", text);
    let Path(Token { id: IdText(id) }) = token.map_err(|error| refused(error.body_text()))?;
    let Query(params) = params.map_err(|error| refused(error.body_text()))?;
    let limit = page::length(params.limit, LIMIT_DEFAULT)?;
    let range = params.range.unwrap_or(Range::Day);
    let list = format!("history/{id}/{range:?}");
    let before_ms = match &params.cursor {
        Some(CursorText(text)) => Some(cursor::open(&shared.token, &list, text)?),
        None => None,
    };
    let history = shared.engine.history(&id, range).await?;
    let page = HistoryPage::new(history, before_ms, limit, |at_ms| cursor::seal(&shared.token, &list, at_ms));
    let mut reply = super::json(page)?;
    fields::select(&mut reply, params.fields.as_ref())?;
    Ok(caching::reply(&headers, &reply, MAX_AGE_S))
}
