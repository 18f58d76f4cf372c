//! The only types that cross to the window or to HTTP.
//!
//! Both transports serialise these with serde, so the same query gives the same answer through either.
//! Times are Unix milliseconds in UTC and are named `*_ms`; fractions are `0.0..=1.0`; percentages end in
//! `_pct`. A price is in the currency named beside it and is always finite.

// A field's name and its type's first line say what it is; what they cannot say stands beside it.
#![allow(missing_docs)]

mod cache;
mod flat;
mod frame;
mod health;
mod jobs;
mod limits;
mod market;
mod metrics;
mod problem;
mod settings;

pub use cache::{
    CacheClassView, CacheEntry, CacheLevelView, CacheRegionView, CacheView, Invalidation, Warming,
};
pub use flat::{HistoryPage, HistoryPoint, PriceItem, PricePage};
pub use frame::{
    Activity, Frame, Market, Notice, NoticeAction, Profile, ProfileStatus, ServiceState, Severity, Status,
};
pub use health::{Health, Service};
pub use jobs::{
    ByPriority, JobAdded, JobAttempt, JobCounts, JobDetail, JobFilter, JobItem, JobKindView, JobPage,
    JobPriority, JobState, JobsView, NewJobRequest, QueueView, WaitReason,
};
pub use limits::{
    ApiLimits, BreakerChange, BreakerState, LimitsView, ServiceError, ServiceLimits, ServiceTest,
};
pub use market::{
    CacheLevel, History, MarketRow, MarketTable, Provenance, Quote, Range, Spark, Token, TokenHit,
};
pub use metrics::{LevelRates, MetricsHistory, QueueDepth, Sample};
pub use problem::Problem;
pub use settings::{ConfigIssue, ExportFormat, Settings, SettingsChange, Theme};
