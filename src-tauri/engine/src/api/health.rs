use serde::{Deserialize, Serialize};
use specta::Type;
use specta_typescript::Number;
use utoipa::ToSchema;

use super::{Problem, Profile, Sample, ServiceState};

/// One thing that the engine needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct Service {
    /// `market`, `database`, `cache_database` or `metrics_database`.
    pub name: String,
    pub state: ServiceState,
    /// Since when, where that is known.
    #[specta(type = Option<Number>)]
    pub since_ms: Option<i64>,
    #[specta(type = Option<Number>)]
    pub last_success_ms: Option<i64>,
    /// The median of the latest answers, in microseconds.
    #[specta(type = Option<Number>)]
    pub p50_us: Option<u64>,
    /// What is wrong with it; of one that is up, what it lost at the start.
    pub problem: Option<Problem>,
}

/// How the engine does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct Health {
    /// The worst state of its services.
    pub status: ServiceState,
    pub version: String,
    pub profile: Profile,
    #[specta(type = Number)]
    pub now_ms: i64,
    #[specta(type = Number)]
    pub started_at_ms: i64,
    pub services: Vec<Service>,
    /// The newest second; `None` in the first one.
    pub sample: Option<Sample>,
}
