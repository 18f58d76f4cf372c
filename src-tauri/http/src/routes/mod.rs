//! The routes.

mod cache;
mod health;
mod history;
mod limits;
mod metrics;
mod prices;

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
        .routes(routes!(limits::limits))
        .routes(routes!(limits::services))
        .routes(routes!(limits::isolate))
        .routes(routes!(limits::close))
}

fn json(reply: impl Serialize) -> Result<Value, ProblemReply> {
    serde_json::to_value(reply).map_err(|error| {
        tracing::error!(%error, "a reply could not be written as JSON");
        ProblemReply::internal()
    })
}
