use serde::{Deserialize, Serialize};
use serde_json::Value;
use specta::Type;
use specta_typescript::Number;
use utoipa::ToSchema;

/// Where a job stands. The first five are open, the others final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Due; it starts when a place is free.
    Waiting,
    /// Starts later: delayed, periodic, or waiting out a failed attempt.
    Scheduled,
    /// Put off by its own handler; the attempt was not spent.
    Snoozed,
    /// Waits for the jobs that it depends on.
    Blocked,
    Running,
    Done,
    /// Dead after its attempts.
    Failed,
    Cancelled,
}

/// How urgent a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobPriority {
    Critical,
    High,
    Normal,
    Low,
}

/// One job, as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct JobItem {
    #[specta(type = Number)]
    pub id: i64,
    /// What runs, for example `PRICE_REFRESH`.
    pub kind: String,
    /// What it is about, in a few words.
    pub about: String,
    pub queue: String,
    pub priority: JobPriority,
    pub state: JobState,
    /// Attempts spent or under way.
    pub attempt: u32,
    /// The most attempts.
    pub attempts: u32,
    #[specta(type = Number)]
    pub created_at_ms: i64,
    /// When it is due.
    #[specta(type = Number)]
    pub run_at_ms: i64,
    /// When the latest attempt began.
    #[specta(type = Option<Number>)]
    pub started_at_ms: Option<i64>,
    #[specta(type = Option<Number>)]
    pub ended_at_ms: Option<i64>,
    /// How long the latest attempt took; of a running one, so far.
    #[specta(type = Option<Number>)]
    pub took_ms: Option<i64>,
    /// 0 to 1, where the job tells it.
    pub progress: Option<f32>,
    pub progress_note: Option<String>,
    /// The latest error, in one sentence.
    pub error: Option<String>,
    /// The key by which it is known not to be wanted twice.
    pub key: Option<String>,
}

/// A page of jobs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct JobPage {
    pub items: Vec<JobItem>,
    /// The next page is that of the jobs before this one; `null` on the last page.
    #[specta(type = Option<Number>)]
    pub next: Option<i64>,
}

/// What holds a job up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
pub struct WaitReason {
    /// `scheduled`, `backoff`, `rate_limited`, `breaker_open`, `load`, `snoozed`, `blocked`, `paused`, `concurrency`,
    /// `queue_rate` or `next`.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// Until when, where that is known.
    #[specta(type = Option<Number>)]
    pub until_ms: Option<i64>,
}

/// What adding a job came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
pub struct JobAdded {
    #[specta(type = Number)]
    pub id: i64,
    /// Whether it was there already, under its key.
    pub existing: bool,
}

/// One attempt of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct JobAttempt {
    pub attempt: u32,
    #[specta(type = Number)]
    pub started_at_ms: i64,
    #[specta(type = Option<Number>)]
    pub ended_at_ms: Option<i64>,
    /// `done`, `retry`, `snoozed`, `failed`, `cancelled`, `timed_out`, `panicked`, `interrupted` or `running`.
    pub outcome: String,
    pub error: Option<String>,
    #[specta(type = Option<Number>)]
    pub took_ms: Option<i64>,
}

/// All about one job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct JobDetail {
    pub job: JobItem,
    /// What it was given, as indented JSON.
    pub payload: String,
    /// What it brought, as indented JSON, where it brought something.
    pub result: Option<String>,
    /// The attempts, newest first.
    pub timeline: Vec<JobAttempt>,
    /// Why it is waiting; `null` where it is not.
    pub why: Option<WaitReason>,
    pub batch: Option<String>,
    /// The job that waits for this one.
    #[specta(type = Option<Number>)]
    pub parent: Option<i64>,
    /// Jobs that this one waits for and that have not ended.
    #[specta(type = Number)]
    pub children_open: u64,
}

/// A job to be added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewJobRequest {
    /// One of the kinds that `/v1/jobs/kinds` names.
    pub kind: String,
    /// What the kind takes; at most 64 KiB of JSON.
    #[serde(default)]
    #[specta(type = specta_typescript::Any)]
    pub payload: Value,
    /// The kind's own queue where it is not given.
    #[serde(default)]
    pub queue: Option<String>,
    #[serde(default)]
    pub priority: Option<JobPriority>,
    /// While a job with this key is open, adding it again gives that job.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 256)]
    pub key: Option<String>,
    /// Milliseconds from now, up to a year.
    #[serde(default)]
    #[specta(type = Option<Number>)]
    #[schema(minimum = 0)]
    pub delay_ms: Option<i64>,
    /// When it is due; not together with `delay_ms`.
    #[serde(default)]
    #[specta(type = Option<Number>)]
    pub run_at_ms: Option<i64>,
    /// The most attempts, 1 to 100.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub attempts: Option<u32>,
    /// The batch that it belongs to.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    pub batch: Option<String>,
}

/// Which jobs a list shows; what is empty or `null` restricts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct JobFilter {
    pub states: Vec<JobState>,
    pub queues: Vec<String>,
    pub kinds: Vec<String>,
    /// The earliest time of adding.
    #[serde(default)]
    #[specta(type = Option<Number>)]
    pub created_from_ms: Option<i64>,
    /// Jobs added before this time.
    #[serde(default)]
    #[specta(type = Option<Number>)]
    pub created_to_ms: Option<i64>,
}

/// Numbers by priority.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
pub struct ByPriority {
    #[specta(type = Number)]
    pub critical: u64,
    #[specta(type = Number)]
    pub high: u64,
    #[specta(type = Number)]
    pub normal: u64,
    #[specta(type = Number)]
    pub low: u64,
}

/// Numbers of jobs by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
pub struct JobCounts {
    #[specta(type = Number)]
    pub all: u64,
    #[specta(type = Number)]
    pub waiting: u64,
    #[specta(type = Number)]
    pub scheduled: u64,
    #[specta(type = Number)]
    pub snoozed: u64,
    #[specta(type = Number)]
    pub blocked: u64,
    #[specta(type = Number)]
    pub running: u64,
    #[specta(type = Number)]
    pub done: u64,
    #[specta(type = Number)]
    pub failed: u64,
    #[specta(type = Number)]
    pub cancelled: u64,
}

/// One queue: what is in it, and how it fares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct QueueView {
    pub name: String,
    /// Takes jobs, but starts none.
    pub paused: bool,
    /// Finishes what it has, and takes no more.
    pub draining: bool,
    /// How many jobs run at once at most.
    pub concurrency: u32,
    /// The largest value that `concurrency` may be given.
    pub concurrency_max: u32,
    pub counts: JobCounts,
    pub waiting_by_priority: ByPriority,
    /// The most open jobs.
    #[specta(type = Number)]
    pub bound: u64,
    /// Whether the machine's load holds its less urgent jobs back.
    pub deferred: bool,
    /// How many jobs start in which time at most, where that is limited.
    pub rate: Option<String>,
    /// From being due to the start, over the latest jobs, milliseconds.
    pub wait_p50_ms: Option<f64>,
    pub wait_p95_ms: Option<f64>,
    pub wait_p99_ms: Option<f64>,
    /// From the start to the end.
    pub run_p50_ms: Option<f64>,
    pub run_p95_ms: Option<f64>,
    pub run_p99_ms: Option<f64>,
    /// Jobs that ended in the last minute.
    #[specta(type = Number)]
    pub ended_per_minute: u64,
    /// Of the jobs that ended in the last minutes, the share that ended well; `null` where none ended.
    pub completion_rate: Option<f64>,
    /// Handlers that were told to end and have not; each still takes a place.
    pub stuck: u32,
    /// How many waited: the latest 60 samples, ten seconds apart, oldest first.
    #[specta(type = Vec<Number>)]
    pub depth: Vec<u64>,
}

/// What can be added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
pub struct JobKindView {
    pub kind: String,
    /// The queue where none is given.
    pub queue: String,
    pub priority: JobPriority,
    pub attempts: u32,
    /// A payload that it accepts, as indented JSON.
    pub example_payload: String,
}

/// All queues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct JobsView {
    #[specta(type = Number)]
    pub now_ms: i64,
    /// The load of the machine, 0 to 1.
    pub load_factor: f64,
    /// Whether less urgent work is put off because of it.
    pub deferring: bool,
    pub queues: Vec<QueueView>,
    pub counts: JobCounts,
    pub kinds: Vec<JobKindView>,
}
