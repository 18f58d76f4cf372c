//! Errors as `application/problem+json`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::api::Problem;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) const CONTENT_TYPE: &str = "application/problem+json";

/// An error reply, RFC 9457.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ProblemReply {
    /// A short name of the status.
    title: String,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// A stable `snake_case` word to match on.
    #[schema(pattern = "^[a-z][a-z0-9_]*$")]
    code: String,
    /// One sentence: the fact, and the next step.
    detail: String,
    /// How long to wait before asking again, where waiting helps; `Retry-After` says the same in whole seconds.
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

    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "a defect in Eider; the log has more")
    }

    /// For a status that came without a problem.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(status, "body_too_large", "the body has more than 128 KiB; send less")
            }
            StatusCode::GATEWAY_TIMEOUT => {
                Self::new(status, "timed_out", "the answer took too long; ask again later")
            }
            status if status.is_client_error() => {
                Self::new(status, "invalid", "the request cannot be understood; see /openapi.json")
            }
            _ => Self::internal(),
        }
    }

    pub(crate) fn retry_after_ms(mut self, wait_ms: u64) -> Self {
        self.retry_after_ms = Some(wait_ms);
        self
    }
}

impl From<Problem> for ProblemReply {
    fn from(problem: Problem) -> Self {
        let reply = Self::new(status_of(&problem.code), &problem.code, problem.message);
        match problem.retry_after_ms {
            Some(wait_ms) => reply.retry_after_ms(wait_ms),
            None => reply,
        }
    }
}

/// 4xx: the request is wrong. 502 and 504: the outside service failed. 503: nothing was asked of it, and
/// another time it may go. 500: Eider is wrong.
fn status_of(code: &str) -> StatusCode {
    match code {
        "invalid" | "unknown_kind" | "bad_payload" => StatusCode::BAD_REQUEST,
        "unknown_token" | "unknown_region" | "unknown_service" | "not_cached" | "unknown_job"
        | "unknown_queue" => StatusCode::NOT_FOUND,
        "watchlist_full" | "not_allowed" | "queue_draining" => StatusCode::CONFLICT,
        "payload_too_large" => StatusCode::PAYLOAD_TOO_LARGE,
        "key_reused" => StatusCode::UNPROCESSABLE_ENTITY,
        "source_unreachable" | "source_forbidden" | "source_error" | "source_not_json"
        | "source_bad_reply" | "api_key_refused" | "not_in_plan" | "unknown_currency" | "failed" => {
            StatusCode::BAD_GATEWAY
        }
        "timed_out" | "source_timed_out" => StatusCode::GATEWAY_TIMEOUT,
        "shed" | "overloaded" | "queue_full" | "breaker_open" | "isolated" | "rate_limited"
        | "budget_spent" | "unrecorded" | "store_failed" | "not_durable" | "stopped" | "closed" => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for ProblemReply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait_ms) = self.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait_ms.div_ceil(1000)));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_tells_whose_fault_it_is() {
        for (code, status) in [
            ("invalid", 400),
            ("unknown_kind", 400),
            ("unknown_token", 404),
            ("unknown_job", 404),
            ("not_allowed", 409),
            ("key_reused", 422),
            ("overloaded", 503),
            ("source_unreachable", 502),
            ("api_key_refused", 502),
            ("unknown_currency", 502),
            ("source_timed_out", 504),
            ("timed_out", 504),
            ("rate_limited", 503),
            ("budget_spent", 503),
            ("breaker_open", 503),
            ("unrecorded", 503),
            ("shed", 503),
            ("closed", 503),
            ("stopped", 503),
            ("cache_failed", 500),
            ("a_code_nobody_mapped", 500),
        ] {
            let reply = ProblemReply::from(Problem::new(code, "It is so.")).into_response();
            assert_eq!(reply.status(), status, "{code}");
        }
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        for (wait_ms, header) in [(1, "1"), (1000, "1"), (1001, "2"), (599_999, "600")] {
            let problem = Problem::new("rate_limited", "It is so.").retry_after_ms(wait_ms);
            let reply = ProblemReply::from(problem).into_response();
            assert_eq!(reply.headers()[header::RETRY_AFTER], header, "{wait_ms} ms");
        }
    }
}
