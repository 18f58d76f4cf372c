use serde::{Deserialize, Serialize};
use specta::Type;
use specta_typescript::Number;
use utoipa::ToSchema;

use super::{CacheLevel, ServiceState};

/// One level of the cache: what it holds, and how it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct CacheLevelView {
    pub level: CacheLevel,
    /// `down` means bypassed: the cache goes on without it and tries it again by itself.
    pub state: ServiceState,
    #[specta(type = Number)]
    pub since_ms: i64,
    /// The last error, in one sentence, where there was one.
    pub last_error: Option<String>,
    #[specta(type = Number)]
    pub bytes: u64,
    /// The configured bound.
    #[specta(type = Number)]
    pub bytes_max: u64,
    /// How many entries, where the level knows.
    #[specta(type = Option<Number>)]
    pub entries: Option<u64>,
    /// Since the start of the engine, as are all counts here.
    #[specta(type = Number)]
    pub hits: u64,
    #[specta(type = Number)]
    pub misses: u64,
    #[specta(type = Number)]
    pub evictions: u64,
    #[specta(type = Number)]
    pub errors: u64,
    /// The median time of a look-up, microseconds.
    #[specta(type = Option<Number>)]
    pub p50_us: Option<u64>,
    #[specta(type = Option<Number>)]
    pub p99_us: Option<u64>,
    /// Writes that wait for the level to come back.
    #[specta(type = Number)]
    pub waiting: u64,
}

/// One region of the cache.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct CacheRegionView {
    pub name: String,
    #[specta(type = Number)]
    pub reads: u64,
    /// Reads answered by each level; what is missing to `reads` went to the source.
    #[specta(type = Number)]
    pub hits_memory: u64,
    #[specta(type = Number)]
    pub hits_files: u64,
    #[specta(type = Number)]
    pub hits_database: u64,
    #[specta(type = Number)]
    pub origin: u64,
    #[specta(type = Number)]
    pub stale_serves: u64,
    #[specta(type = Number)]
    pub computations: u64,
    #[specta(type = Number)]
    pub failures: u64,
}

/// How long one class of values is fresh now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct CacheClassView {
    pub name: String,
    #[specta(type = Number)]
    pub ttl_ms: u64,
    /// After the load's factor.
    #[specta(type = Number)]
    pub effective_ttl_ms: u64,
    /// How long after its time to live a value may serve while its source fails.
    #[specta(type = Number)]
    pub max_stale_ms: u64,
    pub levels: Vec<CacheLevel>,
}

/// The whole cache.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct CacheView {
    #[specta(type = Number)]
    pub now_ms: i64,
    /// By what every adaptive time to live is multiplied now.
    pub ttl_factor: f64,
    /// Why, in one sentence.
    pub ttl_reason: String,
    pub levels: Vec<CacheLevelView>,
    pub regions: Vec<CacheRegionView>,
    pub classes: Vec<CacheClassView>,
}

/// One entry: where it is and how old, never its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct CacheEntry {
    pub region: String,
    pub key: String,
    pub levels: Vec<CacheLevel>,
    #[specta(type = Number)]
    pub created_at_ms: i64,
    #[specta(type = Number)]
    pub age_ms: u64,
    /// When it stops being fresh at the present load.
    #[specta(type = Number)]
    pub expires_at_ms: i64,
    /// Until when it may serve as stale while its source fails.
    #[specta(type = Number)]
    pub stale_until_ms: i64,
    pub fresh: bool,
    pub tags: Vec<String>,
    /// The type of the value, for example `market.price`.
    pub kind: String,
    #[specta(type = Number)]
    pub bytes: u64,
    /// Whether the class is secret; then nothing but its age is told.
    pub secret: bool,
}

/// What is to be invalidated: everything with a tag, or one key of a region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum Invalidation {
    Tag { tag: String },
    Key { region: String, key: String },
}

/// What a warming came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct Warming {
    /// Prices that were updated.
    pub prices: u32,
    /// Rows of the market table at hand.
    pub table_rows: u32,
    /// Charts that were fetched.
    pub charts: u32,
    /// Hot keys that were loaded into memory.
    pub hot_keys: u32,
    /// Why it is not complete, where it is not.
    pub problem: Option<super::Problem>,
}
