//! What the job processor runs: one file for each kind of job.
//!
//! A handler holds [`Means`] and asks the profile that is at work when it runs, which may be another than when the job
//! was added.

mod cache_warm;
mod hold;
mod price_refresh;
mod upkeep;

use std::sync::Arc;

use cache::Clock;
use jobs::{Jobs, NewJob, Periodic};

use crate::config;
use crate::current::Current;
use crate::stores::Stores;

pub(crate) use cache_warm::CacheWarm;
pub(crate) use price_refresh::PriceRefresh;
use upkeep::{HistoryRollUp, Retention};

/// What handlers work with.
pub(crate) struct Means {
    pub(crate) current: Current,
    pub(crate) stores: Stores,
    pub(crate) clock: Clock,
}

/// Starts the processor; [`Jobs::stop`] ends it.
pub(crate) async fn start(means: Means, config: &config::Jobs) -> Result<Jobs, jobs::StartError> {
    let clock = means.clock.clone();
    let clock = jobs::Clock::from_fn(move || clock.now().wall_ms);
    let means = Arc::new(means);
    let by_schedule = |name: &str, cron: &str, job| Periodic { name: name.into(), cron: cron.into(), job };
    Jobs::builder(means.stores.durable.clone(), config.processor(), clock)
        .register(PriceRefresh(Arc::clone(&means)))
        .register(CacheWarm(Arc::clone(&means)))
        .register(HistoryRollUp(Arc::clone(&means)))
        .register(Retention(Arc::clone(&means)))
        .periodic(by_schedule("history roll-up", "7 * * * *", NewJob::of::<HistoryRollUp>(&Nothing {})))
        .periodic(by_schedule("retention", "23 4 * * *", NewJob::of::<Retention>(&Nothing {})))
        .start()
        .await
}

/// The payload of a job that needs none: `{}`.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}
