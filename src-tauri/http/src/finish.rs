//! What every reply gets last.

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::{self, ProblemReply};

/// Makes a problem of an error that a layer or an extractor worded by itself, and says of what is not marked
/// otherwise that it must not be kept.
pub(crate) async fn finish(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let status = response.status();
    let is_problem =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == problem::CONTENT_TYPE);
    if (status.is_client_error() || status.is_server_error()) && !is_problem {
        let mut reply = ProblemReply::of_status(status).into_response();
        // `Allow` and the like still hold; what described the old body does not.
        for (name, value) in response.headers() {
            if !reply.headers().contains_key(name) && name != header::CONTENT_LENGTH {
                reply.headers_mut().append(name.clone(), value.clone());
            }
        }
        response = reply;
    }
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
