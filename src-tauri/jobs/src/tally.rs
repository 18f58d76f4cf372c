//! Changes to the numbers of jobs by state, gathered during a transaction and written at its end.

use store::StoreError;
use store::rusqlite::{Connection, Transaction};

use crate::columns::text;
use crate::{Priority, State};

/// What a transaction changes; it must be [written](Tally::write) in that transaction.
#[derive(Default)]
pub(crate) struct Tally(Vec<(String, Changes)>);

/// By state and priority.
type Changes = [[i64; 4]; 8];

impl Tally {
    pub(crate) fn add(&mut self, queue: &str, state: State, priority: Priority, jobs: i64) {
        let at = self.0.iter().position(|(name, _)| name == queue).unwrap_or_else(|| {
            self.0.push((queue.to_owned(), Changes::default()));
            self.0.len() - 1
        });
        self.0[at].1[state as usize][priority as usize] += jobs;
    }

    pub(crate) fn moved(&mut self, queue: &str, priority: Priority, from: State, to: State) {
        self.add(queue, from, priority, -1);
        self.add(queue, to, priority, 1);
    }

    /// By how much the open jobs of a queue change.
    pub(crate) fn open(&self, queue: &str) -> i64 {
        let changes = self.0.iter().find(|(name, _)| name == queue);
        let open =
            |(_, changes): &(String, Changes)| changes[..=State::Running as usize].iter().flatten().sum();
        changes.map_or(0, open)
    }

    pub(crate) fn write(self, tx: &Transaction<'_>) -> Result<(), StoreError> {
        let mut upsert = tx.prepare_cached(
            "INSERT INTO job_count (queue, state, priority, jobs) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs",
        )?;
        for (queue, changes) in self.0 {
            for (state, jobs) in changes.iter().enumerate() {
                for (priority, jobs) in jobs.iter().enumerate().filter(|(_, jobs)| **jobs != 0) {
                    upsert.execute((&queue, state as i64, priority as i64, jobs))?;
                }
            }
        }
        Ok(())
    }
}

/// The numbers of jobs of one queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts([[u64; 4]; 8]);

impl Counts {
    /// Those in this state.
    pub fn of(&self, state: State) -> u64 {
        self.0[state as usize].iter().sum()
    }

    /// Those in this state of this priority.
    pub fn at(&self, state: State, priority: Priority) -> u64 {
        self.0[state as usize][priority as usize]
    }

    /// Those that may still do something.
    pub fn open(&self) -> u64 {
        State::ALL.into_iter().filter(|state| state.is_open()).map(|state| self.of(state)).sum()
    }
}

/// The numbers of each queue that has or had jobs.
#[derive(Default)]
pub(crate) struct AllCounts(Vec<(String, Counts)>);

impl AllCounts {
    /// From the table that every change keeps: it costs the same however many jobs there are.
    pub(crate) fn read(db: &Connection) -> Result<Self, StoreError> {
        let mut all = Self::default();
        let mut select =
            db.prepare_cached("SELECT queue, state, priority, jobs FROM job_count ORDER BY queue")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let queue = text(row, 0)?.unwrap_or_default();
            let at = (row.get::<_, i64>(1)? as usize, row.get::<_, i64>(2)? as usize);
            let counts = match all.0.last_mut() {
                Some((name, counts)) if *name == queue => counts,
                _ => &mut all.0.push_mut((queue, Counts::default())).1,
            };
            if let Some(cell) = counts.0.get_mut(at.0).and_then(|state| state.get_mut(at.1)) {
                *cell = row.get::<_, i64>(3)?.max(0) as u64;
            }
        }
        Ok(all)
    }

    /// Those of one queue.
    pub(crate) fn of(&self, queue: &str) -> Counts {
        self.0.iter().find(|(name, _)| name == queue).map(|(_, counts)| *counts).unwrap_or_default()
    }

    /// Those in this state, whatever their queue.
    pub(crate) fn in_state(&self, state: State) -> u64 {
        self.0.iter().map(|(_, counts)| counts.of(state)).sum()
    }
}

/// The open jobs of a queue.
pub(crate) fn open_jobs(db: &Connection, queue: &str) -> Result<u64, StoreError> {
    let mut select =
        db.prepare_cached("SELECT coalesce(sum(jobs), 0) FROM job_count WHERE queue = ?1 AND state <= 4")?;
    Ok(select.query_row([queue], |row| row.get::<_, i64>(0))?.max(0) as u64)
}
