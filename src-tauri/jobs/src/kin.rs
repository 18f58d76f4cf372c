//! Jobs that others move: parents and children, and one more run of the same job.

use store::StoreError;
use store::rusqlite::{OptionalExtension, Row, Transaction};

use crate::tally::Tally;
use crate::{JobId, Priority, State};

/// A job that another one's change moved.
#[derive(Debug)]
pub(crate) struct Moved {
    pub(crate) id: JobId,
    pub(crate) kind: String,
    pub(crate) queue: String,
    pub(crate) state: State,
    pub(crate) error: Option<String>,
}

/// Adds the run that was asked for while this one was under way.
pub(crate) fn run_once_more(
    tx: &Transaction<'_>,
    id: JobId,
    payload: &str,
    now_ms: i64,
    tally: &mut Tally,
) -> Result<Moved, StoreError> {
    let (moved, priority) = tx
        .prepare_cached(
            "INSERT INTO job (kind, queue, priority, state, about, key, payload, attempts, timeout_ms, overall_ms,
                              deadline_ms, created_at_ms, run_at_ms)
             SELECT kind, queue, priority, 0, about, key, ?2, attempts - replayed_at, timeout_ms, overall_ms,
                    ?3 + overall_ms, ?3, ?3
             FROM job WHERE id = ?1
             RETURNING id, kind, queue, priority",
        )?
        .query_row((id.0, payload, now_ms), |row| {
            let (id, kind, queue) = (JobId(row.get(0)?), row.get(1)?, row.get(2)?);
            Ok((Moved { id, kind, queue, state: State::Waiting, error: None }, priority(row, 3)?))
        })?;
    tally.add(&moved.queue, State::Waiting, priority, 1);
    Ok(moved)
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
) -> Result<Vec<Moved>, StoreError> {
    let row = tx
        .prepare_cached(
            "UPDATE job SET children_open = max(children_open - 1, 0) WHERE id = ?1 AND state = 3
             RETURNING kind, queue, priority, children_open, parent, run_at_ms",
        )?
        .query_row([parent.0], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                priority(row, 2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, Option<i64>>(4)?,
                row.get::<_, i64>(5)?,
            ))
        })
        .optional()?;
    let Some((kind, queue, priority, open, grandparent, run_at_ms)) = row else { return Ok(Vec::new()) };
    let moved = |state, error| Moved { id: parent, kind, queue: queue.clone(), state, error };
    if state != State::Done {
        let error = format!("job {child}, for which it waited, is {state}");
        tx.prepare_cached("UPDATE job SET state = 6, error = ?2, ended_at_ms = ?3 WHERE id = ?1")?
            .execute((parent.0, &error, now_ms))?;
        tally.moved(&queue, priority, State::Blocked, State::Failed);
        let mut all = vec![moved(State::Failed, Some(error))];
        if let Some(grandparent) = grandparent {
            all.extend(child_ended(tx, parent, JobId(grandparent), State::Failed, now_ms, tally)?);
        }
        return Ok(all);
    }
    if open > 0 {
        return Ok(Vec::new());
    }
    let to = if run_at_ms > now_ms { State::Scheduled } else { State::Waiting };
    tx.prepare_cached("UPDATE job SET state = ?2, run_at_ms = max(run_at_ms, ?3) WHERE id = ?1")?
        .execute((parent.0, to as i64, now_ms))?;
    tally.moved(&queue, priority, State::Blocked, to);
    Ok(vec![moved(to, None)])
}

/// A child that ended is to run again: a parent that still waits for others waits for it once more.
pub(crate) fn child_reopened(tx: &Transaction<'_>, parent: JobId) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE job SET children_open = children_open + 1 WHERE id = ?1 AND state = 3")?
        .execute([parent.0])?;
    Ok(())
}

/// The children of a job that are not done, with how they stand.
pub(crate) fn children_not_done(
    tx: &Transaction<'_>,
    parent: JobId,
) -> Result<Vec<(JobId, State)>, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT id, state FROM job INDEXED BY job_by_parent WHERE parent = ?1 AND state <> 5 ORDER BY id",
    )?;
    let rows = select.query_map([parent.0], |row| Ok((JobId(row.get(0)?), State::from_code(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn priority(row: &Row<'_>, at: usize) -> store::rusqlite::Result<Priority> {
    Ok(Priority::from_code(row.get(at)?))
}
