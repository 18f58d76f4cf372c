//! The task that measures every second or two and shows the newest state to whoever looks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use health::{LoadFactor, Pressures, Resources, Sampler};
use tokio::time::{Instant, MissedTickBehavior};

use crate::api::{Activity, JobFigures, QueueDepth, Sample, Spark, Status};
use crate::engine::Inner;
use crate::metrics_history::Recorder;
use crate::notices::{Causes, notices};
use crate::rates::Rates;
use crate::session::Session;
use crate::state::State;
use crate::views;

/// Small lines change slowly, and reading them costs a query for each token.
const SPARKS_EVERY: Duration = Duration::from_secs(60);

/// Measures and shows until the engine stops.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut monitor = Monitor::new(&inner);
    let frame = Duration::from_secs(1) / inner.book.with(|config| config.frames_per_second);
    let mut ticks = tokio::time::interval(frame);
    // After a suspend one tick is enough.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = inner.stopping.cancelled() => break,
            _ = ticks.tick() => {}
            () = inner.board.nudge.notified() => {}
        }
        monitor.tick(&inner).await;
    }
    if let Err(error) = monitor.recorder.flush().await {
        tracing::warn!(%error, "the last samples could not be kept");
    }
}

struct Monitor {
    sampler: Option<Sampler>,
    load: LoadFactor,
    /// Whether load puts off what is not urgent.
    put_off: bool,
    rates: Rates,
    recorder: Recorder,
    sample: Option<Sample>,
    sampled: Option<Instant>,
    jobs: JobsSeen,
    sparks: Vec<Spark>,
    /// When the small lines were read, and for which tokens of which session.
    sparks_of: Option<(Instant, usize, Vec<String>)>,
}

impl Monitor {
    fn new(inner: &Inner) -> Self {
        let sampler = Sampler::new();
        if let Err(error) = &sampler {
            tracing::warn!(%error, "this machine's load cannot be read");
        }
        Self {
            sampler: sampler.ok(),
            load: LoadFactor::default(),
            put_off: inner.book.with(|config| config.put_off_under_load),
            rates: Rates::default(),
            recorder: Recorder::new(inner.stores.metrics.clone()),
            sample: None,
            sampled: None,
            jobs: JobsSeen::default(),
            sparks: Vec::new(),
            sparks_of: None,
        }
    }

    async fn tick(&mut self, inner: &Inner) {
        let session = inner.session();
        if self.sampled.is_none_or(|at| at.elapsed() >= self.pause(inner)) {
            self.sampled = Some(Instant::now());
            self.measure(inner, &session).await;
        }
        if inner.board.has_viewers() || inner.board.newest().is_none() {
            let state = self.state(inner, &session).await;
            inner.board.publish(state);
        }
    }

    /// Between two samples: a second, and two where nobody looks and nothing presses. A little early counts, or jitter
    /// would make every other tick miss its time.
    fn pause(&self, inner: &Inner) -> Duration {
        let idle = self.load.activity() == health::Activity::Calm
            && self.sample.is_some_and(|sample| sample.queue == QueueDepth::default());
        Duration::from_millis(if idle && !inner.board.has_viewers() { 1_900 } else { 900 })
    }

    async fn measure(&mut self, inner: &Inner, session: &Session) {
        let resources = self.sampler.as_mut().map(Sampler::sample).unwrap_or_default();
        match inner.jobs.queues().await {
            Ok(queues) => self.jobs = JobsSeen::of(&queues),
            Err(error) => tracing::debug!(%error, "the queues could not be read"),
        }
        let calls = calls_waiting(session);
        let pressures = Pressures {
            cpu: resources.cpu,
            memory: resources.memory,
            queue: queue_pressure(&calls, &self.jobs.pressing),
        };
        let load = self.load.update(&pressures);
        inner.cache.set_load(load);
        if self.put_off {
            inner.strained.store(self.load.activity() == health::Activity::Strained, Ordering::Relaxed);
            inner.jobs.set_load(load);
        }
        let queue = together(calls, &self.jobs);
        let Resources { cpu, memory, process_cpu, process_memory_bytes } = resources;
        let at_ms = inner.clock.now().wall_ms;
        let cache = self.rates.update(inner.cache.stats().total(), at_ms);
        let jobs = self.jobs.figures;
        let sample =
            Sample { at_ms, load, cpu, memory, process_cpu, process_memory_bytes, cache, queue, jobs };
        self.sample = Some(sample);
        inner.latest.store(Some(sample));
        if let Err(error) = self.recorder.record(&sample).await {
            tracing::debug!(%error, "a sample could not be kept");
        }
    }

    async fn state(&mut self, inner: &Inner, session: &Session) -> State {
        let ids = session.market.watched_ids();
        let currency = session.market.currency();
        let watch: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
        let quotes = session.market.quotes(&ids, &currency).await.into_iter().map(views::quote).collect();
        let this_session = std::ptr::from_ref(session) as usize;
        let read_already = self.sparks_of.as_ref().is_some_and(|(at, of, tokens)| {
            at.elapsed() < SPARKS_EVERY && *of == this_session && *tokens == watch
        });
        if !read_already && let Ok(sparks) = session.market.sparks(&ids, &currency).await {
            let short = sparks.iter().any(|spark| spark.prices.len() < 2);
            self.sparks =
                sparks.into_iter().map(|spark| Spark { id: spark.id.into(), prices: spark.prices }).collect();
            // Lines that are still being filled are read again with the next frame.
            self.sparks_of = (!short).then(|| (Instant::now(), this_session, watch.clone()));
        }
        let market = session.market_status();
        let causes = Causes {
            profile: &session.profile,
            market: &market,
            config_issues: inner.book.issues(),
            set_aside: &inner.set_aside,
            failed_jobs: self.jobs.figures.failed,
            told: inner.told(),
        };
        let status = Status {
            profile: session.profile.clone(),
            currency: currency.into(),
            notices: notices(&causes),
            activity: match self.load.activity() {
                health::Activity::Calm => Activity::Calm,
                health::Activity::Busy => Activity::Busy,
                health::Activity::Strained if self.load.is_easing() => Activity::Easing,
                health::Activity::Strained => Activity::Strained,
            },
            market,
        };
        State {
            now_ms: inner.clock.now().wall_ms,
            watch,
            quotes,
            sparks: self.sparks.clone(),
            sample: self.sample,
            status: Some(status),
        }
    }
}

/// What the queues of jobs hold.
#[derive(Default)]
struct JobsSeen {
    /// By priority, critical first.
    waiting: [u64; 4],
    /// Those of queues that start jobs: what a person paused is no load.
    pressing: [u64; 4],
    running: u64,
    figures: JobFigures,
}

impl JobsSeen {
    fn of(queues: &[jobs::QueueView]) -> Self {
        let in_state = |state| queues.iter().map(|queue| queue.counts.of(state)).sum();
        let at = |queue: &jobs::QueueView, priority| queue.counts.at(jobs::State::Waiting, priority);
        let waiting = |priority| queues.iter().map(|queue| at(queue, priority)).sum();
        let pressing =
            |priority| queues.iter().filter(|queue| !queue.paused).map(|queue| at(queue, priority)).sum();
        Self {
            waiting: jobs::Priority::ALL.map(waiting),
            pressing: jobs::Priority::ALL.map(pressing),
            running: in_state(jobs::State::Running),
            figures: JobFigures {
                ended_per_minute: few(queues.iter().map(|queue| queue.ended_per_minute).sum()),
                failed: few(in_state(jobs::State::Failed)),
                wait_p95_ms: slowest(queues.iter().filter_map(|queue| queue.waits)),
                run_p95_ms: slowest(queues.iter().filter_map(|queue| queue.runs)),
            },
        }
    }
}

fn few(jobs: u64) -> u32 {
    u32::try_from(jobs).unwrap_or(u32::MAX)
}

fn slowest(times: impl Iterator<Item = jobs::Quantiles>) -> Option<f64> {
    times.map(|times| times.p95_ms).reduce(f64::max)
}

/// Tokens that wait for an update and calls that wait for their turn.
fn calls_waiting(session: &Session) -> QueueDepth {
    let status = session.market.pipeline().status();
    let pending = session.market.pending();
    let [critical, high, normal, low] = pending.waiting.map(|count| count as u32);
    QueueDepth {
        critical: critical + status.waiting.critical,
        high: high + status.waiting.high,
        normal: normal + status.waiting.normal,
        low: low + status.waiting.low,
        running: status.running,
    }
}

/// Half of the pipeline's own bound counts as full pressure: beyond it callers begin to be refused. So do a thousand
/// jobs; those of low priority do not count, since the load puts just those off and would keep itself up.
fn queue_pressure(calls: &QueueDepth, pressing: &[u64; 4]) -> f64 {
    let calls = calls.critical + calls.high + calls.normal + calls.low;
    let jobs: u64 = pressing[..3].iter().sum();
    (f64::from(calls) / 128.0).max(jobs as f64 / 1_000.0)
}

fn together(calls: QueueDepth, jobs: &JobsSeen) -> QueueDepth {
    let [critical, high, normal, low] = jobs.waiting.map(few);
    QueueDepth {
        critical: calls.critical.saturating_add(critical),
        high: calls.high.saturating_add(high),
        normal: calls.normal.saturating_add(normal),
        low: calls.low.saturating_add(low),
        running: calls.running.saturating_add(few(jobs.running)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_that_load_puts_off_do_not_keep_the_load_up() {
        let calm = QueueDepth::default();
        assert_eq!(queue_pressure(&calm, &[0, 0, 0, 1_000_000]), 0.0);
        assert_eq!(queue_pressure(&calm, &[0, 500, 500, 0]), 1.0);
        assert_eq!(queue_pressure(&QueueDepth { low: 64, ..calm }, &[0; 4]), 0.5);
    }
}
