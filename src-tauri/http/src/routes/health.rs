//! Whether the engine runs, and how it does.

use axum::Json;
use axum::extract::State;
use engine::api::Health;

use crate::problem::ProblemReply;
use crate::server::Shared;

/// How the engine and the services it needs do; 200 also where one of them is down.
#[utoipa::path(get, path = "/health", tag = "health", responses(
    (status = 200, description = "How they do.", body = Health),
))]
pub(super) async fn health(State(shared): State<Shared>) -> Json<Health> {
    Json(shared.engine.health())
}

/// Whether the process answers at all.
#[utoipa::path(get, path = "/health/live", tag = "health", responses(
    (status = 200, description = "It does.", body = String, content_type = "text/plain"),
))]
pub(super) async fn live() -> &'static str {
    "live\n"
}

/// Whether the engine can serve: its durable database answers, and it is not stopping.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses(
    (status = 200, description = "It can.", body = String, content_type = "text/plain"),
    (status = 503, description = "It cannot, with the reason.",
        body = ProblemReply, content_type = "application/problem+json"),
))]
pub(super) async fn ready(State(shared): State<Shared>) -> Result<&'static str, ProblemReply> {
    shared.engine.ready().await?;
    Ok("ready\n")
}
