//! Errors as `application/problem+json`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::api::Problem;
use serde::Serialize;
use utoipa::ToSchema;

/// An error reply, RFC 9457.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ProblemReply {
    /// A short name of the status.
    title: String,
    status: u16,
    /// A stable `snake_case` word to match on.
    code: String,
    /// One sentence: the fact, and the next step.
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl ProblemReply {
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            retry_after_ms: None,
        }
    }

    pub(crate) fn bad_request(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(crate) fn retry_after_ms(mut self, wait_ms: u64) -> Self {
        self.retry_after_ms = Some(wait_ms);
        self
    }
}

impl From<Problem> for ProblemReply {
    fn from(problem: Problem) -> Self {
        let status = match problem.code.as_str() {
            "invalid" | "unknown_currency" => StatusCode::BAD_REQUEST,
            "unknown_token" => StatusCode::NOT_FOUND,
            "internal" => StatusCode::INTERNAL_SERVER_ERROR,
            "rate_limited" | "queue_full" | "service_open" | "budget_spent" | "stopped" => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::BAD_GATEWAY,
        };
        let reply = Self::new(status, &problem.code, problem.message);
        match problem.retry_after_ms {
            Some(wait_ms) => reply.retry_after_ms(wait_ms),
            None => reply,
        }
    }
}

impl IntoResponse for ProblemReply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait_ms) = self.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait_ms.div_ceil(1000)));
        }
        response
    }
}
