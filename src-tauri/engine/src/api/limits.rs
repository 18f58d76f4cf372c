use serde::{Deserialize, Serialize};
use specta::Type;
use specta_typescript::Number;
use utoipa::ToSchema;

use super::{ByPriority, Problem};

/// What a circuit breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// Calls are refused for a while, since the service failed.
    Open,
    /// A few calls pass, to see.
    HalfOpen,
    /// Switched off by hand.
    Isolated,
}

/// A change of a breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
pub struct BreakerChange {
    #[specta(type = Number)]
    pub at_ms: i64,
    pub state: BreakerState,
    /// Why, in a few words.
    pub reason: String,
}

/// An error of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
pub struct ServiceError {
    #[specta(type = Number)]
    pub at_ms: i64,
    pub text: String,
}

/// One outside service: what of its limits is used, and how it answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct ServiceLimits {
    pub name: String,
    /// Calls that count in the window now.
    pub used: u32,
    /// The most calls in any window.
    pub limit: u32,
    /// The largest value that `limit` may be given: what the configuration allows.
    pub limit_max: u32,
    /// What is allowed at present: less than `limit` after the service asked for fewer calls.
    pub allowed: u32,
    #[specta(type = Number)]
    pub window_ms: u64,
    /// When nothing will count any more, if nobody calls.
    #[specta(type = Option<Number>)]
    pub resets_at_ms: Option<i64>,
    /// When the window will be full at the present pace; `null` where it will not.
    #[specta(type = Option<Number>)]
    pub full_at_ms: Option<i64>,
    /// Calls left this month, and the most of them, where the plan has such a bound.
    pub month_left: Option<u32>,
    pub month_budget: Option<u32>,
    /// Callers that wait for their turn.
    pub waiting: ByPriority,
    /// Calls in flight.
    pub running: u32,
    /// The most calls in flight now, and ever: failures lower the first, good answers raise it again.
    pub concurrency: u32,
    pub concurrency_max: u32,
    pub breaker: BreakerState,
    #[specta(type = Number)]
    pub breaker_since_ms: i64,
    /// When an open breaker lets calls through again, to see.
    #[specta(type = Option<Number>)]
    pub breaker_until_ms: Option<i64>,
    /// The latest changes, newest first, at most 20.
    pub breaker_history: Vec<BreakerChange>,
    /// Until when the service asked for silence.
    #[specta(type = Option<Number>)]
    pub hold_until_ms: Option<i64>,
    /// Since the start of the profile, as are the next two.
    #[specta(type = Number)]
    pub calls: u64,
    #[specta(type = Number)]
    pub errors: u64,
    /// Calls that were made because an earlier attempt failed.
    #[specta(type = Number)]
    pub retries: u64,
    /// How much of the retry budget is left, 0 to 1; at most a fifth of the calls may be retries.
    pub retry_budget: f64,
    /// The median time of the latest attempts.
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub last_error: Option<ServiceError>,
    #[specta(type = Option<Number>)]
    pub last_success_ms: Option<i64>,
}

/// What the local HTTP API allows its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
pub struct ApiLimits {
    /// Clients that are told apart at present.
    #[specta(type = Number)]
    pub clients: u64,
    pub per_client_per_minute: u32,
    pub in_all_per_minute: u32,
    /// Requests that all clients together may make at once now.
    pub remaining: u32,
    /// Requests refused since the start.
    #[specta(type = Number)]
    pub refused: u64,
}

/// Every limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct LimitsView {
    #[specta(type = Number)]
    pub now_ms: i64,
    pub services: Vec<ServiceLimits>,
    /// Of the local HTTP API; `null` where it is not asked through that.
    pub api: Option<ApiLimits>,
}

/// What came of one call to a service, made to see whether it answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct ServiceTest {
    pub ok: bool,
    pub took_ms: f64,
    pub problem: Option<Problem>,
}
