//! Open jobs of a queue that the configuration does not have any more: it was renamed, or is gone.

use std::sync::Arc;

use store::StoreError;
use store::rusqlite::{Connection, Transaction};

use crate::core::Core;
use crate::tally::Tally;
use crate::{Priority, State};

/// How many jobs one step moves, so that no writer waits long behind it.
const AT_ONCE: i64 = 1000;

impl Core {
    /// The queue in which a job belongs: its own, else that of its kind, else the first.
    pub(crate) fn home<'a>(&'a self, kind: &str, queue: &'a str) -> &'a str {
        if self.queue_config(queue).is_ok() {
            return queue;
        }
        self.kinds.get(kind).map_or(&self.config.queues[0].name, |kind| kind.defaults.queue)
    }

    /// Moves open jobs of unknown queues to where they belong. What another process runs at the moment stays with it.
    pub(crate) async fn adopt(self: &Arc<Self>) -> Result<(), StoreError> {
        let strays = self.store.read("jobs.strays", strays).await?;
        for (queue, state) in strays.into_iter().filter(|(queue, _)| self.queue_config(queue).is_err()) {
            let mut after = Some(0);
            while let Some(id) = after {
                let (core, name) = (Arc::clone(self), queue.clone());
                after =
                    self.store.write("jobs.adopt", move |tx| core.adopt_some(tx, &name, state, id)).await?;
            }
            tracing::warn!(queue, %state, "jobs of a queue that is not configured any more were moved");
        }
        Ok(())
    }

    /// Moves some of the jobs after this one; returns the last of them, where there may be more.
    fn adopt_some(
        &self,
        tx: &Transaction<'_>,
        queue: &str,
        state: State,
        after: i64,
    ) -> Result<Option<i64>, StoreError> {
        let mut select = tx.prepare_cached(
            "SELECT id, kind, priority FROM job INDEXED BY job_by_state
             WHERE state = ?1 AND queue = ?2 AND id > ?3 ORDER BY id LIMIT ?4",
        )?;
        let rows: Vec<(i64, String, i64)> = select
            .query_map((state as i64, queue, after, AT_ONCE), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        let mut tally = Tally::default();
        let mut update = tx.prepare_cached("UPDATE job SET queue = ?2 WHERE id = ?1")?;
        for (id, kind, priority) in &rows {
            let (home, priority) = (self.home(kind, queue), Priority::from_code(*priority));
            update.execute((id, home))?;
            tally.add(queue, state, priority, -1);
            tally.add(home, state, priority, 1);
        }
        tally.write(tx)?;
        Ok(rows.last().map(|(id, ..)| *id))
    }
}

/// The queues with jobs that do not run, by state.
fn strays(db: &Connection) -> Result<Vec<(String, State)>, StoreError> {
    let mut select =
        db.prepare_cached("SELECT queue, state FROM job_count WHERE state < 4 AND jobs > 0 GROUP BY 1, 2")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, State::from_code(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
