//! Jobs by a schedule. What was missed while the program was not running is caught up with once.

use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Local};
use croner::Cron;
use store::StoreError;
use store::rusqlite::OptionalExtension;

use crate::core::Core;
use crate::insert::{Kin, Ready};
use crate::tally::Tally;
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
pub(crate) struct Periodics(Vec<(Periodic, Cron, i64)>);

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
            let stored = core
                .store
                .write("jobs.schedule", move |tx| {
                    // A schedule that was changed begins anew.
                    tx.execute(
                        "INSERT INTO job_periodic (name, cron, next_at_ms) VALUES (?1, ?2, ?3)
                         ON CONFLICT DO UPDATE SET cron = excluded.cron, next_at_ms = excluded.next_at_ms
                         WHERE cron <> excluded.cron",
                        (&name, &cron, next_ms),
                    )?;
                    let select = "SELECT next_at_ms FROM job_periodic WHERE name = ?1";
                    Ok(tx.query_row(select, [&name], |row| row.get::<_, i64>(0)).optional()?)
                })
                .await?;
            known.push((periodic, schedule, stored.unwrap_or(next_ms)));
        }
        Ok(Self(known))
    }

    /// Adds what came due; however long ago that was, once.
    pub(crate) async fn tend(&mut self, core: &Arc<Core>) -> Result<(), StoreError> {
        let now_ms = core.clock.now_ms();
        for (periodic, schedule, next_at_ms) in self.0.iter_mut().filter(|(_, _, next)| *next <= now_ms) {
            let Some(next_ms) = next_after(schedule, now_ms) else { continue };
            // It was found in order at the start, and its values have not changed since.
            let Ok(ready) = core.admit(periodic.keyed()) else { continue };
            let name = periodic.name.clone();
            core.store.write("jobs.add_periodic", move |tx| add(tx, &name, &ready, next_ms)).await?;
            *next_at_ms = next_ms;
            core.wake.notify_one();
        }
        Ok(())
    }
}

fn add(
    tx: &store::rusqlite::Transaction<'_>,
    name: &str,
    ready: &Ready,
    next_ms: i64,
) -> Result<(), StoreError> {
    let mut tally = Tally::default();
    if let Err(refusal) = ready.insert(tx, Kin::default(), &mut tally)? {
        tracing::warn!(name, error = %refusal, "a periodic job was left out this time");
    }
    tally.write(tx)?;
    tx.execute("UPDATE job_periodic SET next_at_ms = ?2 WHERE name = ?1", (name, next_ms))?;
    Ok(())
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
