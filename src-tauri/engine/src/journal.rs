//! The durable memory of a pipeline's calls, in `eider.db`.

use async_trait::async_trait;
use limits::{Batch, Journal, JournalError, MonthCount, Recorded};
use store::rusqlite::{OptionalExtension, Transaction};
use store::{Store, StoreError};

/// Remembers the calls of one service.
pub(crate) struct StoreJournal {
    store: Store,
    service: String,
}

impl StoreJournal {
    pub(crate) fn new(store: Store, service: impl Into<String>) -> Self {
        Self { store, service: service.into() }
    }
}

#[async_trait]
impl Journal for StoreJournal {
    async fn load(&self) -> Result<Recorded, JournalError> {
        let service = self.service.clone();
        let loaded = self.store.read("journal.load", move |db| {
            let calls = db
                .prepare("SELECT id, ended_at_ms FROM service_call WHERE service = ?1")?
                .query_map([&service], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            let memory = db
                .query_row(
                    "SELECT month, month_calls, hold_until_ms FROM service_memory WHERE service = ?1",
                    [&service],
                    |row| Ok((MonthCount { month: row.get(0)?, calls: row.get(1)? }, row.get(2)?)),
                )
                .optional()?;
            let (month, hold_until_ms) = memory.map_or((None, None), |(month, hold)| (Some(month), hold));
            Ok(Recorded { calls, month, hold_until_ms })
        });
        loaded.await.map_err(journal_error)
    }

    async fn write(&self, batch: Batch) -> Result<(), JournalError> {
        let service = self.service.clone();
        self.store.write("journal.write", move |db| write(db, &service, &batch)).await.map_err(journal_error)
    }
}

fn write(db: &Transaction<'_>, service: &str, batch: &Batch) -> Result<(), StoreError> {
    let mut start = db.prepare_cached(
        "INSERT INTO service_call (service, id, started_at_ms) VALUES (?1, ?2, ?3)
         ON CONFLICT (service, id) DO NOTHING",
    )?;
    for call in &batch.started {
        start.execute((service, call.id, call.at_ms))?;
    }
    let mut end =
        db.prepare_cached("UPDATE service_call SET ended_at_ms = ?3 WHERE service = ?1 AND id = ?2")?;
    for call in &batch.finished {
        end.execute((service, call.id, call.at_ms))?;
    }
    db.prepare_cached("DELETE FROM service_call WHERE service = ?1 AND ended_at_ms < ?2")?
        .execute((service, batch.forget_before_ms))?;
    let month = batch.month.unwrap_or(MonthCount { month: 0, calls: 0 });
    db.prepare_cached(
        "INSERT INTO service_memory (service, month, month_calls, hold_until_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (service) DO UPDATE SET
             month_calls = CASE WHEN excluded.month > month THEN excluded.month_calls
                                WHEN excluded.month = month THEN max(month_calls, excluded.month_calls)
                                ELSE month_calls END,
             month = max(month, excluded.month),
             -- Batches can overtake one another, so a hold is only ever prolonged.
             hold_until_ms = coalesce(max(hold_until_ms, excluded.hold_until_ms), hold_until_ms, excluded.hold_until_ms)",
    )?
    .execute((service, month.month, month.calls, batch.hold_until_ms))?;
    Ok(())
}

fn journal_error(error: StoreError) -> JournalError {
    JournalError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::MIGRATIONS;

    #[tokio::test]
    async fn it_keeps_the_contract_of_a_journal() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("eider.db");
        let store = Store::open(&path, &[MIGRATIONS], store::Config::default()).expect("it opens").store;
        limits::conformance::check_journal(async || StoreJournal::new(store.clone(), "one service")).await;
        let other = StoreJournal::new(store.clone(), "another").load().await.expect("it loads");
        assert_eq!(other, Recorded::default(), "services do not share a memory");
        store.close().await;
    }
}
