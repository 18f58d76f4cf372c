//! One turn of the processor: what ended is acknowledged, what came due is moved, what may start is started, all with
//! one commit.

use std::collections::VecDeque;

use store::StoreError;
use store::rusqlite::{Connection, Row, Transaction};

use crate::pick::{Candidate, Lines, Turns};
use crate::settle::{By, Ending, Settled, Started};
use crate::tally::Tally;
use crate::{Backoff, JobId, Priority, State};

/// An attempt that ended, with the backoff of its kind.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) job: Started,
    pub(crate) ending: Ending,
    pub(crate) backoff: Backoff,
}

/// What a queue may start.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(crate) queue: String,
    pub(crate) free: usize,
    pub(crate) turns: Turns,
    /// The least urgent priority that starts at all.
    pub(crate) down_to: Priority,
    pub(crate) aged_before_ms: i64,
}

/// What a turn came to.
#[derive(Debug, Default)]
pub(crate) struct Turned {
    /// For each that ended; `None` where it was another's by then.
    pub(crate) settled: Vec<Option<Settled>>,
    pub(crate) started: Vec<Started>,
    pub(crate) rooms: Vec<Room>,
    /// When the next job that is not due yet comes due.
    pub(crate) next_due_ms: Option<i64>,
}

/// How many jobs one turn moves at most, so that nobody waits long for the writer.
const DUE_AT_ONCE: i64 = 1000;

pub(crate) fn take(
    tx: &Transaction<'_>,
    ended: &[Ended],
    mut rooms: Vec<Room>,
    by: By,
) -> Result<Turned, StoreError> {
    let mut tally = Tally::default();
    let mut settled = Vec::with_capacity(ended.len());
    for Ended { job, ending, backoff } in ended {
        settled.push(job.settle(tx, ending, backoff, by, &mut tally)?);
    }
    let moved = move_due(tx, by.now_ms, &mut tally)?;
    let mut started = Vec::new();
    for room in rooms.iter_mut().filter(|room| room.free > 0) {
        let mut lines = lines(tx, room)?;
        for id in room.turns.pick(&mut lines, room.free, room.aged_before_ms) {
            started.push(start(tx, id, by)?);
        }
    }
    for job in &started {
        tally.moved(&job.queue, job.priority, State::Waiting, State::Running);
    }
    tally.write(tx)?;
    // A full step means that more are due.
    let next_due_ms = if moved == DUE_AT_ONCE { Some(by.now_ms) } else { next_due(tx)? };
    Ok(Turned { settled, started, rooms, next_due_ms })
}

fn move_due(tx: &Transaction<'_>, now_ms: i64, tally: &mut Tally) -> Result<i64, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT id, queue, priority, state FROM job WHERE state IN (1, 2) AND run_at_ms <= ?1
         ORDER BY run_at_ms LIMIT ?2",
    )?;
    let due: Vec<(i64, String, i64, i64)> = select
        .query_map((now_ms, DUE_AT_ONCE), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<_, _>>()?;
    let mut update = tx.prepare_cached("UPDATE job SET state = 0, hold = NULL WHERE id = ?1")?;
    for (id, queue, priority, state) in &due {
        update.execute([id])?;
        tally.moved(queue, Priority::from_code(*priority), State::from_code(*state), State::Waiting);
    }
    Ok(due.len() as i64)
}

fn next_due(db: &Connection) -> Result<Option<i64>, StoreError> {
    let mut select = db.prepare_cached("SELECT min(run_at_ms) FROM job WHERE state IN (1, 2)")?;
    Ok(select.query_row([], |row| row.get(0))?)
}

fn lines(db: &Connection, room: &Room) -> Result<Lines, StoreError> {
    let mut lines = Lines::default();
    let mut select = db.prepare_cached(
        "SELECT run_at_ms, id FROM job WHERE state = 0 AND queue = ?1 AND priority = ?2
         ORDER BY run_at_ms, id LIMIT ?3",
    )?;
    for priority in Priority::ALL.into_iter().filter(|priority| *priority <= room.down_to) {
        let rows = select.query_map((&room.queue, priority as i64, room.free as i64), |row| {
            Ok(Candidate { run_at_ms: row.get(0)?, id: row.get(1)? })
        })?;
        lines[priority as usize] = rows.collect::<Result<VecDeque<_>, _>>()?;
    }
    Ok(lines)
}

fn start(tx: &Transaction<'_>, id: i64, by: By) -> Result<Started, StoreError> {
    let mut update = tx.prepare_cached(
        "UPDATE job SET state = 4, attempt = attempt + 1, starts = starts + 1, session = ?2, started_at_ms = ?3,
                        ended_at_ms = NULL, hold = NULL, progress = NULL, progress_note = NULL
         WHERE id = ?1
         RETURNING id, kind, queue, priority, key, payload, attempt, attempts, starts, timeout_ms,
                   created_at_ms, overall_ms, run_at_ms, started_at_ms",
    )?;
    Ok(update.query_row((id, by.session, by.now_ms), started)?)
}

fn started(row: &Row<'_>) -> store::rusqlite::Result<Started> {
    let created_at_ms = row.get(10)?;
    Ok(Started {
        id: JobId(row.get(0)?),
        kind: row.get(1)?,
        queue: row.get(2)?,
        priority: Priority::from_code(row.get(3)?),
        key: row.get(4)?,
        payload: row.get(5)?,
        attempt: row.get(6)?,
        attempts: row.get(7)?,
        starts: row.get(8)?,
        timeout_ms: row.get(9)?,
        created_at_ms,
        deadline_ms: row.get::<_, Option<i64>>(11)?.map(|overall| created_at_ms + overall),
        due_at_ms: row.get(12)?,
        started_at_ms: row.get(13)?,
    })
}
