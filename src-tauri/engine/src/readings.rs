//! The engine's figures, for the Prometheus route.

use cache::{RegionStats, Stats};
use limits::{BreakerView, ServiceStatus};

use crate::api::Sample;
use crate::stores::Stores;

/// One figure with its name and labels, as Prometheus names them.
#[derive(Debug, Clone)]
pub struct Reading {
    /// In the field's form: unit last, `_total` for counters.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub help: &'static str,
    /// Whether it only grows since the start.
    pub counts: bool,
    /// Label names and values.
    pub labels: Vec<(&'static str, String)>,
    /// The figure.
    pub value: f64,
}

/// Collects readings.
#[derive(Default)]
pub(crate) struct Readings(Vec<Reading>);

impl Readings {
    pub(crate) fn into_vec(self) -> Vec<Reading> {
        self.0
    }

    fn add(
        &mut self,
        counts: bool,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        value: f64,
    ) {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.0.push(Reading { name, help, counts, labels, value });
    }

    fn counter(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        value: u64,
    ) {
        self.add(true, name, help, labels, value as f64);
    }

    fn gauge(&mut self, name: &'static str, help: &'static str, labels: &[(&'static str, &str)], value: f64) {
        self.add(false, name, help, labels, value);
    }

    pub(crate) fn cache(&mut self, stats: &Stats) {
        for (region, counted) in &stats.regions {
            self.region(region, counted);
        }
        for report in &stats.levels {
            let labels = [("level", report.health.level.name())];
            let health = &report.health;
            let up = f64::from(u8::from(health.state != cache::LevelState::Bypassed));
            self.gauge("eider_cache_bytes", "Bytes that a cache level holds.", &labels, health.bytes as f64);
            self.gauge(
                "eider_cache_bytes_max",
                "Bytes that a cache level may hold.",
                &labels,
                health.bound as f64,
            );
            self.gauge(
                "eider_cache_level_up",
                "1 where the level is used, 0 where it is passed over.",
                &labels,
                up,
            );
            if let Some(evictions) = report.evictions {
                let help = "Entries evicted for want of room.";
                self.counter("eider_cache_evictions_total", help, &labels, evictions);
            }
        }
        self.gauge(
            "eider_cache_ttl_factor",
            "By what the load stretches times to live.",
            &[],
            stats.ttl.factor,
        );
    }

    fn region(&mut self, region: &str, counted: &RegionStats) {
        for (level, counted) in
            [("memory", counted.memory), ("files", counted.files), ("database", counted.database)]
        {
            let labels = [("region", region), ("level", level)];
            self.counter(
                "eider_cache_hits_total",
                "Look-ups that a cache level answered.",
                &labels,
                counted.hits,
            );
            self.counter(
                "eider_cache_misses_total",
                "Look-ups that a cache level did not answer.",
                &labels,
                counted.misses,
            );
            self.counter(
                "eider_cache_errors_total",
                "Look-ups and writes that a cache level failed.",
                &labels,
                counted.errors,
            );
        }
        let labels = [("region", region)];
        for (name, help, value) in [
            ("eider_cache_reads_total", "Calls that asked the cache for a value.", counted.reads),
            ("eider_cache_origin_reads_total", "Reads that no level could answer.", counted.origin),
            ("eider_cache_stale_serves_total", "Reads answered with a stale value.", counted.stale_serves),
            ("eider_cache_promotions_total", "Entries copied up to memory.", counted.promotions),
            ("eider_cache_computations_total", "Computations started.", counted.computations),
            ("eider_cache_failures_total", "Computations that failed.", counted.failures),
        ] {
            self.counter(name, help, &labels, value);
        }
    }

    pub(crate) fn service(&mut self, status: &ServiceStatus) {
        let labels = [("service", status.service.as_str())];
        let breaker = match status.breaker {
            BreakerView::Closed => 0.0,
            BreakerView::HalfOpen => 0.5,
            BreakerView::Open { .. } | BreakerView::Isolated => 1.0,
        };
        self.counter(
            "eider_service_calls_total",
            "Attempts sent to an outside service.",
            &labels,
            status.calls,
        );
        self.counter("eider_service_errors_total", "Attempts without a good answer.", &labels, status.errors);
        self.gauge(
            "eider_service_window_used",
            "Calls that count in the provider's window.",
            &labels,
            status.used.into(),
        );
        self.gauge(
            "eider_service_window_limit",
            "Calls that the window may hold.",
            &labels,
            status.limit.into(),
        );
        self.gauge("eider_service_running", "Calls in flight.", &labels, status.running.into());
        self.gauge("eider_service_breaker_open", "0 closed, 0.5 half open, 1 open.", &labels, breaker);
    }

    pub(crate) fn jobs(&mut self, queues: &[jobs::QueueView]) {
        for queue in queues {
            let labels = [("queue", queue.name.as_str())];
            for state in jobs::State::ALL {
                let labels = [labels[0], ("state", state.name())];
                let jobs = queue.counts.of(state) as f64;
                self.gauge(
                    "eider_jobs",
                    "Jobs by state; ended ones as long as they are kept.",
                    &labels,
                    jobs,
                );
            }
            self.gauge(
                "eider_jobs_concurrency",
                "Jobs that run at once at most.",
                &labels,
                queue.concurrency.into(),
            );
            let paused = f64::from(u8::from(queue.paused));
            self.gauge("eider_jobs_paused", "1 where the queue starts none.", &labels, paused);
            let ended = "Jobs that ended since the start.";
            for (outcome, jobs) in [("done", queue.total.done), ("otherwise", queue.total.otherwise)] {
                let labels = [labels[0], ("outcome", outcome)];
                self.counter("eider_jobs_ended_total", ended, &labels, jobs);
            }
            let stuck = f64::from(queue.stuck);
            self.gauge("eider_jobs_stuck", "Handlers that were told to end and have not.", &labels, stuck);
            let a_minute = queue.ended_per_minute as f64;
            self.gauge(
                "eider_jobs_ended_per_minute",
                "Jobs that ended in the last minute.",
                &labels,
                a_minute,
            );
            for (name, help, times) in [
                ("eider_job_wait_seconds", "From being due to the start.", queue.waits),
                ("eider_job_run_seconds", "From the start to the end.", queue.runs),
            ] {
                let Some(times) = times else { continue };
                for (quantile, ms) in [("0.5", times.p50_ms), ("0.95", times.p95_ms), ("0.99", times.p99_ms)]
                {
                    self.gauge(name, help, &[labels[0], ("quantile", quantile)], ms / 1000.0);
                }
            }
        }
    }

    pub(crate) fn sample(&mut self, sample: &Sample) {
        self.gauge("eider_load_factor", "The largest pressure, smoothed, 0 to 1.", &[], sample.load);
        self.gauge("eider_machine_cpu_ratio", "Busy share of all cores.", &[], sample.cpu);
        self.gauge("eider_machine_memory_ratio", "Used share of the machine's memory.", &[], sample.memory);
        self.gauge("eider_process_cpu_cores", "Cores that this process keeps busy.", &[], sample.process_cpu);
        let resident = sample.process_memory_bytes as f64;
        self.gauge("eider_process_resident_memory_bytes", "Resident memory of this process.", &[], resident);
        let queue = sample.queue;
        for (priority, depth) in
            [("critical", queue.critical), ("high", queue.high), ("normal", queue.normal), ("low", queue.low)]
        {
            self.gauge(
                "eider_queue_depth",
                "Jobs and outside calls that wait.",
                &[("priority", priority)],
                depth.into(),
            );
        }
    }

    pub(crate) fn stores(&mut self, stores: &Stores) {
        for (name, store) in stores.named() {
            let stats = store.stats();
            for query in &stats.queries {
                let labels = [("database", name), ("query", query.name)];
                self.counter("eider_db_queries_total", "Timed queries.", &labels, query.calls);
                self.counter("eider_db_errors_total", "Queries that failed.", &labels, query.errors);
                self.counter("eider_db_slow_total", "Queries over the configured time.", &labels, query.slow);
                self.gauge(
                    "eider_db_p99_seconds",
                    "99th percentile of a query's time.",
                    &labels,
                    query.took.p99.as_secs_f64(),
                );
            }
            let labels = [("database", name)];
            self.gauge("eider_db_readers_open", "Open reading connections.", &labels, stats.pool.open as f64);
            self.counter(
                "eider_db_reader_waits_total",
                "Reads that waited for a connection.",
                &labels,
                stats.pool.waits,
            );
            self.gauge("eider_db_writer_queue", "Writes that wait.", &labels, stats.writer.queue as f64);
            self.counter(
                "eider_db_commits_total",
                "Groups of writes committed together.",
                &labels,
                stats.writer.groups,
            );
        }
    }
}
