use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use engine::ProfileChoice;

/// Desktop cockpit for people who hold, trade and run agents on DuckChain.
#[derive(Debug, Parser)]
#[command(name = "eider", version)]
pub struct Flags {
    /// Where prices come from; without it, the choice of the last start or of the configuration.
    #[arg(long, value_enum)]
    pub profile: Option<Profile>,
    /// The folder that holds databases, logs and keys.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The configuration file; it is written, commented, where it does not exist.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Starts without showing the window; a second start shows it.
    #[arg(long)]
    pub hidden: bool,
}

/// The values of `--profile`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// `live` where the network answers at the first start, else `demo`.
    Auto,
    /// CoinGecko and a DuckChain network.
    Live,
    /// A seeded market simulator; nothing it shows is real.
    Demo,
    /// Addresses of development nodes from the configuration.
    Local,
}

impl Profile {
    pub(crate) fn choice(self) -> ProfileChoice {
        match self {
            Self::Auto => ProfileChoice::Auto,
            Self::Live => ProfileChoice::Live,
            Self::Demo => ProfileChoice::Demo,
            Self::Local => ProfileChoice::Local,
        }
    }
}
