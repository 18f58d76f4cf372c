//! Reading jobs and queues.

use std::fmt::Write as _;

use store::StoreError;
use store::rusqlite::types::Value;
use store::rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use crate::figures::Figures;
use crate::jobs::Jobs;
use crate::tally::{Counts, counts};
use crate::view::{Attempt, BatchView, Filter, Job, JobRow, KindView, QueueView, Why};
use crate::{JobId, JobsError, Priority, State};

/// The most jobs of one page.
pub const PAGE_MAX: usize = 200;

const ROW: &str = "id, kind, about, queue, priority, state, attempt, attempts, created_at_ms, run_at_ms,
                   started_at_ms, ended_at_ms, progress, progress_note, error, key";

impl Jobs {
    /// Jobs, newest first: up to `limit` of those added before `before`.
    ///
    /// # Errors
    /// [`JobsError::Invalid`] for a limit beyond 1 to 200, or the database's.
    pub async fn list(
        &self,
        filter: &Filter,
        before: Option<JobId>,
        limit: usize,
    ) -> Result<Vec<JobRow>, JobsError> {
        if !(1..=PAGE_MAX).contains(&limit) {
            let value = limit.to_string();
            return Err(JobsError::Invalid { field: "limit", value, accepted: "1 to 200" });
        }
        let (sql, values) = page(filter, before, limit);
        let read = move |db: &Connection| {
            let mut select = db.prepare_cached(&sql)?;
            let rows = select.query_map(params_from_iter(values), row)?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        };
        Ok(self.core.store.read("jobs.list", read).await?)
    }

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
        } else if load.deferring && row.priority == Priority::Low {
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
        let names = self.core.config.names();
        let read = move |db: &Connection| names.iter().map(|name| counts(db, Some(name))).collect();
        let all: Vec<Counts> = self.core.store.read("jobs.queues", read).await?;
        let now_ms = self.core.clock.now_ms();
        let live = self.core.live();
        let view = |(queue, counts): (&crate::core::Queue, Counts)| {
            let figures: &Figures = &queue.figures;
            QueueView {
                name: queue.config.name.clone(),
                paused: queue.paused,
                draining: queue.draining,
                concurrency: queue.concurrency,
                running: queue.taken,
                stuck: figures.stuck,
                bound: queue.config.bound,
                deferring: live.load.deferring && counts.at(State::Waiting, Priority::Low) > 0,
                rate: queue.config.rate,
                counts,
                waits: figures.waits.quantiles(),
                runs: figures.runs.quantiles(),
                ended_per_minute: figures.per_minute(now_ms),
                depth: figures.depth(),
            }
        };
        Ok(live.queues.iter().zip(all).map(view).collect())
    }

    /// The kinds that can be added.
    pub fn kinds(&self) -> Vec<KindView> {
        let view = |(kind, handler): (&&'static str, &std::sync::Arc<dyn crate::handler::Erased>)| {
            let defaults = handler.defaults();
            KindView {
                kind,
                queue: defaults.queue,
                priority: defaults.priority,
                attempts: defaults.attempts,
                timeout: defaults.timeout,
                example: handler.example(),
            }
        };
        self.core.handlers.iter().map(view).collect()
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
            let mut select =
                db.prepare_cached("SELECT state, count(*) FROM job WHERE batch = ?1 GROUP BY state")?;
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

fn page(filter: &Filter, before: Option<JobId>, limit: usize) -> (String, Vec<Value>) {
    let (mut sql, mut values) = (format!("SELECT {ROW} FROM job WHERE 1"), Vec::new());
    let mut restrict = |clause: &str, value: Value| {
        values.push(value);
        // Writing to a string cannot fail.
        let _ = write!(sql, " AND {clause} ?{}", values.len());
    };
    if let Some(before) = before {
        restrict("id <", before.0.into());
    }
    if let Some(queue) = &filter.queue {
        restrict("queue =", queue.clone().into());
    }
    if let Some(kind) = &filter.kind {
        restrict("kind =", kind.clone().into());
    }
    if let Some(batch) = &filter.batch {
        restrict("batch =", batch.clone().into());
    }
    if let Some(from_ms) = filter.created_from_ms {
        restrict("created_at_ms >=", from_ms.into());
    }
    if let Some(to_ms) = filter.created_to_ms {
        restrict("created_at_ms <", to_ms.into());
    }
    if !filter.states.is_empty() {
        let codes: Vec<String> = filter.states.iter().map(|state| (*state as i64).to_string()).collect();
        let _ = write!(sql, " AND state IN ({})", codes.join(", "));
    }
    values.push((limit as i64).into());
    let _ = write!(sql, " ORDER BY id DESC LIMIT ?{}", values.len());
    (sql, values)
}

fn row(row: &Row<'_>) -> store::rusqlite::Result<JobRow> {
    Ok(JobRow {
        id: JobId(row.get(0)?),
        kind: row.get(1)?,
        about: row.get(2)?,
        queue: row.get(3)?,
        priority: Priority::from_code(row.get(4)?),
        state: State::from_code(row.get(5)?),
        attempt: row.get(6)?,
        attempts: row.get(7)?,
        created_at_ms: row.get(8)?,
        run_at_ms: row.get(9)?,
        started_at_ms: row.get(10)?,
        ended_at_ms: row.get(11)?,
        progress: row.get(12)?,
        progress_note: row.get(13)?,
        error: row.get(14)?,
        key: row.get(15)?,
    })
}

fn job(db: &Connection, id: JobId) -> Result<Option<Job>, StoreError> {
    let sql =
        format!("SELECT {ROW}, payload, result, batch, parent, children_open, hold FROM job WHERE id = ?1");
    let found = db.prepare_cached(&sql)?.query_row([id.0], |columns| {
        Ok(Job {
            row: row(columns)?,
            payload: columns.get(16)?,
            result: columns.get(17)?,
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
         WHERE job = ?1 ORDER BY rowid DESC LIMIT 200",
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
