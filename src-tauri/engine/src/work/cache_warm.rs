//! `CACHE_WARM`: loads what will surely be asked for.

use std::sync::Arc;
use std::time::Duration;

use jobs::{Defaults, Handler, NewJob, Outcome, Priority, Running};
use serde_json::json;

use super::hold::after_question;
use super::{Means, Nothing};

pub(crate) struct CacheWarm(pub(super) Arc<Means>);

impl CacheWarm {
    /// The job; while one is open there is no second.
    pub(crate) fn job() -> NewJob {
        NewJob::of::<Self>(&Nothing {}).key("essential")
    }
}

impl Handler for CacheWarm {
    type Payload = Nothing;
    const KIND: &'static str = "CACHE_WARM";

    fn defaults(&self) -> Defaults {
        Defaults {
            priority: Priority::Normal,
            attempts: 3,
            timeout: Duration::from_secs(300),
            ..Defaults::default()
        }
    }

    fn example(&self) -> Nothing {
        Nothing {}
    }

    fn about(_: &Nothing) -> String {
        "prices, table, charts".to_owned()
    }

    async fn run(&self, _: Nothing, job: Running) -> Outcome {
        let session = self.0.current.get();
        let warmed = tokio::select! {
            warmed = session.market.warm_essential_cache() => warmed,
            () = job.cancelled() => return Outcome::Cancel { because: "it was told to end".into() },
        };
        match &warmed.problem {
            Some(problem) => after_question(session.market.source_name(), problem),
            None => Outcome::DoneWith(json!({
                "hot_keys": warmed.hot_keys, "prices": warmed.prices.updated, "table_rows": warmed.table_rows,
                "charts": warmed.charts, "charts_left": warmed.charts_left,
            })),
        }
    }
}
