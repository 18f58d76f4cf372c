//! `PERFORMANCE_REVIEW`: a page with the week's charts and figures, in `reviews/` of the data folder.

mod chart;
mod page;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jobs::{Defaults, Handler, Outcome, Priority, Running};
use serde_json::json;

use super::{Means, Nothing};
use crate::api::Range;
use crate::metrics_history;

pub(super) struct PerformanceReview(pub(super) Arc<Means>);

/// The most reviews that are kept.
const KEPT: usize = 60;

impl Handler for PerformanceReview {
    type Payload = Nothing;
    const KIND: &'static str = "PERFORMANCE_REVIEW";

    fn defaults(&self) -> Defaults {
        Defaults {
            queue: "low",
            priority: Priority::Low,
            attempts: 2,
            timeout: Duration::from_secs(120),
            ..Defaults::default()
        }
    }

    fn example(&self) -> Nothing {
        Nothing {}
    }

    fn about(_: &Nothing) -> String {
        "the last 7 days".to_owned()
    }

    async fn run(&self, _: Nothing, job: Running) -> Outcome {
        let now_ms = self.0.clock.now().wall_ms;
        let history = match metrics_history::read(&self.0.stores.metrics, Range::Week, now_ms).await {
            Ok(history) => history,
            Err(error) => return Outcome::Retry { error: error.to_string(), after: None },
        };
        job.progress(0.3, "figures read");
        let session = self.0.current.get();
        let market = session.service();
        let outside = self.0.book.with(|config| self.0.outside.services(&config.notifications));
        let services = std::iter::once(market).chain(outside);
        let facts = page::Facts {
            at_ms: now_ms,
            profile: session.profile.active,
            services: services.map(|service| service.limits()).collect(),
            history,
        };
        let folder = self.0.folder.join("reviews");
        let written = tokio::task::spawn_blocking(move || write(&folder, now_ms, &page::html(&facts))).await;
        match written.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
            Ok(path) => Outcome::DoneWith(json!({ "file": path.display().to_string() })),
            Err(error) => {
                Outcome::Retry { error: format!("the review cannot be written: {error}"), after: None }
            }
        }
    }
}

/// Whole or not at all; the oldest beyond the most that are kept go.
fn write(folder: &Path, at_ms: i64, html: &str) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("review-{}.html", page::file_time(at_ms)));
    let beside = path.with_extension("html.new");
    std::fs::write(&beside, html)?;
    std::fs::rename(&beside, &path)?;
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|kind| kind == "html"))
        .collect();
    // Their names are their times.
    all.sort();
    for old in &all[..all.len().saturating_sub(KEPT)] {
        std::fs::remove_file(old)?;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_newest_reviews_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        for day in 0..KEPT as i64 + 3 {
            write(folder.path(), day * 86_400_000, "<!doctype html>").unwrap();
        }
        let names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), KEPT);
        assert!(!names.iter().any(|name| name.to_string_lossy().contains("1970-01-01")));
    }
}
