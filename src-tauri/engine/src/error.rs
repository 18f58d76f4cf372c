use std::path::PathBuf;

use store::{DataDirError, StoreError};

use crate::api::ConfigIssue;

/// Why the engine did not start; each text is one sentence with the next step.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Neither the environment nor the options say where files go.
    #[error("there is no home folder to keep data in; name one with --data-dir and --config")]
    NoHome,
    /// The data folder is in use, or cannot be written.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// A database cannot be opened.
    #[error("{path} cannot be opened: {source}; free its disk or name another folder with --data-dir", path = .path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What the store said.
        source: StoreError,
    },
    /// The cache's configuration is out of its bounds.
    #[error("the cache cannot be opened: {0}")]
    Cache(#[from] cache::OpenError),
    /// The market cannot be opened.
    #[error("the market source cannot be used: {0}")]
    Market(#[from] market::MarketError),
    /// The job processor cannot be started.
    #[error("the jobs cannot be started: {0}")]
    Jobs(#[from] jobs::StartError),
    /// The configuration is wrong, and the options ask for a strict reading.
    #[error("{}", describe(.file, .issues))]
    Config {
        /// The configuration file.
        file: PathBuf,
        /// What is wrong in it, at least one.
        issues: Vec<ConfigIssue>,
    },
}

fn describe(file: &std::path::Path, issues: &[ConfigIssue]) -> String {
    let each = issues.iter().map(|issue| match issue.key.as_str() {
        "" => format!("{} is not {}", issue.value, issue.accepted),
        key => format!("{key} is {}; accepted: {}", issue.value, issue.accepted),
    });
    format!("{}: {}", file.display(), each.collect::<Vec<_>>().join(". "))
}

impl StartError {
    /// The exit status for it: 2 for a wrong configuration, else 1.
    pub fn exit_status(&self) -> u8 {
        if matches!(self, Self::Config { .. }) { 2 } else { 1 }
    }
}
