//! Upgrades: all or nothing, and never backwards.

use eider_store::rusqlite::Connection;
use eider_store::{Config, MigrationProblem, Migrations, Store, StoreError};
use tempfile::TempDir;

const ONE: &str = "CREATE TABLE pond(name TEXT PRIMARY KEY) STRICT; INSERT INTO pond VALUES ('north')";
const TWO: &str = "ALTER TABLE pond ADD COLUMN depth INTEGER NOT NULL DEFAULT 3";

fn ponds(steps: &'static [&'static str]) -> Migrations {
    Migrations { owner: "ponds", steps }
}

async fn open(dir: &TempDir, migrations: &[Migrations]) -> Result<(), StoreError> {
    let opened = Store::open(&dir.path().join("test.db"), migrations, Config::default())?;
    assert_eq!(opened.set_aside, None, "a file that needs care is not a damaged one");
    opened.store.close().await;
    Ok(())
}

fn look<T: eider_store::rusqlite::types::FromSql>(dir: &TempDir, sql: &str) -> T {
    let conn = Connection::open(dir.path().join("test.db")).unwrap();
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn steps_applied(dir: &TempDir) -> i64 {
    look(dir, "SELECT count(*) FROM schema_steps")
}

/// Refuses the upgrade for the reason given and leaves everything as it was.
async fn check_refused(from: &'static [&'static str], to: Migrations, text: &str) {
    let dir = tempfile::tempdir().unwrap();
    open(&dir, &[ponds(from)]).await.unwrap();
    let schema = "SELECT group_concat(name || ':' || coalesce(sql, '')) FROM sqlite_schema";
    let before: (String, i64) = (look(&dir, schema), steps_applied(&dir));
    let error = open(&dir, &[to]).await.unwrap_err();
    assert_eq!(error.to_string(), text);
    assert_eq!((look(&dir, schema), steps_applied(&dir)), before);
    open(&dir, &[ponds(from)]).await.unwrap();
}

#[tokio::test]
async fn an_older_file_is_brought_up_to_date_once() {
    let dir = tempfile::tempdir().unwrap();
    open(&dir, &[ponds(&[ONE])]).await.unwrap();
    for _ in 0..2 {
        open(&dir, &[ponds(&[ONE, TWO])]).await.unwrap();
        assert_eq!(look::<i64>(&dir, "SELECT depth FROM pond"), 3);
        assert_eq!(steps_applied(&dir), 2);
    }
}

#[tokio::test]
async fn owners_count_their_steps_apart() {
    let dir = tempfile::tempdir().unwrap();
    let ducks = Migrations { owner: "ducks", steps: &["CREATE TABLE duck(name TEXT) STRICT"] };
    open(&dir, &[ponds(&[ONE]), ducks]).await.unwrap();
    open(&dir, &[ducks, ponds(&[ONE, TWO])]).await.unwrap();
    assert_eq!(steps_applied(&dir), 3);
    open(&dir, &[ponds(&[ONE, TWO])]).await.unwrap();
    let error = open(&dir, &[ducks, ducks]).await.unwrap_err();
    let duplicate = MigrationProblem::DuplicateOwner;
    assert!(
        matches!(error, StoreError::Migration { problem, .. } if problem.to_string() == duplicate.to_string())
    );
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_refused() {
    let text = "the tables of `ponds` could not be prepared (step 2): the file was written by a newer Eider \
                (this one knows 1 steps); update Eider";
    check_refused(&[ONE, TWO], ponds(&[ONE]), text).await;
}

#[tokio::test]
async fn a_step_that_was_changed_after_use_is_refused() {
    let text = "the tables of `ponds` could not be prepared (step 1): it was applied in another form; \
                released steps must never change";
    check_refused(&[ONE], ponds(&["CREATE TABLE pond(name TEXT) STRICT", TWO]), text).await;
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_file_as_it_was() {
    let text = "the tables of `ponds` could not be prepared (step 3): no such table: lake";
    check_refused(&[ONE], ponds(&[ONE, TWO, "DROP TABLE lake"]), text).await;
}

#[tokio::test]
async fn a_table_that_others_refer_to_can_be_rebuilt() {
    const REFERRING: &str = "CREATE TABLE duck(pond TEXT NOT NULL REFERENCES pond ON DELETE CASCADE) STRICT;
        INSERT INTO duck VALUES ('north')";
    const REBUILT: &str = "CREATE TABLE pond2(name TEXT PRIMARY KEY, depth INTEGER NOT NULL) STRICT;
        INSERT INTO pond2 SELECT name, 3 FROM pond;
        DROP TABLE pond;
        ALTER TABLE pond2 RENAME TO pond";
    let dir = tempfile::tempdir().unwrap();
    open(&dir, &[ponds(&[ONE, REFERRING])]).await.unwrap();
    open(&dir, &[ponds(&[ONE, REFERRING, REBUILT])]).await.unwrap();
    assert_eq!(look::<i64>(&dir, "SELECT count(*) FROM duck JOIN pond ON name = pond"), 1);

    let text = "the tables of `ponds` could not be prepared (step 3): rows of the table `duck` refer to rows \
                that are gone";
    check_refused(&[ONE, REFERRING], ponds(&[ONE, REFERRING, "DELETE FROM pond"]), text).await;
}
