//! One turn of the processor: what ended is acknowledged, what came due is moved, what may start is started, all with
//! one commit.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use store::StoreError;
use store::rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Transaction};

use crate::columns::{number, text};
use crate::pick::{Candidate, Lines, Turns};
use crate::settle::{By, Ended, Settled, Settling, Started};
use crate::tally::Tally;
use crate::{JobId, Priority, State};

/// What a turn is to do.
pub(crate) struct Order {
    pub(crate) by: By,
    pub(crate) ended: Vec<Arc<Ended>>,
    pub(crate) rooms: Vec<Room>,
    /// The jobs under way here, where an earlier turn may have started others without that being heard of.
    pub(crate) underway: Option<HashSet<(JobId, i64)>>,
}

/// What a queue may start.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(crate) queue: String,
    pub(crate) free: usize,
    pub(crate) turns: Turns,
    pub(crate) low: Low,
    pub(crate) aged_before_ms: i64,
}

/// Which low-priority jobs may start.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Low {
    All,
    /// The first of those that were due at this time or before.
    OneDueBefore(i64),
    None,
}

impl Low {
    /// Whether a job that became due then may be the next to start.
    pub(crate) fn lets(self, due_at_ms: i64) -> bool {
        match self {
            Self::All => true,
            Self::OneDueBefore(at_ms) => due_at_ms <= at_ms,
            Self::None => false,
        }
    }
}

/// What a turn came to.
#[derive(Debug, Default)]
pub(crate) struct Turned {
    /// For each that ended; `None` where it was another's by then.
    pub(crate) settled: Vec<Option<Settled>>,
    pub(crate) started: Vec<Fetched>,
    pub(crate) rooms: Vec<Room>,
    /// Whether a queue filled all its places, so that more may wait.
    pub(crate) full: bool,
    /// When the next job that is not due yet comes due.
    pub(crate) next_due_ms: Option<i64>,
}

/// A job that was started, with what its handler is given.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) job: Started,
    pub(crate) key: Option<String>,
    pub(crate) payload: String,
}

/// How many jobs one turn moves at most, so that nobody waits long for the writer.
const DUE_AT_ONCE: i64 = 1000;

// The indexes are named, for the planner prefers others that hold every job of a state: with 100,000 future jobs a turn
// then took 10 ms instead of 0.1.
const DUE: &str = "SELECT id, queue, priority, state FROM job INDEXED BY job_timed
                   WHERE state IN (1, 2) AND run_at_ms <= ?1 ORDER BY run_at_ms LIMIT ?2";
const NEXT_DUE: &str = "SELECT run_at_ms FROM job INDEXED BY job_timed WHERE state IN (1, 2)
                        ORDER BY run_at_ms LIMIT 1";
const LINE: &str =
    "SELECT run_at_ms, id FROM job INDEXED BY job_due WHERE state = 0 AND queue = ?1 AND priority = ?2
                    ORDER BY run_at_ms, id LIMIT ?3";

pub(crate) fn take(tx: &Transaction<'_>, order: Order) -> Result<Turned, StoreError> {
    let Order { by, ended, mut rooms, underway } = order;
    let mut tally = Tally::default();
    let mut settling = Settling::new(tx, by)?;
    let settled = ended.iter().map(|ended| settling.settle(ended, &mut tally)).collect::<Result<_, _>>()?;
    if let Some(underway) = underway {
        take_back(tx, &underway, by, &mut tally)?;
    }
    let moved = move_due(tx, by.now_ms, &mut tally)?;
    let (mut started, mut full) = (Vec::new(), false);
    let mut starting = Starting::new(tx, by)?;
    for room in rooms.iter_mut().filter(|room| room.free > 0) {
        let mut lines = lines(tx, room)?;
        let picked = room.turns.pick(&mut lines, room.free, room.aged_before_ms);
        full |= picked.len() == room.free;
        for id in picked {
            started.push(starting.start(id)?);
        }
    }
    for Fetched { job, .. } in &started {
        tally.moved(&job.queue, job.priority, State::Waiting, State::Running);
    }
    tally.write(tx)?;
    // A full step means that more are due.
    let next_due_ms = if moved == DUE_AT_ONCE { Some(by.now_ms) } else { next_due(tx)? };
    Ok(Turned { settled, started, rooms, full, next_due_ms })
}

/// Has jobs wait again that a turn started which was reported as failed and was kept all the same. Nobody ran them.
fn take_back(
    tx: &Transaction<'_>,
    underway: &HashSet<(JobId, i64)>,
    by: By,
    tally: &mut Tally,
) -> Result<(), StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT id, queue, priority, starts FROM job INDEXED BY job_by_state WHERE state = 4 AND session = ?1",
    )?;
    let running: Vec<(i64, String, i64, i64)> = select
        .query_map([by.session], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<_, _>>()?;
    let mut update =
        tx.prepare_cached("UPDATE job SET state = 0, attempt = attempt - 1, session = NULL WHERE id = ?1")?;
    let lost = |(id, .., start): &&(i64, String, i64, i64)| !underway.contains(&(JobId(*id), *start));
    for (id, queue, priority, _) in running.iter().filter(lost) {
        update.execute([id])?;
        tally.moved(queue, Priority::from_code(*priority), State::Running, State::Waiting);
    }
    Ok(())
}

fn move_due(tx: &Transaction<'_>, now_ms: i64, tally: &mut Tally) -> Result<i64, StoreError> {
    let mut select = tx.prepare_cached(DUE)?;
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
    Ok(db.prepare_cached(NEXT_DUE)?.query_row([], |row| row.get(0)).optional()?)
}

fn lines(db: &Connection, room: &Room) -> Result<Lines, StoreError> {
    let mut lines = Lines::default();
    let mut select = db.prepare_cached(LINE)?;
    for priority in Priority::ALL {
        let rows = select.query_map((&room.queue, priority as i64, room.free as i64), |row| {
            Ok(Candidate { run_at_ms: row.get(0)?, id: row.get(1)? })
        })?;
        lines[priority as usize] = rows.collect::<Result<VecDeque<_>, _>>()?;
    }
    let low = &mut lines[Priority::Low as usize];
    if !low.front().is_some_and(|first| room.low.lets(first.run_at_ms)) {
        low.clear();
    } else if matches!(room.low, Low::OneDueBefore(_)) {
        low.truncate(1);
    }
    Ok(lines)
}

/// The starting of jobs in one transaction. Two statements are faster than one that returns what it changed, for
/// which SQLite makes a table each time.
struct Starting<'a> {
    by: By,
    select: CachedStatement<'a>,
    update: CachedStatement<'a>,
}

impl<'a> Starting<'a> {
    fn new(tx: &'a Transaction<'a>, by: By) -> Result<Self, StoreError> {
        let select = tx.prepare_cached(
            "SELECT id, kind, queue, priority, key, payload, attempt + 1, attempts, starts + 1, timeout_ms,
                    created_at_ms, deadline_ms, run_at_ms
             FROM job WHERE id = ?1",
        )?;
        let update = tx.prepare_cached(
            "UPDATE job SET state = 4, attempt = attempt + 1, starts = starts + 1, session = ?2, started_at_ms = ?3,
                            ended_at_ms = NULL, hold = NULL, progress = NULL, progress_note = NULL
             WHERE id = ?1",
        )?;
        Ok(Self { by, select, update })
    }

    fn start(&mut self, id: i64) -> Result<Fetched, StoreError> {
        let now_ms = self.by.now_ms;
        let fetched = self.select.query_row([id], |row| fetched(row, now_ms))?;
        self.update.execute((id, self.by.session, now_ms))?;
        Ok(fetched)
    }
}

/// Whatever somebody wrote into the row: what cannot be read harms its job, and not the turn.
fn fetched(row: &Row<'_>, started_at_ms: i64) -> store::rusqlite::Result<Fetched> {
    let job = Started {
        id: JobId(row.get(0)?),
        kind: text(row, 1)?.unwrap_or_default(),
        queue: text(row, 2)?.unwrap_or_default(),
        priority: Priority::from_code(row.get(3)?),
        attempt: number(row, 6)?,
        attempts: number(row, 7)?,
        starts: row.get(8)?,
        timeout_ms: row.get(9)?,
        created_at_ms: row.get(10)?,
        deadline_ms: row.get(11)?,
        due_at_ms: row.get(12)?,
        started_at_ms,
    };
    Ok(Fetched { job, key: text(row, 4)?, payload: text(row, 5)?.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_turn_looks_at_what_is_due_and_at_nothing_else() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("schema.sql")).unwrap();
        for (sql, expected) in [
            (DUE, "SEARCH job USING INDEX job_timed (run_at_ms<?)"),
            (NEXT_DUE, "SCAN job USING INDEX job_timed"),
            (LINE, "SEARCH job USING COVERING INDEX job_due (queue=? AND priority=?)"),
        ] {
            let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let none: [Option<i64>; 3] = [None; 3];
            let values = store::rusqlite::params_from_iter(none.into_iter().take(explain.parameter_count()));
            let plan: Vec<String> =
                explain.query_map(values, |row| row.get(3)).unwrap().collect::<Result<_, _>>().unwrap();
            assert_eq!(plan, [expected], "{sql}");
        }
    }
}
