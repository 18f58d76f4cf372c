//! Jobs by a schedule. What was missed while the program was not running is caught up with once.

use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Local};
use croner::Cron;
use store::StoreError;
use store::rusqlite::Transaction;

use crate::core::Core;
use crate::insert::Ready;
use crate::jobs::add;
use crate::{NewJob, StartError};

/// A job that is added again and again.
#[derive(Debug, Clone)]
pub struct Periodic {
    /// Its name among the periodic jobs; also the key of the jobs, so that one that takes long has no second beside it.
    pub name: String,
    /// Minute, hour, day, month and weekday, in local time: `0 9 * * 1` is Mondays at nine.
    pub cron: String,
    /// What is added.
    pub job: NewJob,
}

/// The schedules, with the next time of each.
pub(crate) struct Periodics {
    all: Vec<Scheduled>,
    /// When they were looked at last.
    looked_ms: i64,
}

struct Scheduled {
    periodic: Periodic,
    schedule: Cron,
    next_at_ms: i64,
}

impl Periodics {
    pub(crate) async fn begin(core: &Arc<Core>, all: Vec<Periodic>) -> Result<Self, StartError> {
        let now_ms = core.clock.now_ms();
        let mut known = Vec::with_capacity(all.len());
        for periodic in all {
            let (name, cron) = (periodic.name.clone(), periodic.cron.clone());
            let bad = |reason: String| StartError::BadCron { name: name.clone(), cron: cron.clone(), reason };
            let schedule = Cron::from_str(&cron).map_err(|error| bad(error.to_string()))?;
            let next_ms = next_after(&schedule, now_ms).ok_or_else(|| bad("it never comes".into()))?;
            if let Err(error) = core.admit(periodic.keyed()) {
                return Err(StartError::BadPeriodic { name, error: Box::new(error) });
            }
            let next_at_ms =
                core.store.write("jobs.schedule", move |tx| enter(tx, &name, &cron, next_ms)).await?;
            known.push(Scheduled { periodic, schedule, next_at_ms });
        }
        Ok(Self { all: known, looked_ms: now_ms })
    }

    /// Adds what came due; however long ago that was, once.
    pub(crate) async fn tend(&mut self, core: &Arc<Core>) -> Result<(), StoreError> {
        let now_ms = core.clock.now_ms();
        let set_back = now_ms < self.looked_ms;
        self.looked_ms = now_ms;
        for Scheduled { periodic, schedule, next_at_ms } in &mut self.all {
            if *next_at_ms > now_ms && !set_back {
                continue;
            }
            let Some(next_ms) = next_after(schedule, now_ms) else { continue };
            let (name, cron) = (periodic.name.clone(), periodic.cron.clone());
            *next_at_ms = if *next_at_ms > now_ms {
                core.store.write("jobs.schedule", move |tx| enter(tx, &name, &cron, next_ms)).await?
            } else {
                // It was found in order at the start, and its values have not changed since.
                let Ok(ready) = core.admit(periodic.keyed()) else { continue };
                let came = Came { name, now_ms, next_ms };
                core.store.write("jobs.add_periodic", move |tx| came.add(tx, &ready)).await?
            };
            core.wake.notify_one();
        }
        Ok(())
    }
}

/// Enters a schedule; returns when it comes next. One that was changed begins anew, and where the clock was set back
/// it does not wait for the time that was.
fn enter(tx: &Transaction<'_>, name: &str, cron: &str, next_ms: i64) -> Result<i64, StoreError> {
    let sql = "INSERT INTO job_periodic (name, cron, next_at_ms) VALUES (?1, ?2, ?3)
               ON CONFLICT DO UPDATE SET cron = excluded.cron, next_at_ms = excluded.next_at_ms
               WHERE cron <> excluded.cron OR next_at_ms > excluded.next_at_ms";
    tx.prepare_cached(sql)?.execute((name, cron, next_ms))?;
    next_at(tx, name)
}

fn next_at(tx: &Transaction<'_>, name: &str) -> Result<i64, StoreError> {
    let mut select = tx.prepare_cached("SELECT next_at_ms FROM job_periodic WHERE name = ?1")?;
    Ok(select.query_row([name], |row| row.get(0))?)
}

/// A time of a schedule that came.
struct Came {
    name: String,
    now_ms: i64,
    next_ms: i64,
}

impl Came {
    /// Adds the job, unless another process did; returns when the next one comes.
    fn add(&self, tx: &Transaction<'_>, ready: &Ready) -> Result<i64, StoreError> {
        let update = "UPDATE job_periodic SET next_at_ms = ?3 WHERE name = ?1 AND next_at_ms <= ?2";
        if tx.prepare_cached(update)?.execute((&self.name, self.now_ms, self.next_ms))? == 0 {
            return next_at(tx, &self.name);
        }
        if let Err(refusal) = add(tx, ready)? {
            tracing::warn!(name = self.name, error = %refusal, "a periodic job was left out this time");
        }
        Ok(self.next_ms)
    }
}

impl Periodic {
    fn keyed(&self) -> NewJob {
        let job = self.job.clone();
        if job.key.is_some() { job } else { job.key(&format!("periodic:{}", self.name)) }
    }
}

fn next_after(schedule: &Cron, now_ms: i64) -> Option<i64> {
    let now = DateTime::from_timestamp_millis(now_ms)?.with_timezone(&Local);
    Some(schedule.find_next_occurrence(&now, false).ok()?.timestamp_millis())
}
