//! How the engine does: now, over time, and as figures for Prometheus.

use std::path::Path;

use crate::api::{Health, MetricsHistory, Problem, Range, Service, ServiceState};
use crate::readings::Readings;
use crate::{Engine, Reading, metrics_history, stores, views};

impl Engine {
    /// How the engine and what it needs do.
    pub fn health(&self) -> Health {
        let session = self.0.session();
        let market = session.market_status();
        let p50 = session.market.pipeline().status().p50;
        let mut services = vec![Service {
            name: "market".to_owned(),
            state: market.state,
            since_ms: Some(market.since_ms),
            last_success_ms: market.last_success_ms,
            p50_us: p50.map(|p50| p50.as_micros() as u64),
            problem: market.problem,
        }];
        let set_aside = &self.0.set_aside;
        services.extend(self.0.stores.named().map(|(name, store)| database(name, store, set_aside)));
        let worst = services.iter().map(|service| service.state).max_by_key(|state| severity(*state));
        Health {
            status: worst.unwrap_or(ServiceState::Up),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            profile: session.profile.active,
            now_ms: self.0.clock.now().wall_ms,
            started_at_ms: self.0.started_at_ms,
            services,
            sample: self.0.latest.load(),
        }
    }

    /// Whether the engine can serve.
    ///
    /// # Errors
    /// `stopped`, or `store_failed` where the durable database does not answer.
    pub async fn ready(&self) -> Result<(), Problem> {
        if self.0.stopping.is_cancelled() {
            return Err(Problem::new("stopped", "Eider is stopping."));
        }
        let answered = self.0.stores.durable.read("engine.ready", |db| {
            Ok(db.query_row("SELECT count(*) FROM remembered", [], |row| row.get::<_, i64>(0))?)
        });
        answered
            .await
            .map(|_| ())
            .map_err(|error| Problem::new("store_failed", format!("The database does not answer: {error}.")))
    }

    /// Every figure, for Prometheus.
    pub async fn readings(&self) -> Vec<Reading> {
        let mut readings = Readings::default();
        readings.cache(&self.0.cache.stats());
        for service in self.services() {
            readings.service(&service.pipeline.status());
        }
        if let Some(sample) = self.0.latest.load() {
            readings.sample(&sample);
        }
        match self.0.jobs.queues().await {
            Ok(queues) => readings.jobs(&queues),
            Err(error) => tracing::debug!(%error, "the queues could not be read"),
        }
        readings.stores(&self.0.stores);
        readings.into_vec()
    }

    /// Load, cache rates and queue depths over a range.
    ///
    /// # Errors
    /// `store_failed`
    pub async fn metrics_history(&self, range: Range) -> Result<MetricsHistory, Problem> {
        let now_ms = self.0.clock.now().wall_ms;
        metrics_history::read(&self.0.stores.metrics, range, now_ms).await.map_err(|error| {
            Problem::new("store_failed", format!("The measured history cannot be read: {error}."))
        })
    }
}

/// It is up unless the last write was refused; that it had to begin anew is told for as long as this engine runs.
fn database(name: &str, store: &store::Store, set_aside: &[String]) -> Service {
    let stats = store.stats();
    let file = format!("{}.damaged-", stores::file_name(name));
    let of_this = |kept: &&String| {
        let kept = Path::new(kept.as_str()).file_name();
        kept.is_some_and(|kept| kept.to_string_lossy().starts_with(&file))
    };
    let lost = set_aside.iter().find(of_this).map(|kept| {
        let sentence =
            format!("The file was damaged, so a new one was begun; the damaged one is kept as {kept}.");
        Problem::new("damaged_file_set_aside", sentence)
    });
    let refused = stats.writer.trouble.as_ref().map(|trouble| {
        Problem::new("store_failed", format!("It takes no writes at present: {}", views::sentence(trouble)))
    });
    let slowest = stats.queries.iter().map(|query| query.took.p50).max();
    Service {
        name: name.to_owned(),
        state: if refused.is_some() { ServiceState::Degraded } else { ServiceState::Up },
        since_ms: None,
        last_success_ms: None,
        p50_us: slowest.map(|p50| p50.as_micros() as u64),
        problem: refused.or(lost),
    }
}

fn severity(state: ServiceState) -> u8 {
    match state {
        ServiceState::Up => 0,
        ServiceState::Starting => 1,
        ServiceState::Degraded => 2,
        ServiceState::Down => 3,
    }
}
