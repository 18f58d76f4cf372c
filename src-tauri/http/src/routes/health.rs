//! Whether the engine runs, and how it does.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::api::Health;

use crate::problem::ProblemReply;
use crate::server::Shared;

/// How the engine and the services it needs do; 200 also where one of them is down.
#[utoipa::path(get, path = "/health", tag = "health", responses((status = 200, body = Health)))]
pub(super) async fn health(State(shared): State<Shared>) -> Json<Health> {
    Json(shared.engine.health())
}

/// Whether the process answers at all.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, description = "It does.")))]
pub(super) async fn live() -> &'static str {
    "live\n"
}

/// Whether the engine can serve: its databases answer, and it is not stopping.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses(
    (status = 200, description = "It can."),
    (status = 503, description = "It cannot, with the reason.", body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn ready(State(shared): State<Shared>) -> Response {
    match shared.engine.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(problem) => {
            ProblemReply::new(StatusCode::SERVICE_UNAVAILABLE, &problem.code, problem.message).into_response()
        }
    }
}
