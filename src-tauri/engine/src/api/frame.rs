use serde::{Deserialize, Serialize};
use specta::Type;
use specta_typescript::Number;
use utoipa::ToSchema;

use super::{Problem, Quote, Sample, Spark};

/// Where prices come from and what they mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// CoinGecko and a DuckChain network.
    Live,
    /// Addresses of development nodes from the configuration.
    Local,
    /// A seeded market simulator; nothing it shows is real.
    Demo,
}

/// The profile in force and how it came to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct ProfileStatus {
    pub active: Profile,
    /// Set where `auto` fell back to the demo because the network did not answer at the first start.
    pub fell_back_to_demo: bool,
    /// The simulator's seed; the same seed gives the same prices.
    #[specta(type = Option<Number>)]
    pub demo_seed: Option<u64>,
}

/// How an outside service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    /// Not asked yet.
    Starting,
    Up,
    /// Answers, but is limited or failing now and then.
    Degraded,
    Down,
}

/// The market source: its state, its budget, and when it is asked next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct Market {
    /// `CoinGecko` or `Simulator`.
    pub source: String,
    pub state: ServiceState,
    #[specta(type = Number)]
    pub since_ms: i64,
    #[specta(type = Option<Number>)]
    pub last_success_ms: Option<i64>,
    #[specta(type = Option<Number>)]
    pub next_refresh_ms: Option<i64>,
    /// The last failure, until a call succeeds.
    pub problem: Option<Problem>,
    /// Calls made in the window, and how many it may hold.
    pub used: u32,
    pub limit: u32,
    #[specta(type = Number)]
    pub window_ms: i64,
    /// Calls left this month, where a budget is set.
    pub month_left: Option<u32>,
    /// What must stand beside the data, with its link.
    pub attribution: String,
    pub attribution_url: Option<String>,
}

/// How urgent a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    Warn,
    Bad,
}

/// What the window offers beside a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeAction {
    Retry,
    GoLive,
    OpenDemo,
    OpenSettings,
    OpenJobs,
}

/// One line of "Needs you".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct Notice {
    /// Stable for one cause, so that a list keeps its place.
    pub key: String,
    pub severity: Severity,
    pub title: String,
    pub body: String,
    pub action: Option<NoticeAction>,
}

/// Whether the engine is calm, and what it is doing about load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    Calm,
    Busy,
    /// Above 0.8 for three samples: what is not urgent is put off.
    Strained,
    /// Below 0.65 after a strain, but not yet for five samples: it is still put off.
    Easing,
}

/// All that is neither a price nor a sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct Status {
    pub profile: ProfileStatus,
    pub currency: String,
    pub market: Market,
    pub activity: Activity,
    pub notices: Vec<Notice>,
}

/// One message of the stream: what changed since the last one.
///
/// The first frame of a stream, and the first after the window was hidden, is whole: every part is present
/// and replaces what the client had. Later a missing part means "as before"; `quotes` and `sparks` then hold
/// only the tokens that changed. The list of watched tokens and its order is `watch`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct Frame {
    /// The engine's clock at the time of the frame; ages are counted from it.
    #[specta(type = Number)]
    pub now_ms: i64,
    pub whole: bool,
    pub watch: Option<Vec<String>>,
    pub quotes: Vec<Quote>,
    pub sparks: Vec<Spark>,
    pub sample: Option<Sample>,
    pub status: Option<Status>,
}
