//! What the command line decides, before the configuration is read.

use std::path::PathBuf;

use crate::{Holdings, Notifier, ProfileChoice};

/// How to start an engine.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Overrides the configuration's profile.
    pub profile: Option<ProfileChoice>,
    /// Overrides the folder of the data: `$XDG_DATA_HOME/eider` on Linux.
    pub data_dir: Option<PathBuf>,
    /// Overrides the configuration file: `$XDG_CONFIG_HOME/eider/eider.toml` on Linux.
    pub config_file: Option<PathBuf>,
    /// Refuse to start with a wrong configuration instead of using defaults for what is wrong.
    pub strict_config: bool,
    /// Keep prices as fresh as for a visible window, though nobody subscribes.
    pub always_fresh: bool,
    /// Who shows notifications on the desktop, where there is one.
    pub notifier: Option<Notifier>,
    /// Who tells what wallets hold, where a chain is asked.
    pub holdings: Option<Holdings>,
}

impl Options {
    /// The folder that is named, or the usual one; `None` where there is no home.
    pub fn data_dir(&self) -> Option<PathBuf> {
        let default = || Some(directories::BaseDirs::new()?.data_dir().join("eider"));
        self.data_dir.clone().or_else(default)
    }

    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        self.config_file.clone().or_else(crate::config::default_path)
    }
}
