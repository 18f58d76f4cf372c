//! Lists of jobs, a page at a time.

use store::StoreError;
use store::rusqlite::types::Value;
use store::rusqlite::{Connection, Row, params_from_iter};

use crate::columns::{number, text};
use crate::jobs::Jobs;
use crate::view::{Filter, JobRow, Page};
use crate::{JobId, JobsError, Priority, State};

/// The most jobs of one page.
pub const PAGE_MAX: usize = 500;
/// How many jobs one page looks at, at most, for those that its filter shows: 12 ms where they are in memory.
const LOOKED_AT_MAX: usize = 50_000;

pub(crate) const ROW: &str =
    "id, kind, about, queue, priority, state, attempt, attempts, created_at_ms, run_at_ms,
                              started_at_ms, ended_at_ms, progress, progress_note, error, key";

impl Jobs {
    /// Jobs, newest first: up to `limit` of those added before `before`.
    ///
    /// It costs the same however many jobs there are: those of the wanted states are walked through in the order of
    /// their numbers, and after a bounded number of them the page ends and tells where the list goes on.
    ///
    /// # Errors
    /// [`JobsError::Invalid`] for a limit beyond 1 to 500, [`JobsError::UnknownQueue`], or the database's. A kind without
    /// a handler is no error: an earlier version may have left jobs of it.
    pub async fn list(
        &self,
        filter: &Filter,
        before: Option<JobId>,
        limit: usize,
    ) -> Result<Page, JobsError> {
        if !(1..=PAGE_MAX).contains(&limit) {
            let value = limit.to_string();
            return Err(JobsError::Invalid { field: "limit", value, accepted: "1 to 500" });
        }
        for queue in &filter.queues {
            self.core.queue_config(queue)?;
        }
        let (filter, before) = (filter.clone(), before.unwrap_or(JobId(i64::MAX)));
        let read = move |db: &Connection| page(db, &filter, before, limit, LOOKED_AT_MAX);
        Ok(self.core.store.read("jobs.list", read).await?)
    }
}

fn page(
    db: &Connection,
    filter: &Filter,
    before: JobId,
    limit: usize,
    looked_at_max: usize,
) -> Result<Page, StoreError> {
    let (sql, values) = walk(filter, before);
    let mut select = db.prepare_cached(&sql)?;
    let mut walked = select.query(params_from_iter(values))?;
    let mut page = Page::default();
    for _ in 0..looked_at_max {
        let Some(columns) = walked.next()? else { return Ok(Page { next: None, ..page }) };
        page.next = Some(JobId(columns.get(0)?));
        if filter.shows(columns)? {
            page.rows.push(row(columns)?);
            if page.rows.len() == limit {
                break;
            }
        }
    }
    Ok(page)
}

/// The jobs among which the shown ones are, newest first. Each part is in that order in its index, so nothing is
/// sorted.
fn walk(filter: &Filter, before: JobId) -> (String, Vec<Value>) {
    let mut values = vec![before.0.into()];
    let (index, batch) = match &filter.batch {
        Some(batch) => {
            values.push(batch.clone().into());
            ("job_by_batch", " AND batch = ?2")
        }
        None => ("job_by_state", ""),
    };
    let states = match (&filter.states[..], &filter.batch) {
        ([], None) => Vec::new(),
        ([], Some(_)) => State::ALL.to_vec(),
        (states, _) => State::ALL.into_iter().filter(|state| states.contains(state)).collect(),
    };
    let mut parts: Vec<String> = states
        .into_iter()
        .map(|state| {
            let state = state as i64;
            format!("SELECT {ROW} FROM job INDEXED BY {index} WHERE id < ?1 AND state = {state}{batch}")
        })
        .collect();
    if parts.is_empty() {
        parts.push(format!("SELECT {ROW} FROM job WHERE id < ?1"));
    }
    (format!("{} ORDER BY id DESC", parts.join(" UNION ALL ")), values)
}

impl Filter {
    /// Whether it shows this job, whose state and batch are right.
    fn shows(&self, columns: &Row<'_>) -> store::rusqlite::Result<bool> {
        let among = |at: usize, names: &[String]| {
            let name = columns.get_ref(at)?.as_bytes()?;
            let is = |known: &String| known.as_bytes() == name;
            Ok::<_, store::rusqlite::Error>(names.is_empty() || names.iter().any(is))
        };
        let created_at_ms: i64 = columns.get(8)?;
        Ok(among(1, &self.kinds)?
            && among(3, &self.queues)?
            && self.created_from_ms.is_none_or(|from| created_at_ms >= from)
            && self.created_to_ms.is_none_or(|to| created_at_ms < to))
    }
}

pub(crate) fn row(row: &Row<'_>) -> store::rusqlite::Result<JobRow> {
    Ok(JobRow {
        id: JobId(row.get(0)?),
        kind: text(row, 1)?.unwrap_or_default(),
        about: text(row, 2)?.unwrap_or_default(),
        queue: text(row, 3)?.unwrap_or_default(),
        priority: Priority::from_code(row.get(4)?),
        state: State::from_code(row.get(5)?),
        attempt: number(row, 6)?,
        attempts: number(row, 7)?,
        created_at_ms: row.get(8)?,
        run_at_ms: row.get(9)?,
        started_at_ms: row.get(10)?,
        ended_at_ms: row.get(11)?,
        progress: row.get(12)?,
        progress_note: text(row, 13)?,
        error: text(row, 14)?,
        key: text(row, 15)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn database() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("schema.sql")).unwrap();
        db
    }

    #[test]
    fn no_filter_sorts_and_each_walks_an_index_in_its_order() {
        let db = database();
        let batch = Some("import".to_owned());
        let cases = [
            (vec![], None, &["SEARCH job USING INTEGER PRIMARY KEY (rowid<?)"][..]),
            (vec![State::Failed], None, &["SEARCH job USING INDEX job_by_state (state=? AND rowid<?)"]),
            (
                State::ALL[..5].to_vec(),
                None,
                &["SEARCH job USING INDEX job_by_state (state=? AND rowid<?)"; 5],
            ),
            (
                vec![],
                batch.clone(),
                &["SEARCH job USING INDEX job_by_batch (batch=? AND state=? AND rowid<?)"; 8],
            ),
            (
                vec![State::Done, State::Failed],
                batch,
                &["SEARCH job USING INDEX job_by_batch (batch=? AND state=? AND rowid<?)"; 2],
            ),
        ];
        for (states, batch, expected) in cases {
            let filter = Filter { states, batch, ..Filter::default() };
            let (sql, values) = walk(&filter, JobId(1));
            let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let plan: Vec<String> = explain
                .query_map(params_from_iter(values), |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{filter:?}: {plan:#?}");
            let steps: Vec<&String> = plan.iter().filter(|step| step.contains(" job")).collect();
            assert_eq!(steps, expected, "{filter:?}");
        }
    }

    #[test]
    fn a_rare_filter_looks_at_so_many_jobs_and_tells_where_it_goes_on() {
        let db = database();
        db.execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
             INSERT INTO job (kind, queue, priority, state, about, attempts, timeout_ms, created_at_ms, run_at_ms, payload)
             SELECT iif(i % 400 = 0, 'RARE', 'USUAL'), 'normal', 2, i % 2, '', 1, 1, i, i, '' FROM n",
        )
        .unwrap();
        let rare = Filter { kinds: vec!["RARE".into(), "NONE".into()], ..Filter::default() };
        let (mut before, mut found, mut pages) = (JobId(i64::MAX), Vec::new(), 0);
        loop {
            let page = page(&db, &rare, before, 500, 150).unwrap();
            found.extend(page.rows.into_iter().map(|row| row.id.0));
            pages += 1;
            let Some(next) = page.next else { break };
            before = next;
        }
        assert_eq!((found, pages), (vec![800, 400], 7));
        let few = page(&db, &rare, JobId(i64::MAX), 1, 1000).unwrap();
        assert_eq!((few.rows.len(), few.next), (1, Some(JobId(800))));
        let waiting =
            Filter { states: vec![State::Waiting, State::Scheduled, State::Waiting], ..Filter::default() };
        let mixed = page(&db, &waiting, JobId(6), 500, 1000).unwrap();
        assert_eq!(mixed.rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    }
}
