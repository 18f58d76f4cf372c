//! The OpenAPI document: made from the handlers, and from what every route answers alike.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, InfoBuilder, OpenApi, Ref, RefOr, Response as Described, ResponseBuilder,
};
use utoipa::openapi::{ObjectBuilder, Type};

use crate::caching;
use crate::problem::CONTENT_TYPE;
use crate::server::Shared;

const MAX_AGE_S: u64 = 60;

/// The text of `/openapi.json`, made once.
pub(crate) struct Document(Value);

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "health", responses(
    (status = 200, description = "OpenAPI 3.1", body = Value),
    (status = 304, description = "It has the ETag named in If-None-Match."),
))]
pub(crate) async fn openapi(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    caching::reply(&headers, &shared.document.0, MAX_AGE_S)
}

impl Document {
    /// Adds to the handlers' own parts what they have in common.
    pub(crate) fn new(mut api: OpenApi) -> serde_json::Result<Self> {
        api.info = InfoBuilder::new()
            .title("Eider")
            .version(env!("CARGO_PKG_VERSION"))
            .description(Some(
                "The local API of an Eider engine. Times are Unix milliseconds in UTC. Errors are \
                 application/problem+json. /v1 needs the bearer token from the file api-token in the data folder.",
            ))
            .build();
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        api.components.get_or_insert_default().add_security_scheme("bearer", bearer);
        for path in api.paths.paths.values_mut() {
            for operation in [&mut path.get, &mut path.post, &mut path.delete] {
                operation.iter_mut().for_each(common);
            }
        }
        serde_json::to_value(api).map(Self)
    }
}

/// Every reply that a route can give beside its own.
fn common(operation: &mut Operation) {
    let unchanged = operation.responses.responses.contains_key("304");
    let mut add = |status: &str, text: &str| {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem(text)));
    };
    add("421", "The header Host does not name the address that the server is bound to.");
    add("429", "This client, or all together, ask more often than the configured limit.");
    add("500", "A defect in Eider.");
    add("504", "The answer took too long.");
    if operation.security.is_some() {
        add("401", "The bearer token is missing or wrong.");
        add("502", "The market source failed.");
        add("503", "Nothing can be answered at present.");
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        describe(response, "RateLimit", "What is left: r requests now, all of them after t seconds.");
        describe(response, "RateLimit-Policy", "Who may ask how often: q requests in w seconds.");
        match status.as_str() {
            "200" if unchanged => {
                describe(response, "ETag", "Send it as If-None-Match to be told 304 where nothing changed.");
            }
            "401" => describe(response, "WWW-Authenticate", "Bearer"),
            "429" | "503" => describe(response, "Retry-After", "Whole seconds, where waiting helps."),
            _ => {}
        }
    }
}

fn problem(text: &str) -> Described {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemReply"))).build();
    ResponseBuilder::new().description(text).content(CONTENT_TYPE, content).build()
}

fn describe(response: &mut Described, header: &str, text: &str) {
    let schema = ObjectBuilder::new().schema_type(Type::String);
    let described = HeaderBuilder::new().schema(Some(schema)).description(Some(text)).build();
    response.headers.insert(header.to_owned(), described.into());
}
