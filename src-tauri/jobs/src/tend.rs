//! Upkeep beside the dispatcher: signs of life, schedules, progress, samples and retention.

use std::sync::Arc;
use std::time::Duration;

use store::StoreError;
use store::rusqlite::Connection;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::core::Core;
use crate::periodic::Periodics;
use crate::retention::sweep;
use crate::session::{LOOKS, Watch, beat, recover};
use crate::tally::AllCounts;
use crate::{JobId, State};

/// Schedules and progress are looked at so often, or more.
const STEP: Duration = Duration::from_secs(1);
/// Between two samples of the depths.
const SAMPLE: Duration = Duration::from_secs(10);
/// Between two sweeps of what ended long ago.
const SWEEP: Duration = Duration::from_secs(60);

pub(crate) async fn run(core: Arc<Core>, mut periodics: Periodics) {
    let beat = core.config.lease / LOOKS;
    let mut steps = interval(STEP.min(beat));
    // After a sleep of the machine there is one step, not one for each that was missed: others have time to beat.
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut beats, mut samples, mut sweeps) = (Every::new(beat), Every::new(SAMPLE), Every::new(SWEEP));
    let mut watch = Watch::default();
    loop {
        tokio::select! {
            _ = steps.tick() => {}
            () = core.stopping.cancelled() => return,
        }
        report(periodics.tend(&core).await);
        report(core.write_progress().await);
        report(core.hear_cancellations().await);
        if !core.config.sole_owner && beats.is_due() {
            report(core.beat(&mut watch).await);
        }
        if samples.is_due() {
            report(core.sample_depths().await);
        }
        if sweeps.is_due() {
            report(core.sweep().await);
        }
    }
}

fn report(outcome: Result<(), StoreError>) {
    if let Err(error) = outcome {
        tracing::debug!(%error, "a step of the upkeep of jobs is put off");
    }
}

struct Every {
    span: Duration,
    latest: Option<Instant>,
}

impl Every {
    fn new(span: Duration) -> Self {
        Self { span, latest: None }
    }

    fn is_due(&mut self) -> bool {
        let due = self.latest.is_none_or(|latest| latest.elapsed() >= self.span);
        if due {
            self.latest = Some(Instant::now());
        }
        due
    }
}

impl Core {
    async fn write_progress(&self) -> Result<(), StoreError> {
        let told: Vec<(i64, f64, String)> = {
            let live = self.live();
            let take = |progress: &crate::running::Progress| {
                progress.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
            };
            let told = |(id, underway): (&crate::JobId, &crate::core::Underway)| {
                take(&underway.progress).map(|(share, note)| (id.0, share, note))
            };
            live.running.iter().filter_map(told).collect()
        };
        if told.is_empty() {
            return Ok(());
        }
        let session = self.session;
        self.store
            .write("jobs.progress", move |tx| {
                let mut update = tx.prepare_cached(
                    "UPDATE job SET progress = ?2, progress_note = ?3 WHERE id = ?1 AND session = ?4 AND state = 4",
                )?;
                for (id, share, note) in told {
                    update.execute((id, share, note, session))?;
                }
                Ok(())
            })
            .await
    }

    /// Another process may have cancelled what runs here, and this one may have done so just as it began.
    async fn hear_cancellations(&self) -> Result<(), StoreError> {
        if self.live().running.is_empty() {
            return Ok(());
        }
        let session = self.session;
        let cancelling = move |db: &Connection| {
            let mut select = db.prepare_cached(
                "SELECT id FROM job INDEXED BY job_by_state WHERE state = 4 AND session = ?1 AND cancelling",
            )?;
            let ids = select.query_map([session], |row| Ok(JobId(row.get(0)?)))?;
            Ok(ids.collect::<Result<Vec<_>, _>>()?)
        };
        let ids = self.store.read("jobs.cancelling", cancelling).await?;
        self.tell_to_end(&ids);
        Ok(())
    }

    async fn beat(self: &Arc<Self>, watch: &mut Watch) -> Result<(), StoreError> {
        let session = self.session;
        let beats = self.store.write("jobs.beat", move |tx| beat(tx, session)).await?;
        for dead in watch.look(&beats) {
            let now_ms = self.clock.now_ms();
            let jobs = self.store.write("jobs.recover", move |tx| recover(tx, dead, now_ms)).await?;
            tracing::info!(jobs, "took up the jobs of a process that gives no sign of life");
            self.adopt().await?;
            self.wake.notify_one();
        }
        Ok(())
    }

    async fn sample_depths(&self) -> Result<(), StoreError> {
        let all = self.store.read("jobs.depths", AllCounts::read).await?;
        for queue in &mut self.live().queues {
            queue.figures.sample_depth(all.of(&queue.config.name).of(State::Waiting));
        }
        Ok(())
    }

    async fn sweep(&self) -> Result<(), StoreError> {
        let keep = self.config.retention;
        loop {
            let now_ms = self.clock.now_ms();
            let removed = self.store.write("jobs.sweep", move |tx| sweep(tx, keep, now_ms)).await?;
            if removed == 0 || self.stopping.is_cancelled() {
                return Ok(());
            }
        }
    }
}
