use serde::{Deserialize, Serialize};
use specta::Type;
use specta_typescript::Number;
use utoipa::ToSchema;

/// Shares of reads by cache level; `None` where there was no read to speak of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct LevelRates {
    /// Hits of L1 over its look-ups.
    pub memory: Option<f64>,
    /// Hits of L2 over its look-ups.
    pub files: Option<f64>,
    /// Hits of L3 over its look-ups.
    pub database: Option<f64>,
    /// Reads that had to ask the source, over all reads.
    pub origin: Option<f64>,
    /// Reads answered by any level, over all reads.
    pub overall: Option<f64>,
}

/// Outside calls and updates that wait or run, by priority.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct QueueDepth {
    pub critical: u32,
    pub high: u32,
    pub normal: u32,
    pub low: u32,
    pub running: u32,
}

/// The machine and the engine in one second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct Sample {
    #[specta(type = Number)]
    pub at_ms: i64,
    /// The load factor, `0.0..=1.0`: the largest of its pressures, smoothed.
    pub load: f64,
    /// Busy share of all cores of the machine.
    pub cpu: f64,
    /// Used share of the machine's memory.
    pub memory: f64,
    /// Cores that this process keeps busy, `0.0` upwards.
    pub process_cpu: f64,
    /// Resident memory of this process in bytes.
    #[specta(type = Number)]
    pub process_memory_bytes: u64,
    /// Over the last 60 seconds.
    pub cache: LevelRates,
    pub queue: QueueDepth,
    pub jobs: JobFigures,
}

/// How jobs fare, all queues together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct JobFigures {
    /// Jobs that ended in the last whole minute.
    pub ended_per_minute: u32,
    /// Jobs that failed and are still kept.
    pub failed: u32,
    /// From being due to the start, of the slowest queue, milliseconds: 95 of 100 are shorter.
    pub wait_p95_ms: Option<f64>,
    /// From the start to the end.
    pub run_p95_ms: Option<f64>,
}

/// Samples over a range, as parallel columns, oldest first, at most 720 points.
///
/// A column holds `None` where nothing was measured, for example while Eider was not running.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct MetricsHistory {
    #[specta(type = Number)]
    pub step_ms: i64,
    #[specta(type = Vec<Number>)]
    pub at_ms: Vec<i64>,
    pub load: Vec<Option<f64>>,
    pub cpu: Vec<Option<f64>>,
    pub memory: Vec<Option<f64>>,
    pub cache_memory: Vec<Option<f64>>,
    pub cache_files: Vec<Option<f64>>,
    pub cache_database: Vec<Option<f64>>,
    pub cache_origin: Vec<Option<f64>>,
    pub queue_critical: Vec<Option<f64>>,
    pub queue_high: Vec<Option<f64>>,
    pub queue_normal: Vec<Option<f64>>,
    pub queue_low: Vec<Option<f64>>,
    pub jobs_per_minute: Vec<Option<f64>>,
    pub jobs_failed: Vec<Option<f64>>,
    pub jobs_wait_p95_ms: Vec<Option<f64>>,
    pub jobs_run_p95_ms: Vec<Option<f64>>,
}
