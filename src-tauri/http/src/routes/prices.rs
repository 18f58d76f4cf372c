//! The newest prices of many tokens.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use engine::api::{PriceItem, PricePage};
use serde::Deserialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::fields::{self, Fields};
use crate::page::{self, CursorText, IdText, Words, words_schema};
use crate::problem::ProblemReply;
use crate::server::Shared;
use crate::{caching, cursor};

/// The most ids in one question: as many as one call to the source carries.
const IDS_MAX: usize = 250;
/// Room for every id that can be named, so that a list without `limit` is whole.
const LIMIT_DEFAULT: usize = 500;
const MAX_AGE_S: u64 = 1;

type PriceFields = Fields<PriceItem>;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The source's token ids, separated by commas, 1 to 250; without it, the watched tokens. One that is named
    /// twice is told once.
    #[param(inline, style = Form, explode = false, example = json!(["duckchain-token", "the-open-network"]))]
    ids: Option<Ids>,
    /// How many items, 1 to 500; all where it is not given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// The `next` of the page before, of the same ids.
    #[param(inline)]
    cursor: Option<CursorText>,
    /// Only these fields of each item, separated by commas.
    #[param(inline, style = Form, explode = false)]
    fields: Option<PriceFields>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Ids(Words);

impl PartialSchema for Ids {
    fn schema() -> RefOr<Schema> {
        words_schema(IdText::schema(), IDS_MAX)
    }
}
impl ToSchema for Ids {}

/// The newest prices of up to 250 tokens, in the order of their ids.
///
/// They come from the cache where it has them; what it lacks is asked for once, in one call. A token without a
/// known price has `"price": null`; `problem` tells where that is because the source could not be asked.
#[utoipa::path(get, path = "/v1/prices", tag = "market", params(Params), security(("bearer" = [])), responses(
    (status = 200, description = "A page of prices.", body = PricePage),
    (status = 304, description = "It has the ETag named in If-None-Match."),
    (status = 400, description = "A parameter is unknown or out of its range, or the cursor is not of this list.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn prices(
    State(shared): State<Shared>,
    headers: HeaderMap,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, ProblemReply> {
    let Query(params) =
        params.map_err(|refused| ProblemReply::bad_request("invalid", refused.body_text()))?;
    let limit = page::length(params.limit, LIMIT_DEFAULT)?;
    let ids = match params.ids {
        Some(Ids(Words(ids))) => distinct(ids)?,
        None => shared.engine.watched(),
    };
    // A watchlist that has changed since is another list.
    let list = format!("prices/{}", ids.join(","));
    let from = match &params.cursor {
        Some(CursorText(text)) => cursor::open(&shared.token, &list, text)? as usize,
        None => 0,
    };
    let to = ids.len().min(from.saturating_add(limit));
    let next = (to < ids.len()).then(|| cursor::seal(&shared.token, &list, to as i64));
    let currency = shared.engine.currency();
    let (quotes, problem) = shared.engine.prices(ids.get(from..to).unwrap_or_default()).await?;
    let items = quotes.into_iter().map(|quote| PriceItem::new(quote, &currency)).collect();
    let mut reply = super::json(PricePage { items, next, problem })?;
    fields::select(&mut reply, params.fields.as_ref())?;
    Ok(caching::reply(&headers, &reply, MAX_AGE_S))
}

fn distinct(ids: Vec<String>) -> Result<Vec<String>, ProblemReply> {
    if ids.len() > IDS_MAX {
        let detail = format!("ids names {} tokens; name 1 to {IDS_MAX}, separated by commas", ids.len());
        return Err(ProblemReply::bad_request("invalid", detail));
    }
    let mut seen = std::collections::HashSet::new();
    Ok(ids.iter().filter(|id| seen.insert(id.as_str())).cloned().collect())
}
