//! Acknowledging an attempt: its outcome becomes the job's state, if the attempt is still this process's.

use store::StoreError;
use store::rusqlite::{OptionalExtension, Transaction};

use crate::tally::Tally;
use crate::{Backoff, Hold, JobId, Priority, State};

/// A job that this process started.
#[derive(Debug, Clone)]
pub(crate) struct Started {
    pub(crate) id: JobId,
    pub(crate) kind: String,
    pub(crate) queue: String,
    pub(crate) priority: Priority,
    pub(crate) key: Option<String>,
    pub(crate) payload: String,
    pub(crate) attempt: u32,
    pub(crate) attempts: u32,
    pub(crate) starts: i64,
    pub(crate) timeout_ms: i64,
    pub(crate) created_at_ms: i64,
    /// When its overall time is up.
    pub(crate) deadline_ms: Option<i64>,
    pub(crate) due_at_ms: i64,
    pub(crate) started_at_ms: i64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ending {
    Done(Option<String>),
    /// `outcome` says what happened: `retry`, `timed_out`, `panicked`.
    Retry {
        outcome: &'static str,
        error: String,
        after_ms: Option<i64>,
    },
    Snooze {
        for_ms: i64,
        because: Hold,
    },
    Cancel(String),
    Fail(String),
    /// The program quits; the attempt is not spent.
    Interrupted,
}

/// What an acknowledgement came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settled {
    pub(crate) state: State,
    pub(crate) error: Option<String>,
    /// Jobs that it moved beside itself: parents, or one more run.
    pub(crate) moved: Vec<(JobId, State)>,
}

/// Who acknowledges, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By {
    pub(crate) session: i64,
    pub(crate) now_ms: i64,
}

impl Started {
    /// `None` where the job is not this process's any more: it was taken for dead, and another one has it.
    pub(crate) fn settle(
        &self,
        tx: &Transaction<'_>,
        ending: &Ending,
        backoff: &Backoff,
        by: By,
        tally: &mut Tally,
    ) -> Result<Option<Settled>, StoreError> {
        let row = tx
            .prepare_cached(
                "SELECT again, cancelling, parent FROM job
                 WHERE id = ?1 AND starts = ?2 AND session = ?3 AND state = 4",
            )?
            .query_row((self.id.0, self.starts, by.session), |row| {
                Ok((row.get::<_, Option<String>>(0)?, row.get::<_, bool>(1)?, row.get::<_, Option<i64>>(2)?))
            })
            .optional()?;
        let Some((again, cancelling, parent)) = row else { return Ok(None) };
        let next = self.next(ending, backoff, cancelling, by.now_ms);
        tx.prepare_cached(
            "UPDATE job SET state = ?2, ended_at_ms = ?3, result = ?4, error = ?5, hold = ?6, attempt = ?7,
                            run_at_ms = coalesce(?8, run_at_ms), session = NULL, cancelling = 0,
                            payload = CASE WHEN ?9 THEN coalesce(again, payload) ELSE payload END, again = NULL
             WHERE id = ?1",
        )?
        .execute((
            self.id.0,
            next.state as i64,
            by.now_ms,
            next.result,
            &next.error,
            next.hold,
            next.attempt,
            next.run_at_ms,
            // A job that runs again anyway does what the run that was asked for meanwhile would do.
            next.state.is_open(),
        ))?;
        if let Some(outcome) = next.outcome {
            let error = next.error.as_deref();
            Attempted { job: self.id, start: self.starts, attempt: self.attempt, outcome, error }
                .note(tx, (self.started_at_ms, by.now_ms))?;
        }
        tally.moved(&self.queue, self.priority, State::Running, next.state);
        let mut moved = Vec::new();
        if !next.state.is_open() {
            if let Some(payload) = again {
                moved.push((run_once_more(tx, self.id, &payload, by.now_ms)?, State::Waiting));
                tally.add(&self.queue, State::Waiting, self.priority, 1);
            }
            if let Some(parent) = parent {
                moved.extend(child_ended(tx, self.id, JobId(parent), next.state, by.now_ms, tally)?);
            }
        }
        Ok(Some(Settled { state: next.state, error: next.error, moved }))
    }

    fn is_late(&self, at_ms: i64) -> bool {
        self.deadline_ms.is_some_and(|deadline| at_ms >= deadline)
    }

    fn next<'a>(&self, ending: &'a Ending, backoff: &Backoff, cancelling: bool, now_ms: i64) -> Next<'a> {
        let unspent = self.attempt.saturating_sub(1);
        let at = |state| Next { attempt: self.attempt, ..Next::at(state) };
        match ending {
            Ending::Done(result) => Next { result: result.as_deref(), ..at(State::Done) },
            Ending::Cancel(because) => {
                Next { error: Some(because.clone()), outcome: Some("cancelled"), ..at(State::Cancelled) }
            }
            Ending::Fail(error) => {
                Next { error: Some(error.clone()), outcome: Some("failed"), ..at(State::Failed) }
            }
            Ending::Interrupted => {
                Next { attempt: unspent, outcome: Some("interrupted"), ..Next::at(State::Waiting) }
            }
            _ if cancelling => Next {
                error: Some("it was cancelled".into()),
                outcome: Some("cancelled"),
                ..at(State::Cancelled)
            },
            Ending::Snooze { for_ms, .. } if self.is_late(now_ms.saturating_add(*for_ms)) => Next {
                error: Some("put off until its overall time is up".into()),
                outcome: Some("snoozed"),
                ..at(State::Failed)
            },
            Ending::Snooze { for_ms, because } => Next {
                attempt: unspent,
                hold: serde_json::to_string(because).ok(),
                run_at_ms: Some(now_ms.saturating_add(*for_ms)),
                outcome: Some("snoozed"),
                ..Next::at(State::Snoozed)
            },
            Ending::Retry { outcome, error, after_ms } => {
                let wait_ms = after_ms.unwrap_or_else(|| backoff.wait(self.attempt).as_millis() as i64);
                let run_at_ms = now_ms.saturating_add(wait_ms);
                let late = self.is_late(run_at_ms);
                let outcome = Some(*outcome);
                if self.attempt >= self.attempts || late {
                    let error =
                        Some(if late { format!("{error}; its overall time is up") } else { error.clone() });
                    return Next { error, outcome, ..at(State::Failed) };
                }
                Next {
                    error: Some(error.clone()),
                    outcome,
                    run_at_ms: Some(run_at_ms),
                    ..at(State::Scheduled)
                }
            }
        }
    }
}

struct Next<'a> {
    state: State,
    attempt: u32,
    run_at_ms: Option<i64>,
    result: Option<&'a str>,
    error: Option<String>,
    hold: Option<String>,
    /// As the history of the attempts has it; a good one is told by the job's own row.
    outcome: Option<&'static str>,
}

impl Next<'_> {
    fn at(state: State) -> Self {
        Self { state, attempt: 0, run_at_ms: None, result: None, error: None, hold: None, outcome: None }
    }
}

/// An attempt that did not end well, for the job's history.
pub(crate) struct Attempted<'a> {
    pub(crate) job: JobId,
    pub(crate) start: i64,
    pub(crate) attempt: u32,
    pub(crate) outcome: &'a str,
    pub(crate) error: Option<&'a str>,
}

/// How many attempts of a job are kept; one that is put off again and again would gather them without end.
pub(crate) const ATTEMPTS_KEPT: i64 = 100;

impl Attempted<'_> {
    pub(crate) fn note(
        &self,
        tx: &Transaction<'_>,
        (started_at_ms, ended_at_ms): (i64, i64),
    ) -> Result<(), StoreError> {
        tx.prepare_cached(
            "INSERT INTO job_attempt (job, start, attempt, started_at_ms, ended_at_ms, outcome, error)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            self.job.0,
            self.start,
            self.attempt,
            started_at_ms,
            ended_at_ms,
            self.outcome,
            self.error,
        ))?;
        if self.start > ATTEMPTS_KEPT {
            tx.prepare_cached("DELETE FROM job_attempt WHERE job = ?1 AND start <= ?2")?
                .execute((self.job.0, self.start - ATTEMPTS_KEPT))?;
        }
        Ok(())
    }
}

/// Adds the run that was asked for while this one was under way.
pub(crate) fn run_once_more(
    tx: &Transaction<'_>,
    id: JobId,
    payload: &str,
    now_ms: i64,
) -> Result<JobId, StoreError> {
    tx.prepare_cached(
        "INSERT INTO job (kind, queue, priority, state, about, key, payload, attempts, timeout_ms, overall_ms,
                          created_at_ms, run_at_ms)
         SELECT kind, queue, priority, 0, about, key, ?2, attempts, timeout_ms, overall_ms, ?3, ?3
         FROM job WHERE id = ?1",
    )?
    .execute((id.0, payload, now_ms))?;
    Ok(JobId(tx.last_insert_rowid()))
}

/// Tells the parent. It is due once all its children are done, and fails with the first that is not, together with
/// its own parent.
pub(crate) fn child_ended(
    tx: &Transaction<'_>,
    child: JobId,
    parent: JobId,
    state: State,
    now_ms: i64,
    tally: &mut Tally,
) -> Result<Vec<(JobId, State)>, StoreError> {
    let row = tx
        .prepare_cached(
            "UPDATE job SET children_open = max(children_open - 1, 0) WHERE id = ?1 AND state = 3
             RETURNING queue, priority, children_open, parent, run_at_ms",
        )?
        .query_row([parent.0], |row| {
            Ok((
                row.get::<_, String>(0)?,
                Priority::from_code(row.get(1)?),
                row.get::<_, i64>(2)?,
                row.get::<_, Option<i64>>(3)?,
                row.get::<_, i64>(4)?,
            ))
        })
        .optional()?;
    let Some((queue, priority, open, grandparent, run_at_ms)) = row else { return Ok(Vec::new()) };
    if state != State::Done {
        let error = format!("job {child}, for which it waited, is {state}");
        tx.prepare_cached("UPDATE job SET state = 6, error = ?2, ended_at_ms = ?3 WHERE id = ?1")?
            .execute((parent.0, error, now_ms))?;
        tally.moved(&queue, priority, State::Blocked, State::Failed);
        let mut moved = vec![(parent, State::Failed)];
        if let Some(grandparent) = grandparent {
            moved.extend(child_ended(tx, parent, JobId(grandparent), State::Failed, now_ms, tally)?);
        }
        return Ok(moved);
    }
    if open > 0 {
        return Ok(Vec::new());
    }
    let to = if run_at_ms > now_ms { State::Scheduled } else { State::Waiting };
    tx.prepare_cached("UPDATE job SET state = ?2, run_at_ms = max(run_at_ms, ?3) WHERE id = ?1")?
        .execute((parent.0, to as i64, now_ms))?;
    tally.moved(&queue, priority, State::Blocked, to);
    Ok(vec![(parent, to)])
}
