//! What the job processor runs: one file for each kind of job.
//!
//! A handler holds [`Means`] and asks the profile that is at work when it runs, which may be another than when the job
//! was added.

mod cache_warm;
mod hold;
mod price_refresh;
mod process_content;
mod review;
mod send_notification;
mod text;
mod upkeep;
mod verify_holdings;

use std::path::PathBuf;
use std::sync::Arc;

use cache::Clock;
use content::Kept;
use jobs::{Jobs, NewJob, Periodic};

use crate::config;
use crate::current::Current;
use crate::holdings::Holdings;
use crate::notifier::Notifier;
use crate::outside::Outside;
use crate::settings::Book;
use crate::stores::Stores;

pub(crate) use cache_warm::CacheWarm;
pub(crate) use price_refresh::PriceRefresh;
pub(crate) use process_content::{ProcessContent, reach};
use review::PerformanceReview;
pub(crate) use send_notification::{Channel, SendNotification};
use upkeep::{HistoryRollUp, Retention};
use verify_holdings::VerifyTokenHoldings;

/// What handlers work with.
pub(crate) struct Means {
    pub(crate) book: Arc<Book>,
    pub(crate) current: Current,
    pub(crate) stores: Stores,
    pub(crate) clock: Clock,
    pub(crate) outside: Outside,
    pub(crate) content: Kept,
    pub(crate) notifier: Option<Notifier>,
    pub(crate) holdings: Option<Holdings>,
    /// The data folder.
    pub(crate) folder: PathBuf,
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
        .register(ProcessContent(Arc::clone(&means)))
        .register(SendNotification(Arc::clone(&means)))
        .register(VerifyTokenHoldings(Arc::clone(&means)))
        .register(PerformanceReview(Arc::clone(&means)))
        .register(HistoryRollUp(Arc::clone(&means)))
        .register(Retention(Arc::clone(&means)))
        .periodic(by_schedule("history roll-up", "7 * * * *", NewJob::of::<HistoryRollUp>(&Nothing {})))
        .periodic(by_schedule("retention", "23 4 * * *", NewJob::of::<Retention>(&Nothing {})))
        .periodic(by_schedule("weekly review", "0 9 * * 1", NewJob::of::<PerformanceReview>(&Nothing {})))
        .start()
        .await
}

/// The payload of a job that needs none: `{}`.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}
