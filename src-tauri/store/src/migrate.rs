use std::collections::{BTreeMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use crate::StoreError;

/// The tables of one crate, as the steps that make them.
///
/// Steps are only ever added at the end. All steps a file lacks are applied in one transaction, in the
/// order given; each is a batch of statements without `BEGIN` or `COMMIT`. Foreign keys are not enforced
/// meanwhile, so that a step can rebuild a table, but are checked after each step.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// The crate that owns the tables; unique within one store.
    pub owner: &'static str,
    /// Step 1, step 2, …
    pub steps: &'static [&'static str],
}

/// What is wrong with a migration step.
#[derive(Debug, thiserror::Error)]
pub enum MigrationProblem {
    /// The file was written by a newer program.
    #[error("the file was written by a newer Eider (this one knows {known} steps); update Eider")]
    Newer {
        /// How many steps this program knows.
        known: u32,
    },
    /// The step was applied in another form than the program has now.
    #[error("it was applied in another form; released steps must never change")]
    Changed,
    /// Two lists carry the same owner.
    #[error("two lists of steps carry this owner")]
    DuplicateOwner,
    /// Rows refer to others that the steps so far have removed; nothing of this upgrade was kept.
    #[error("rows of the table `{table}` refer to rows that are gone")]
    ForeignKeys {
        /// A table with such rows.
        table: String,
    },
    /// SQLite refused the step; nothing of this upgrade was kept.
    #[error("{0}")]
    Failed(rusqlite::Error),
}

const STEPS_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_steps(
    owner TEXT NOT NULL,
    step INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    applied_at_ms INTEGER NOT NULL,
    PRIMARY KEY(owner, step)
) STRICT, WITHOUT ROWID";

/// Brings the file up to date, or leaves it exactly as it was.
pub(crate) fn apply(conn: &mut Connection, all: &[Migrations]) -> Result<(), StoreError> {
    let mut owners = HashSet::new();
    if let Some(twice) = all.iter().find(|one| !owners.insert(one.owner)) {
        return Err(refuse(twice.owner, 1, MigrationProblem::DuplicateOwner));
    }
    let tx = Transaction::new(conn, TransactionBehavior::Immediate)?;
    tx.execute_batch(STEPS_TABLE)?;
    for one in all {
        apply_owner(&tx, one)?;
    }
    Ok(tx.commit()?)
}

fn apply_owner(tx: &Transaction<'_>, one: &Migrations) -> Result<(), StoreError> {
    let applied = applied_steps(tx, one.owner)?;
    let known = u32::try_from(one.steps.len()).unwrap_or(u32::MAX);
    if let Some((&newest, _)) = applied.last_key_value().filter(|&(&step, _)| step > known) {
        return Err(refuse(one.owner, newest, MigrationProblem::Newer { known }));
    }
    for (step, sql) in (1_u32..).zip(one.steps) {
        match applied.get(&step) {
            Some(&sum) if sum == checksum(sql) => {}
            Some(_) => return Err(refuse(one.owner, step, MigrationProblem::Changed)),
            None => apply_step(tx, one.owner, step, sql)?,
        }
    }
    Ok(())
}

fn applied_steps(tx: &Transaction<'_>, owner: &str) -> Result<BTreeMap<u32, i64>, StoreError> {
    let mut statement = tx.prepare("SELECT step, checksum FROM schema_steps WHERE owner = ?1")?;
    let rows = statement.query_map([owner], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn apply_step(tx: &Transaction<'_>, owner: &str, step: u32, sql: &str) -> Result<(), StoreError> {
    tx.execute_batch(sql).map_err(|error| match StoreError::from(error) {
        StoreError::Sqlite(error) => refuse(owner, step, MigrationProblem::Failed(error)),
        other => other,
    })?;
    let broken = tx.query_row("PRAGMA foreign_key_check", [], |row| row.get(0)).optional()?;
    if let Some(table) = broken {
        return Err(refuse(owner, step, MigrationProblem::ForeignKeys { table }));
    }
    tx.execute(
        "INSERT INTO schema_steps(owner, step, checksum, applied_at_ms) VALUES (?1, ?2, ?3, ?4)",
        (owner, step, checksum(sql), now_ms()),
    )?;
    Ok(())
}

fn refuse(owner: &str, step: u32, problem: MigrationProblem) -> StoreError {
    StoreError::Migration { owner: owner.to_owned(), step, problem }
}

/// FNV-1a, 64 bits: it must stay the same for ever and guards against mistakes, not against attacks.
/// Carriage returns do not count, since a checkout on Windows may add them.
fn checksum(sql: &str) -> i64 {
    let hash = sql.bytes().filter(|&byte| byte != b'\r').fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.cast_signed()
}

pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_is_the_published_fnv_1a_and_ignores_carriage_returns() {
        assert_eq!(checksum("a").cast_unsigned(), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(checksum("a;\r\nb;\r\n"), checksum("a;\nb;\n"));
    }
}
