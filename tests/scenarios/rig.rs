//! An engine with a folder of its own, pointed at a provider.

use std::path::{Path, PathBuf};
use std::time::Duration;

use eider_engine::api::{Frame, Quote, Status};
use eider_engine::{Engine, Frames, Options, ProfileChoice, StartError};

use crate::provider::Provider;

/// Longer than anything here should take, so that a defect ends as a failure and not as a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Rig {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) engine: Engine,
}

impl Rig {
    /// Starts an engine in the profile `local` with this text in its configuration, after the provider's address.
    pub(crate) async fn start(provider: &Provider, config: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), provider, config).await
    }

    pub(crate) async fn start_in(folder: tempfile::TempDir, provider: &Provider, config: &str) -> Self {
        write_config(folder.path(), &provider.base_url(), config);
        let engine = Engine::start(options(folder.path(), ProfileChoice::Local)).await.unwrap();
        Self { folder, engine }
    }

    /// Starts an engine whose options the test changes.
    pub(crate) async fn start_as(
        provider: &Provider,
        config: &str,
        change: impl FnOnce(Options) -> Options,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_config(folder.path(), &provider.base_url(), config);
        let options = change(options(folder.path(), ProfileChoice::Local));
        Self { engine: Engine::start(options).await.unwrap(), folder }
    }

    /// Stops the engine and gives its folder back.
    pub(crate) async fn stop(self) -> tempfile::TempDir {
        tokio::time::timeout(PATIENCE, self.engine.stop()).await.expect("the engine stops");
        self.folder
    }

    /// The quote of one token, once `holds` says so.
    pub(crate) async fn quote_when(&self, id: &str, holds: impl Fn(&Quote) -> bool) -> Quote {
        let mut seen = Seen::new(&self.engine);
        seen.until(|seen| seen.quotes.iter().any(|quote| quote.id == id && holds(quote))).await;
        seen.quotes.into_iter().find(|quote| quote.id == id).unwrap()
    }

    /// The status, once `holds` says so.
    pub(crate) async fn status_when(&self, holds: impl Fn(&Status) -> bool) -> Status {
        let mut seen = Seen::new(&self.engine);
        seen.until(|seen| seen.status.as_ref().is_some_and(&holds)).await;
        seen.status.unwrap()
    }
}

/// What a window knows: the frames so far, folded.
pub(crate) struct Seen {
    frames: Frames,
    pub(crate) watch: Vec<String>,
    pub(crate) quotes: Vec<Quote>,
    pub(crate) status: Option<Status>,
}

impl Seen {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { frames: engine.subscribe(), watch: Vec::new(), quotes: Vec::new(), status: None }
    }

    pub(crate) async fn until(&mut self, holds: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !holds(self) {
                let frame = self.frames.next().await.expect("the engine runs");
                self.fold(frame);
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
        assert!(in_time, "not seen within {PATIENCE:?}: {:#?} {:#?}", self.quotes, self.status);
    }

    fn fold(&mut self, frame: Frame) {
        if frame.whole {
            self.quotes.clear();
        }
        self.watch = frame.watch.unwrap_or(std::mem::take(&mut self.watch));
        self.quotes.retain(|known| !frame.quotes.iter().any(|quote| quote.id == known.id));
        self.quotes.extend(frame.quotes);
        self.quotes.retain(|quote| self.watch.contains(&quote.id));
        self.status = frame.status.or(self.status.take());
    }
}

pub(crate) fn options(folder: &Path, profile: ProfileChoice) -> Options {
    Options {
        profile: Some(profile),
        data_dir: Some(folder.join("data")),
        config_file: Some(folder.join("eider.toml")),
        ..Options::default()
    }
}

pub(crate) fn write_config(folder: &Path, base_url: &str, config: &str) {
    // `config` may go on with the section `[market]` before it begins others.
    std::fs::write(folder.join("eider.toml"), format!("[market]\nbase_url = \"{base_url}\"\n{config}\n"))
        .unwrap();
}

pub(crate) fn data(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("data")
}

pub(crate) async fn refused(options: Options) -> StartError {
    match Engine::start(options).await {
        Err(error) => error,
        Ok(engine) => {
            engine.stop().await;
            panic!("the engine started");
        }
    }
}
