//! `PRICE_REFRESH`: drains the set of tokens that wait for a newer price, many with one call.

use std::sync::Arc;
use std::time::Duration;

use jobs::{Backoff, Defaults, Handler, Hold, NewJob, OnDuplicate, Outcome, Priority, Running, Unique};
use limits::CallError;
use market::{MarketError, TokenId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Means;
use super::hold::after_question;

pub(crate) struct PriceRefresh(pub(super) Arc<Means>);

/// Which prices are to be refreshed.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// These, at most 250; the watchlist where there are none.
    #[serde(default)]
    ids: Ids,
    /// Only what waits in the set already.
    #[serde(default)]
    queued: bool,
}

impl PriceRefresh {
    /// The job that drains what waits in the set. While one is open there is no second; asked for again while it
    /// runs, it runs once more.
    pub(crate) fn of_what_waits() -> NewJob {
        NewJob::of::<Self>(&Which { queued: true, ids: Ids::default() }).key("queued")
    }
}

impl Handler for PriceRefresh {
    type Payload = Which;
    const KIND: &'static str = "PRICE_REFRESH";

    fn defaults(&self) -> Defaults {
        Defaults {
            queue: "high",
            priority: Priority::High,
            attempts: 3,
            backoff: Backoff::Exponential {
                first: Duration::from_secs(5),
                factor: 2.0,
                cap: Duration::from_secs(60),
            },
            timeout: Duration::from_secs(180),
            unique: Unique { policy: OnDuplicate::RunOnceMore, ..Unique::default() },
            ..Defaults::default()
        }
    }

    fn example(&self) -> Which {
        let id = |text| TokenId::new(text).ok();
        let ids = Ids([id("duckchain-token"), id("bitcoin")].into_iter().flatten().collect());
        Which { ids, queued: false }
    }

    fn about(which: &Which) -> String {
        match which.ids.0.as_slice() {
            [] if which.queued => "what is due".to_owned(),
            [] => "the watchlist".to_owned(),
            [one] => one.to_string(),
            several => format!("{} tokens", several.len()),
        }
    }

    async fn run(&self, which: Which, job: Running) -> Outcome {
        let session = self.0.current.get();
        let market = &session.market;
        for id in &which.ids.0 {
            market.schedule_update(id);
        }
        if which.ids.0.is_empty() && !which.queued {
            market.schedule_watchlist(limits::Priority::High);
        }
        let processed = tokio::select! {
            processed = market.process_queue() => processed,
            // What was taken goes back into the set.
            () = job.cancelled() => return Outcome::Cancel { because: "it was told to end".into() },
        };
        match &processed.problem {
            // The program or the profile ends, and the next one asks soon.
            Some(problem @ (MarketError::Closed | MarketError::Call(CallError::Closed))) => {
                after_question(market.source_name(), problem)
            }
            Some(problem) if processed.failed > 0 => {
                let next_ms = market.next_due_ms().unwrap_or_default() - self.0.clock.now().wall_ms;
                put_off(market.source_name(), problem, Duration::from_millis(next_ms.max(1_000) as u64))
            }
            // Prices came, but could not be kept.
            Some(problem) => after_question(market.source_name(), problem),
            None => Outcome::DoneWith(json!({
                "updated": processed.updated, "unknown": processed.unknown, "calls": processed.batches,
            })),
        }
    }
}

const IDS_MAX: usize = 250;

/// At most [`IDS_MAX`], which is what one call carries.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<TokenId>", into = "Vec<TokenId>")]
struct Ids(Vec<TokenId>);

impl TryFrom<Vec<TokenId>> for Ids {
    type Error = String;

    fn try_from(ids: Vec<TokenId>) -> Result<Self, String> {
        if ids.len() > IDS_MAX {
            return Err(format!("ids has {} tokens: at most {IDS_MAX} are accepted", ids.len()));
        }
        Ok(Self(ids))
    }
}

impl From<Ids> for Vec<TokenId> {
    fn from(ids: Ids) -> Self {
        ids.0
    }
}

/// The tokens wait in the set for their next try, and so does this job: a source that is away fails no job.
fn put_off(service: &str, problem: &MarketError, until_next: Duration) -> Outcome {
    match after_question(service, problem) {
        Outcome::Snooze { because, for_ } => Outcome::Snooze { for_: for_.max(until_next), because },
        _ => {
            let what = match problem {
                MarketError::Call(CallError::Failed { .. } | CallError::TimedOut { .. }) => "failed",
                _ => "has a problem",
            };
            Outcome::Snooze { for_: until_next, because: Hold::Other(format!("{service} {what}: {problem}")) }
        }
    }
}
