//! The routes.

mod cache;
mod health;
mod history;
mod jobs;
mod limits;
mod metrics;
mod prices;
mod queues;

use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::ProblemReply;
use crate::server::Shared;

/// The router of one group of routes, which writes its part of the OpenAPI document itself.
pub(crate) type Routes = OpenApiRouter<Shared>;

/// Routes that need no token: they tell nothing private.
pub(crate) fn open() -> Routes {
    Routes::new()
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::metrics))
        .routes(routes!(crate::openapi::openapi))
}

/// Routes that need the token.
pub(crate) fn v1() -> Routes {
    Routes::new()
        .routes(routes!(prices::prices))
        .routes(routes!(history::history))
        .routes(routes!(cache::view))
        .routes(routes!(cache::entry))
        .routes(routes!(cache::invalidate))
        .routes(routes!(cache::clear))
        .routes(routes!(cache::warm))
        .routes(routes!(jobs::list, jobs::add))
        .routes(routes!(jobs::kinds))
        .routes(routes!(jobs::job, jobs::discard))
        .routes(routes!(jobs::retry))
        .routes(routes!(jobs::cancel))
        .routes(routes!(queues::queues))
        .routes(routes!(queues::pause))
        .routes(routes!(queues::resume))
        .routes(routes!(queues::drain))
        .routes(routes!(queues::concurrency))
        .routes(routes!(limits::limits))
        .routes(routes!(limits::services))
        .routes(routes!(limits::isolate))
        .routes(routes!(limits::close))
}

/// Why a body was not understood, with the field where one is at fault.
fn bad_body(refused: &JsonRejection) -> ProblemReply {
    match refused.status() {
        status @ (StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNSUPPORTED_MEDIA_TYPE) => {
            ProblemReply::new(status, "invalid", refused.body_text())
        }
        _ => ProblemReply::bad_request("invalid", refused.body_text()),
    }
}

fn json(reply: impl Serialize) -> Result<Value, ProblemReply> {
    serde_json::to_value(reply).map_err(|error| {
        tracing::error!(%error, "a reply could not be written as JSON");
        ProblemReply::internal()
    })
}
