use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{Desktop, Market, process};

/// The folders of one user: they outlive the program, so that a test can start it again.
pub struct Home {
    folder: TempDir,
}

impl Home {
    /// A home whose configuration names `market` as the source and asks it often.
    ///
    /// # Errors
    /// Fails where the folders cannot be written.
    pub fn new(market: &Market) -> anyhow::Result<Self> {
        let base_url = market.base_url();
        Self::with_config(&format!(
            "profile = \"local\"\n\n[market]\nbase_url = \"{base_url}\"\nrefresh_interval_s = 5\nrate_limit_per_minute = 500\ntimeout_s = 2\n\n[window]\ntheme = \"dark\"\n"
        ))
    }

    /// A home with this text as its configuration.
    ///
    /// # Errors
    /// Fails where the folders cannot be written.
    pub fn with_config(text: &str) -> anyhow::Result<Self> {
        let home = Self { folder: tempfile::Builder::new().prefix("eider-home-").tempdir()? };
        fs::write(home.config_file(), text)?;
        Ok(home)
    }

    /// The folder that holds everything of this user.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What `--config` names.
    pub fn config_file(&self) -> PathBuf {
        self.path().join("eider.toml")
    }

    /// What `--data-dir` names.
    pub fn data_dir(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The flags that keep the program inside this home.
    pub fn flags(&self) -> Vec<String> {
        ["--data-dir".into(), self.data_dir(), "--config".into(), self.config_file()]
            .map(|flag| flag.to_string_lossy().into_owned())
            .to_vec()
    }

    /// Lets `command` find its folders here only, and reach nothing through a proxy.
    pub fn settle<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("HOME", self.path())
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .env("XDG_DATA_HOME", self.path().join("share"))
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env("NO_PROXY", "127.0.0.1")
    }

    /// Starts the program directly, without a driver, and waits for its end.
    ///
    /// # Errors
    /// Fails where it has not ended after ten seconds.
    pub fn run(&self, desktop: Option<&Desktop>) -> anyhow::Result<(Option<i32>, String)> {
        let mut command = Command::new(crate::app::program("eider")?);
        self.settle(command.args(self.flags()));
        match desktop {
            Some(desktop) => desktop.settle(&mut command),
            None => command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY"),
        };
        let output = process::finish(&mut command, std::time::Duration::from_secs(10))?;
        Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}
