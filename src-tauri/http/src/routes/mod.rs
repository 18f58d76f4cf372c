//! The routes, and the OpenAPI document that is made from them.

mod health;
mod history;
mod metrics;
mod prices;

use axum::routing::get;
use axum::{Json, Router};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, OpenApi};
use utoipa_axum::routes;

use crate::server::{Routes, Shared};

/// Routes that need no token: they tell nothing private.
pub(crate) fn open() -> Routes {
    Routes::new()
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::metrics))
}

/// Routes that need the token.
pub(crate) fn v1() -> Routes {
    Routes::new().routes(routes!(prices::prices)).routes(routes!(history::history))
}

/// What the document says beside the routes.
pub(crate) fn describe(api: &mut OpenApi) {
    api.info = InfoBuilder::new()
        .title("Eider")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The local API of an Eider engine. Times are Unix milliseconds in UTC. Errors are application/problem+json. \
             /v1 needs the bearer token from the file api-token in the data folder.",
        ))
        .build();
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    api.components.get_or_insert_default().add_security_scheme("bearer", bearer);
}

/// `/openapi.json`
pub(crate) fn openapi(api: OpenApi) -> Router<Shared> {
    Router::new().route("/openapi.json", get(move || async move { Json(api) }))
}
