//! Acknowledging an attempt: its outcome becomes the job's state, if the attempt is still this process's.

use store::StoreError;
use store::rusqlite::{CachedStatement, OptionalExtension, Transaction};

use crate::attempted::Attempted;
use crate::clock::millis;
use crate::columns::text;
use crate::kin::{Moved, child_ended, run_once_more};
use crate::tally::Tally;
use crate::{Backoff, Hold, JobId, Priority, State};

/// A job that this process started.
#[derive(Debug, Clone)]
pub(crate) struct Started {
    pub(crate) id: JobId,
    pub(crate) kind: String,
    pub(crate) queue: String,
    pub(crate) priority: Priority,
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

/// An attempt that ended, with the backoff of its kind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) job: Started,
    pub(crate) ending: Ending,
    pub(crate) backoff: Backoff,
}

/// What an acknowledgement came to.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) state: State,
    pub(crate) error: Option<String>,
    /// Jobs that it moved beside itself: parents, or one more run.
    pub(crate) moved: Vec<Moved>,
}

/// Who acknowledges, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By {
    pub(crate) session: i64,
    pub(crate) now_ms: i64,
}

/// The acknowledging of attempts in one transaction.
pub(crate) struct Settling<'a> {
    tx: &'a Transaction<'a>,
    by: By,
    /// What nearly all attempts come to, with one statement.
    done: CachedStatement<'a>,
}

impl<'a> Settling<'a> {
    pub(crate) fn new(tx: &'a Transaction<'a>, by: By) -> Result<Self, StoreError> {
        let done = tx.prepare_cached(
            "UPDATE job SET state = 5, ended_at_ms = ?4, result = ?5, error = NULL, session = NULL, cancelling = 0
             WHERE id = ?1 AND starts = ?2 AND session = ?3 AND state = 4 AND again IS NULL AND parent IS NULL",
        )?;
        Ok(Self { tx, by, done })
    }

    /// `None` where the job is not this process's any more: it was taken for dead, and another one has it.
    pub(crate) fn settle(
        &mut self,
        Ended { job, ending, backoff }: &Ended,
        tally: &mut Tally,
    ) -> Result<Option<Settled>, StoreError> {
        if let Ending::Done(result) = ending {
            let values = (job.id.0, job.starts, self.by.session, self.by.now_ms, result);
            if self.done.execute(values)? == 1 {
                tally.moved(&job.queue, job.priority, State::Running, State::Done);
                return Ok(Some(Settled { state: State::Done, error: None, moved: Vec::new() }));
            }
        }
        job.settle(self.tx, ending, backoff, self.by, tally)
    }
}

impl Started {
    /// The job, and which start of it this is.
    pub(crate) fn start(&self) -> (JobId, i64) {
        (self.id, self.starts)
    }

    fn settle(
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
                Ok((text(row, 0)?, row.get::<_, bool>(1)?, row.get::<_, Option<i64>>(2)?))
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
                moved.push(run_once_more(tx, self.id, &payload, by.now_ms, tally)?);
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
            _ if cancelling => Next {
                error: Some("it was cancelled".into()),
                outcome: Some("cancelled"),
                ..at(State::Cancelled)
            },
            Ending::Interrupted => {
                Next { attempt: unspent, outcome: Some("interrupted"), ..Next::at(State::Waiting) }
            }
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
                let wait_ms = after_ms.unwrap_or_else(|| millis(backoff.wait(self.attempt)));
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
