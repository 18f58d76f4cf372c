//! Reading jobs and queues.

use store::StoreError;
use store::rusqlite::{Connection, OptionalExtension};

use crate::columns::text;
use crate::figures::Figures;
use crate::jobs::Jobs;
use crate::kind::Kind;
use crate::page::{ROW, row};
use crate::tally::AllCounts;
use crate::view::{Attempt, BatchView, Job, JobRow, KindView, QueueView, Why};
use crate::{JobId, JobsError, Priority, State};

impl Jobs {
    /// All about one job.
    ///
    /// # Errors
    /// [`JobsError::NotFound`], or the database's.
    pub async fn job(&self, id: JobId) -> Result<Job, JobsError> {
        let found = self.core.store.read("jobs.job", move |db| job(db, id)).await?;
        found.ok_or(JobsError::NotFound { id })
    }

    /// Why a job does not run right now: the true reason, the nearest one first.
    ///
    /// # Errors
    /// [`JobsError::NotFound`], or the database's.
    pub async fn why(&self, id: JobId) -> Result<Why, JobsError> {
        Ok(self.why_of(&self.job(id).await?))
    }

    /// As [`why`](Self::why), of a job that was just read.
    pub fn why_of(&self, job: &Job) -> Why {
        let (row, now_ms) = (&job.row, self.core.clock.now_ms());
        match row.state {
            State::Scheduled if row.error.is_some() => {
                Why::Backoff { at_ms: row.run_at_ms, attempt: row.attempt }
            }
            State::Scheduled => Why::Scheduled { at_ms: row.run_at_ms },
            State::Snoozed => Why::Snoozed { until_ms: row.run_at_ms, because: job.hold.clone() },
            State::Blocked => Why::Blocked { children_open: job.children_open },
            State::Waiting => self.why_waiting(row, now_ms),
            other => Why::NotWaiting(other),
        }
    }

    fn why_waiting(&self, row: &JobRow, now_ms: i64) -> Why {
        let mut live = self.core.live();
        let load = live.load;
        let Some(queue) = live.queue(&row.queue) else { return Why::Paused };
        if queue.paused {
            Why::Paused
        } else if row.priority == Priority::Low && !queue.low(load, now_ms).lets(row.run_at_ms) {
            Why::Load { factor: load.factor }
        } else if queue.taken >= queue.concurrency {
            Why::Concurrency { running: queue.taken, limit: queue.concurrency }
        } else if let Some(until_ms) = queue.rate_until_ms(now_ms) {
            Why::QueueRate { until_ms }
        } else {
            Why::Next
        }
    }

    /// Every queue, in the order of the configuration. What is counted comes from a table that every change keeps, so
    /// it costs the same however many jobs there are.
    ///
    /// # Errors
    /// The database's.
    pub async fn queues(&self) -> Result<Vec<QueueView>, JobsError> {
        let all = self.core.store.read("jobs.queues", AllCounts::read).await?;
        let now_ms = self.core.clock.now_ms();
        let mut live = self.core.live();
        let deferring = live.load.deferring;
        let view = |queue: &mut crate::core::Queue| {
            let counts = all.of(&queue.config.name);
            let figures: &mut Figures = &mut queue.figures;
            QueueView {
                name: queue.config.name.clone(),
                paused: queue.paused,
                draining: queue.draining,
                concurrency: queue.concurrency,
                running: queue.taken,
                stuck: figures.stuck,
                bound: queue.config.bound,
                deferring: deferring && counts.at(State::Waiting, Priority::Low) > 0,
                rate: queue.config.rate,
                counts,
                waits: figures.waits.quantiles(now_ms),
                runs: figures.runs.quantiles(now_ms),
                ended_per_minute: figures.per_minute(now_ms),
                completion_rate: figures.completion_rate(now_ms),
                total: figures.total,
                depth: figures.depth(),
            }
        };
        Ok(live.queues.iter_mut().map(view).collect())
    }

    /// The kinds that can be added.
    pub fn kinds(&self) -> Vec<KindView> {
        let view = |(name, kind): (&&'static str, &Kind)| KindView {
            kind: name,
            queue: kind.defaults.queue,
            priority: kind.defaults.priority,
            attempts: kind.defaults.attempts,
            timeout: kind.defaults.timeout,
            example: kind.handler.example(),
        };
        self.core.kinds.iter().map(view).collect()
    }

    /// The load as last sampled, and whether it holds low-priority work back.
    pub fn load(&self) -> (f64, bool) {
        let load = self.core.live().load;
        (load.factor, load.deferring)
    }

    /// How the jobs of a batch stand.
    ///
    /// # Errors
    /// The database's.
    pub async fn batch(&self, batch: &str) -> Result<BatchView, JobsError> {
        let batch = batch.to_owned();
        let read = move |db: &Connection| {
            let mut select = db.prepare_cached(
                "SELECT state, count(*) FROM job INDEXED BY job_by_batch WHERE batch = ?1 GROUP BY state",
            )?;
            let mut view = BatchView { open: 0, done: 0, failed: 0, cancelled: 0 };
            let mut rows = select.query([&batch])?;
            while let Some(row) = rows.next()? {
                let jobs = row.get::<_, i64>(1)?.max(0) as u64;
                match State::from_code(row.get(0)?) {
                    State::Done => view.done = jobs,
                    State::Failed => view.failed = jobs,
                    State::Cancelled => view.cancelled = jobs,
                    _ => view.open += jobs,
                }
            }
            Ok(view)
        };
        Ok(self.core.store.read("jobs.batch", read).await?)
    }
}

fn job(db: &Connection, id: JobId) -> Result<Option<Job>, StoreError> {
    let sql =
        format!("SELECT {ROW}, payload, result, batch, parent, children_open, hold FROM job WHERE id = ?1");
    let found = db.prepare_cached(&sql)?.query_row([id.0], |columns| {
        Ok(Job {
            row: row(columns)?,
            payload: text(columns, 16)?.unwrap_or_default(),
            result: text(columns, 17)?,
            timeline: Vec::new(),
            batch: columns.get(18)?,
            parent: columns.get::<_, Option<i64>>(19)?.map(JobId),
            children_open: columns.get::<_, i64>(20)?.max(0) as u64,
            hold: columns.get::<_, Option<String>>(21)?.and_then(|hold| serde_json::from_str(&hold).ok()),
        })
    });
    let Some(mut job) = found.optional()? else { return Ok(None) };
    job.timeline.extend(latest(&job.row));
    let mut select = db.prepare_cached(
        "SELECT attempt, started_at_ms, ended_at_ms, outcome, error FROM job_attempt
         WHERE job = ?1 ORDER BY start DESC",
    )?;
    let attempts = select.query_map([id.0], |row| {
        Ok(Attempt {
            attempt: row.get(0)?,
            started_at_ms: row.get(1)?,
            ended_at_ms: row.get(2)?,
            outcome: row.get(3)?,
            error: row.get(4)?,
        })
    })?;
    for attempt in attempts {
        job.timeline.push(attempt?);
    }
    Ok(Some(job))
}

/// The attempt that the job's own row tells: the one under way, or the good one.
fn latest(row: &JobRow) -> Option<Attempt> {
    let outcome = match row.state {
        State::Running => "running",
        State::Done => "done",
        _ => return None,
    };
    Some(Attempt {
        attempt: row.attempt,
        started_at_ms: row.started_at_ms?,
        ended_at_ms: row.ended_at_ms,
        outcome: outcome.to_owned(),
        error: None,
    })
}
