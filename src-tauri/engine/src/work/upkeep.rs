//! `HISTORY_ROLLUP` and `RETENTION`: what keeps the files small.

use std::sync::Arc;
use std::time::Duration;

use jobs::{Defaults, Handler, Outcome, Priority, Running};
use serde_json::json;

use super::{Means, Nothing};
use crate::once;

/// Drops price points whose time is over: they live on in the steps of the coarser tier.
pub(super) struct HistoryRollUp(pub(super) Arc<Means>);

/// Forgets what was kept for a limited time.
pub(super) struct Retention(pub(super) Arc<Means>);

fn unhurried() -> Defaults {
    Defaults {
        queue: "low",
        priority: Priority::Low,
        attempts: 3,
        timeout: Duration::from_secs(600),
        ..Defaults::default()
    }
}

impl Handler for HistoryRollUp {
    type Payload = Nothing;
    const KIND: &'static str = "HISTORY_ROLLUP";

    fn defaults(&self) -> Defaults {
        unhurried()
    }

    fn example(&self) -> Nothing {
        Nothing {}
    }

    fn about(_: &Nothing) -> String {
        "price history".to_owned()
    }

    async fn run(&self, _: Nothing, _: Running) -> Outcome {
        match self.0.current.get().market.trim_history().await {
            Ok(rows) => Outcome::DoneWith(json!({ "removed": rows })),
            Err(error) => Outcome::Retry { error: error.to_string(), after: None },
        }
    }
}

impl Handler for Retention {
    type Payload = Nothing;
    const KIND: &'static str = "RETENTION";

    fn defaults(&self) -> Defaults {
        unhurried()
    }

    fn example(&self) -> Nothing {
        Nothing {}
    }

    fn about(_: &Nothing) -> String {
        "what is kept for a limited time".to_owned()
    }

    async fn run(&self, _: Nothing, _: Running) -> Outcome {
        let now_ms = self.0.clock.now().wall_ms;
        match self.0.stores.durable.write("once.forget", move |tx| once::forget(tx, now_ms)).await {
            Ok(requests) => Outcome::DoneWith(json!({ "requests": requests })),
            Err(error) => Outcome::Retry { error: error.to_string(), after: None },
        }
    }
}
