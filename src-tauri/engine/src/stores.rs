//! The three database files and the folder they lie in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use store::{DataDir, Durability, Migrations, SetAside, Store};

use crate::{StartError, metrics_history};

/// What the engine itself remembers in `eider.db`.
pub(crate) const MIGRATIONS: Migrations =
    Migrations { owner: "engine", steps: &[include_str!("schema.sql"), include_str!("once.sql")] };

/// The open files.
#[derive(Clone)]
pub(crate) struct Stores {
    /// `eider.db`: what must last; on disk before a call returns.
    pub(crate) durable: Store,
    /// `cache.db`: may be deleted at any time.
    pub(crate) cache: Store,
    /// `metrics.db`: samples over time; the last seconds may be lost by a power cut.
    pub(crate) metrics: Store,
}

impl Stores {
    /// Opens the files side by side; damaged ones are set aside and listed.
    pub(crate) async fn open(
        folder: &DataDir,
        slow_query: Duration,
    ) -> Result<(Self, Vec<SetAside>), StartError> {
        let check = !folder.was_clean();
        let config = |durability| store::Config {
            durability,
            slow_query,
            quick_check: check,
            ..store::Config::default()
        };
        let (durable, cache, metrics) = tokio::join!(
            open(
                folder.path().join(file_name("database")),
                &[MIGRATIONS, market::MIGRATIONS, jobs::MIGRATIONS],
                config(Durability::Full)
            ),
            open(
                folder.path().join(file_name("cache_database")),
                &[cache::MIGRATIONS],
                config(Durability::Normal)
            ),
            open(
                folder.path().join(file_name("metrics_database")),
                &[metrics_history::MIGRATIONS],
                config(Durability::Normal)
            ),
        );
        let (durable, cache, metrics) = (durable?, cache?, metrics?);
        let set_aside =
            [durable.set_aside, cache.set_aside, metrics.set_aside].into_iter().flatten().collect();
        Ok((Self { durable: durable.store, cache: cache.store, metrics: metrics.store }, set_aside))
    }

    /// Each with the name that people know.
    pub(crate) fn named(&self) -> [(&'static str, &Store); 3] {
        [("database", &self.durable), ("cache_database", &self.cache), ("metrics_database", &self.metrics)]
    }

    pub(crate) async fn close(&self) {
        tokio::join!(self.durable.close(), self.cache.close(), self.metrics.close());
    }
}

/// The file of the database that people know by this name.
pub(crate) fn file_name(known_as: &str) -> &'static str {
    match known_as {
        "cache_database" => "cache.db",
        "metrics_database" => "metrics.db",
        _ => "eider.db",
    }
}

async fn open(
    path: PathBuf,
    migrations: &'static [Migrations],
    config: store::Config,
) -> Result<store::Opened, StartError> {
    let failed = |path: &Path, source| StartError::Database { path: path.to_owned(), source };
    let at = path.clone();
    match tokio::task::spawn_blocking(move || Store::open(&at, migrations, config)).await {
        Ok(opened) => opened.map_err(|source| failed(&path, source)),
        // The blocking task panicked or its runtime is going down.
        Err(_) => Err(failed(&path, store::StoreError::Closed)),
    }
}
