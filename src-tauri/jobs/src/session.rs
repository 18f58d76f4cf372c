//! Which processes run jobs, and what becomes of the jobs of one that died.

use std::collections::HashMap;

use store::StoreError;
use store::rusqlite::Transaction;

use crate::attempted::Attempted;
use crate::columns::{number, text};
use crate::kin::{child_ended, run_once_more};
use crate::tally::Tally;
use crate::{JobId, Priority, State};

/// How many times in a row a beat is looked at within one lease.
pub(crate) const LOOKS: u32 = 3;

/// Watches the beats of the other processes. It counts looks and no time: neither a clock that is set nor a sleep
/// of the machine makes a living process look dead, for it beats as often as it is looked at.
#[derive(Debug, Default)]
pub(crate) struct Watch(HashMap<i64, (i64, u32)>);

impl Watch {
    /// Takes one look; returns those whose beat stood still for a whole lease.
    pub(crate) fn look(&mut self, beats: &[(i64, i64)]) -> Vec<i64> {
        self.0.retain(|id, _| beats.iter().any(|(other, _)| other == id));
        let mut dead = Vec::new();
        for (id, beat) in beats {
            let seen = self.0.entry(*id).or_insert((*beat, 0));
            *seen = if seen.0 == *beat { (*beat, seen.1 + 1) } else { (*beat, 0) };
            if seen.1 > LOOKS {
                dead.push(*id);
            }
        }
        dead
    }
}

/// Enters this process.
pub(crate) fn begin(tx: &Transaction<'_>, session: i64) -> Result<(), StoreError> {
    tx.execute("INSERT INTO job_session (id, beat) VALUES (?1, 0)", [session])?;
    Ok(())
}

/// Gives a sign of life; returns the beats of the others. A process that was taken for dead enters anew.
pub(crate) fn beat(tx: &Transaction<'_>, session: i64) -> Result<Vec<(i64, i64)>, StoreError> {
    tx.prepare_cached(
        "INSERT INTO job_session (id, beat) VALUES (?1, 0) ON CONFLICT DO UPDATE SET beat = beat + 1",
    )?
    .execute([session])?;
    others(tx, session)
}

pub(crate) fn others(tx: &Transaction<'_>, session: i64) -> Result<Vec<(i64, i64)>, StoreError> {
    let mut select = tx.prepare_cached("SELECT id, beat FROM job_session WHERE id <> ?1")?;
    Ok(select.query_map([session], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
}

/// Takes up what a dead process was running: its attempt is spent, since the job may be what killed it; after the
/// last one the job is dead.
pub(crate) fn recover(tx: &Transaction<'_>, session: i64, now_ms: i64) -> Result<usize, StoreError> {
    let mut tally = Tally::default();
    let mut select = tx.prepare_cached(
        "SELECT id, queue, priority, attempt, attempts, started_at_ms, parent, cancelling, again, starts
         FROM job INDEXED BY job_by_state
         WHERE state = 4 AND session = ?1",
    )?;
    let rows: Vec<Orphan> = select
        .query_map([session], |row| {
            Ok(Orphan {
                id: JobId(row.get(0)?),
                queue: text(row, 1)?.unwrap_or_default(),
                priority: Priority::from_code(row.get(2)?),
                attempt: number(row, 3)?,
                attempts: number(row, 4)?,
                started_at_ms: row.get::<_, Option<i64>>(5)?.unwrap_or(now_ms),
                parent: row.get::<_, Option<i64>>(6)?.map(JobId),
                cancelling: row.get(7)?,
                again: text(row, 8)?,
                starts: row.get(9)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    for orphan in &rows {
        orphan.take_up(tx, now_ms, &mut tally)?;
    }
    tally.write(tx)?;
    tx.execute("DELETE FROM job_session WHERE id = ?1", [session])?;
    Ok(rows.len())
}

struct Orphan {
    id: JobId,
    queue: String,
    priority: Priority,
    attempt: u32,
    attempts: u32,
    started_at_ms: i64,
    parent: Option<JobId>,
    cancelling: bool,
    again: Option<String>,
    starts: i64,
}

impl Orphan {
    fn take_up(&self, tx: &Transaction<'_>, now_ms: i64, tally: &mut Tally) -> Result<(), StoreError> {
        let error = "the program ended while it ran";
        let state = match (self.cancelling, self.attempt >= self.attempts) {
            (true, _) => State::Cancelled,
            (false, true) => State::Failed,
            (false, false) => State::Waiting,
        };
        let ended_at_ms = (!state.is_open()).then_some(now_ms);
        tx.prepare_cached(
            "UPDATE job SET state = ?2, error = ?3, ended_at_ms = ?4, session = NULL, cancelling = 0, again = NULL
             WHERE id = ?1",
        )?
        .execute((self.id.0, state as i64, error, ended_at_ms))?;
        let (start, outcome, error) = (self.starts, "interrupted", Some(error));
        Attempted { job: self.id, start, attempt: self.attempt, outcome, error }
            .note(tx, (self.started_at_ms, now_ms))?;
        tally.moved(&self.queue, self.priority, State::Running, state);
        // A run that is repeated anyway does what the one that was asked for meanwhile would do.
        if let (Some(payload), false) = (&self.again, state.is_open()) {
            run_once_more(tx, self.id, payload, now_ms, tally)?;
        } else if let Some(payload) = &self.again {
            tx.prepare_cached("UPDATE job SET payload = ?2 WHERE id = ?1")?.execute((self.id.0, payload))?;
        }
        if let (false, Some(parent)) = (state.is_open(), self.parent) {
            child_ended(tx, self.id, parent, state, now_ms, tally)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_beat_that_stands_still_for_a_whole_lease_is_dead() {
        let mut watch = Watch::default();
        for beat in 0..10 {
            assert!(watch.look(&[(1, beat), (2, beat / 3)]).is_empty(), "both are alive at {beat}");
        }
        let looks: Vec<bool> = (0..5).map(|_| !watch.look(&[(1, 99)]).is_empty()).collect();
        assert_eq!(looks, [false, false, false, false, true]);
        assert!(watch.look(&[]).is_empty());
        assert!(watch.look(&[(1, 99)]).is_empty(), "one that came back is watched anew");
    }
}
