//! The limits of outside services and of this API, and the controls of the first.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use engine::api::{LimitsView, ServiceLimits};
use serde::Serialize;
use utoipa::ToSchema;

use crate::caching;
use crate::problem::ProblemReply;
use crate::server::Shared;

const MAX_AGE_S: u64 = 1;

/// Every outside service.
#[derive(Serialize, ToSchema)]
pub(super) struct ServicePage {
    items: Vec<ServiceLimits>,
    /// Always `null`: there are few of them.
    next: Option<String>,
}

/// What of every limit is used: of outside services, and of this API itself.
#[utoipa::path(get, path = "/v1/limits", tag = "limits", security(("bearer" = [])), responses(
    (status = 200, description = "Every limit.", body = LimitsView),
    (status = 304, description = "It has the ETag named in If-None-Match."),
))]
pub(super) async fn limits(
    State(shared): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, ProblemReply> {
    let view = LimitsView { api: Some(shared.limiter.view()), ..shared.engine.limits_view() };
    Ok(caching::reply(&headers, &super::json(view)?, MAX_AGE_S))
}

/// The outside services, with limits, breaker and latency.
#[utoipa::path(get, path = "/v1/services", tag = "limits", security(("bearer" = [])), responses(
    (status = 200, description = "Every service.", body = ServicePage),
    (status = 304, description = "It has the ETag named in If-None-Match."),
))]
pub(super) async fn services(
    State(shared): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, ProblemReply> {
    let page = ServicePage { items: shared.engine.limits_view().services, next: None };
    Ok(caching::reply(&headers, &super::json(page)?, MAX_AGE_S))
}

/// Refuses every call to a service until it is closed again.
#[utoipa::path(post, path = "/v1/services/{name}/isolate", tag = "limits", security(("bearer" = [])),
    params(("name" = String, Path, description = "The service, as `/v1/services` names it.")), responses(
    (status = 200, description = "The service, switched off.", body = ServiceLimits),
    (status = 404, description = "There is no such service.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn isolate(
    State(shared): State<Shared>,
    Path(name): Path<String>,
) -> Result<Json<ServiceLimits>, ProblemReply> {
    Ok(Json(shared.engine.isolate_service(&name)?))
}

/// Lets calls to a service pass again, whatever its breaker thought of it.
#[utoipa::path(post, path = "/v1/services/{name}/close", tag = "limits", security(("bearer" = [])),
    params(("name" = String, Path, description = "The service, as `/v1/services` names it.")), responses(
    (status = 200, description = "The service; its calls pass.", body = ServiceLimits),
    (status = 404, description = "There is no such service.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn close(
    State(shared): State<Shared>,
    Path(name): Path<String>,
) -> Result<Json<ServiceLimits>, ProblemReply> {
    Ok(Json(shared.engine.close_service(&name)?))
}
