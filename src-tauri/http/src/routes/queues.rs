//! The queues of jobs, and their controls.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use engine::api::QueueView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::caching;
use crate::problem::ProblemReply;
use crate::server::Shared;

const MAX_AGE_S: u64 = 1;

/// Every queue.
#[derive(Serialize, ToSchema)]
pub(super) struct QueuePage {
    items: Vec<QueueView>,
    /// Always `null`: there are few of them.
    next: Option<String>,
}

/// How many jobs of a queue run at once.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Concurrency {
    #[schema(minimum = 1, maximum = 1000)]
    concurrency: u32,
}

/// The queues: what is in them, how long jobs wait and run, and how many end.
#[utoipa::path(get, path = "/v1/queues", tag = "jobs", security(("bearer" = [])), responses(
    (status = 200, description = "Every queue.", body = QueuePage),
    (status = 304, description = "It has the ETag named in If-None-Match."),
))]
pub(super) async fn queues(
    State(shared): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, ProblemReply> {
    let page = QueuePage { items: shared.engine.queues().await?, next: None };
    Ok(caching::reply(&headers, &super::json(page)?, MAX_AGE_S))
}

/// Starts no more jobs of a queue; it goes on taking them, also after a restart.
#[utoipa::path(post, path = "/v1/queues/{name}/pause", tag = "jobs", security(("bearer" = [])),
    params(("name" = String, Path, description = "The queue, as `/v1/queues` names it.")), responses(
    (status = 200, description = "The queue, paused.", body = QueueView),
    (status = 404, description = "There is no such queue.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn pause(
    State(shared): State<Shared>,
    Path(name): Path<String>,
) -> Result<Json<QueueView>, ProblemReply> {
    Ok(Json(shared.engine.pause_queue(&name).await?))
}

/// Takes a pause and a draining back.
#[utoipa::path(post, path = "/v1/queues/{name}/resume", tag = "jobs", security(("bearer" = [])),
    params(("name" = String, Path, description = "The queue, as `/v1/queues` names it.")), responses(
    (status = 200, description = "The queue; its jobs start.", body = QueueView),
    (status = 404, description = "There is no such queue.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn resume(
    State(shared): State<Shared>,
    Path(name): Path<String>,
) -> Result<Json<QueueView>, ProblemReply> {
    Ok(Json(shared.engine.resume_queue(&name).await?))
}

/// Lets a queue finish what it has and take no more, also after a restart.
#[utoipa::path(post, path = "/v1/queues/{name}/drain", tag = "jobs", security(("bearer" = [])),
    params(("name" = String, Path, description = "The queue, as `/v1/queues` names it.")), responses(
    (status = 200, description = "The queue, draining.", body = QueueView),
    (status = 404, description = "There is no such queue.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn drain(
    State(shared): State<Shared>,
    Path(name): Path<String>,
) -> Result<Json<QueueView>, ProblemReply> {
    Ok(Json(shared.engine.drain_queue(&name).await?))
}

/// Changes how many jobs of a queue run at once, also after a restart; those under way end as they would have.
#[utoipa::path(post, path = "/v1/queues/{name}/concurrency", tag = "jobs", security(("bearer" = [])),
    params(("name" = String, Path, description = "The queue, as `/v1/queues` names it.")),
    request_body = Concurrency, responses(
    (status = 200, description = "The queue with its new number of places.", body = QueueView),
    (status = 400, description = "The body is not {concurrency}, or it is out of its range.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 404, description = "There is no such queue.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 413, description = "The body is too large.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 415, description = "The body is not application/json.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn concurrency(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    wanted: Result<Json<Concurrency>, JsonRejection>,
) -> Result<Json<QueueView>, ProblemReply> {
    let Json(wanted) = wanted.map_err(|refused| super::bad_body(&refused))?;
    Ok(Json(shared.engine.set_queue_concurrency(&name, wanted.concurrency).await?))
}
