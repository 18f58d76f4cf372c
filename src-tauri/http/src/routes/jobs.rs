//! Jobs: lists of them, one of them, and what can be done to it.

mod filter;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::api::{JobAdded, JobDetail, JobItem, JobKindView, NewJobRequest};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::problem::ProblemReply;
use crate::server::Shared;
use crate::{caching, cursor, fields, page};
use filter::Params;

const LIMIT_DEFAULT: usize = 50;
const MAX_AGE_S: u64 = 1;

/// A page of jobs, newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct JobList {
    #[schema(value_type = Vec<SelectedJob>)]
    items: Vec<JobItem>,
    /// The cursor of the next page; `null` on the last one. Where a filter matches few of many jobs a page may hold
    /// fewer than `limit`, or none, and the list goes on all the same.
    next: Option<String>,
}

/// A job with the fields that were asked for, or all.
struct SelectedJob;

impl PartialSchema for SelectedJob {
    fn schema() -> RefOr<Schema> {
        let mut schema = JobItem::schema();
        if let RefOr::T(Schema::Object(job)) = &mut schema {
            job.required.clear();
        }
        schema
    }
}

impl ToSchema for SelectedJob {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        JobItem::schemas(schemas);
    }
}

/// What can be added.
#[derive(Serialize, ToSchema)]
pub(super) struct KindPage {
    items: Vec<JobKindView>,
    /// Always `null`: there are few of them.
    next: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Which {
    /// The job's number.
    #[param(minimum = 1)]
    id: i64,
}

/// The jobs that a filter matches, newest first.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", security(("bearer" = [])), params(Params), responses(
    (status = 200, description = "A page of jobs.", body = JobList),
    (status = 304, description = "It has the ETag named in If-None-Match."),
    (status = 400, description = "A parameter is unknown or out of its range, or the cursor is not of this list.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(shared): State<Shared>,
    headers: HeaderMap,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, ProblemReply> {
    let Query(params) = params.map_err(|error| ProblemReply::bad_request("invalid", error.body_text()))?;
    let limit = page::length(params.limit, LIMIT_DEFAULT)?;
    let filter = params.filter()?;
    // A cursor of one filter says nothing about the list of another.
    let list = format!("jobs {filter:?}");
    let before =
        params.cursor.as_ref().map(|cursor| cursor::open(&shared.token, &list, &cursor.0)).transpose()?;
    let found = shared.engine.jobs_page(filter, before, limit).await?;
    let next = found.next.map(|id| cursor::seal(&shared.token, &list, id));
    let mut reply = super::json(JobList { items: found.items, next })?;
    fields::select(&mut reply, params.fields.as_ref())?;
    Ok(caching::reply(&headers, &reply, MAX_AGE_S))
}

/// The kinds of jobs that can be added, each with a payload that it accepts.
#[utoipa::path(get, path = "/v1/jobs/kinds", tag = "jobs", security(("bearer" = [])), responses(
    (status = 200, description = "Every kind.", body = KindPage),
    (status = 304, description = "It has the ETag named in If-None-Match."),
))]
pub(super) async fn kinds(
    State(shared): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, ProblemReply> {
    let page = KindPage { items: shared.engine.job_kinds(), next: None };
    Ok(caching::reply(&headers, &super::json(page)?, MAX_AGE_S))
}

/// Adds a job; it is durable when this answers.
///
/// While a job with the same `key` is open, that one is given instead. With `Idempotency-Key`, the same request within
/// 24 hours gives the job that the first one made, whatever became of it.
#[utoipa::path(post, path = "/v1/jobs", tag = "jobs", security(("bearer" = [])), request_body = NewJobRequest,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "1 to 255 visible ASCII characters; makes it safe to send the request again.")), responses(
    (status = 201, description = "The job was added.", body = JobAdded,
        headers(("Location" = String, description = "Where the job is."))),
    (status = 200, description = "The job was there already.", body = JobAdded),
    (status = 400, description = "Something is not accepted; the detail names the field and what is.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 409, description = "The queue is being drained.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 413, description = "The body or the payload is too large.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 415, description = "The body is not application/json.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 422, description = "The Idempotency-Key came with another request before.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 503, description = "The queue is full, or the machine is loaded and takes no more low-priority work; \
        Retry-After says when to try again.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn add(
    State(shared): State<Shared>,
    headers: HeaderMap,
    job: Result<Json<NewJobRequest>, JsonRejection>,
) -> Result<Response, ProblemReply> {
    let Json(job) = job.map_err(|refused| super::bad_body(&refused))?;
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = keys.next().map(|key| key.to_str()).transpose().map_err(|_| {
        ProblemReply::bad_request("invalid", "Idempotency-Key is not made of visible ASCII characters")
    })?;
    if keys.next().is_some() {
        return Err(ProblemReply::bad_request("invalid", "Idempotency-Key was sent twice; send one"));
    }
    let added = shared.engine.add_job(job, key).await?;
    let status = if added.existing { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = (status, Json(added)).into_response();
    if !added.existing
        && let Ok(location) = HeaderValue::try_from(format!("/v1/jobs/{}", added.id))
    {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// One job: what it was given, what it brought, its attempts, and why it waits where it does.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs", security(("bearer" = [])), params(Which), responses(
    (status = 200, description = "The job.", body = JobDetail),
    (status = 400, description = "The number is none.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 404, description = "There is no such job; ended ones are kept for a limited time.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn job(
    State(shared): State<Shared>,
    which: Result<Path<Which>, PathRejection>,
) -> Result<Json<JobDetail>, ProblemReply> {
    Ok(Json(shared.engine.job(id(which)?).await?))
}

/// Has a job start as soon as it can: one that ended starts anew, one that waits for its time does so now.
#[utoipa::path(post, path = "/v1/jobs/{id}/retry", tag = "jobs", security(("bearer" = [])), params(Which),
    responses(
    (status = 200, description = "The job.", body = JobDetail),
    (status = 400, description = "The number is none.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 404, description = "There is no such job.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 409, description = "It waits to start or is under way, another open job has its key, or its queue is \
        being drained.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 503, description = "Its queue is full; Retry-After says when to try again.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn retry(
    State(shared): State<Shared>,
    which: Result<Path<Which>, PathRejection>,
) -> Result<Json<JobDetail>, ProblemReply> {
    Ok(Json(shared.engine.retry_job(id(which)?).await?))
}

/// Ends a job that is not wanted any more; one under way is told to end.
#[utoipa::path(post, path = "/v1/jobs/{id}/cancel", tag = "jobs", security(("bearer" = [])), params(Which),
    responses(
    (status = 200, description = "The job; one under way ends within two seconds.", body = JobDetail),
    (status = 400, description = "The number is none.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 404, description = "There is no such job.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 409, description = "It has ended.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn cancel(
    State(shared): State<Shared>,
    which: Result<Path<Which>, PathRejection>,
) -> Result<Json<JobDetail>, ProblemReply> {
    Ok(Json(shared.engine.cancel_job(id(which)?).await?))
}

/// Removes a job that has ended, for good.
#[utoipa::path(delete, path = "/v1/jobs/{id}", tag = "jobs", security(("bearer" = [])), params(Which), responses(
    (status = 204, description = "It is gone."),
    (status = 400, description = "The number is none.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 404, description = "There is no such job.",
        body = ProblemReply, content_type = "application/problem+json"),
    (status = 409, description = "It has not ended.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn discard(
    State(shared): State<Shared>,
    which: Result<Path<Which>, PathRejection>,
) -> Result<StatusCode, ProblemReply> {
    shared.engine.discard_job(id(which)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn id(which: Result<Path<Which>, PathRejection>) -> Result<i64, ProblemReply> {
    let Path(which) = which.map_err(|refused| ProblemReply::bad_request("invalid", refused.body_text()))?;
    Ok(which.id)
}
