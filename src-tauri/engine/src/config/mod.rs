//! The configuration file: parsed and checked once at the start, edited by the Settings screen.

mod edit;
mod file;
mod read;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use market::{Class, Plan, Secret};

use crate::api::{ConfigIssue, Theme};

pub(crate) use edit::{Edit, apply};
pub(crate) use file::create_if_missing;
pub(crate) use read::is_api_key;

/// The text that a first start writes.
pub(crate) const DEFAULT_TEXT: &str = include_str!("default.toml");

/// Which profile the engine is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProfileChoice {
    /// Live when the network answers at the first start, else the demo; later starts keep the choice.
    #[default]
    Auto,
    /// CoinGecko.
    Live,
    /// Development servers named in the configuration.
    Local,
    /// The simulator.
    Demo,
}

impl ProfileChoice {
    /// All of them, by the names used on the command line and in the file.
    pub const NAMES: [(&str, Self); 4] =
        [("auto", Self::Auto), ("live", Self::Live), ("demo", Self::Demo), ("local", Self::Local)];

    /// The name on the command line and in the file.
    pub fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, choice)| *choice == self).map_or("auto", |(name, _)| name)
    }
}

/// The whole configuration, every value within its range.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) profile: ProfileChoice,
    pub(crate) market: Market,
    pub(crate) demo_seed: u64,
    pub(crate) theme: Theme,
    pub(crate) currency: String,
    pub(crate) frames_per_second: u32,
    pub(crate) cache: Cache,
    pub(crate) jobs: Jobs,
    /// The HTTP API.
    pub http: Http,
    pub(crate) slow_query: Duration,
    pub(crate) log_level: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Market {
    pub(crate) base_url: Option<String>,
    pub(crate) api_key: Option<Secret>,
    /// What the key is for; without a key calls are keyless.
    pub(crate) key_plan: Plan,
    pub(crate) refresh_interval: Duration,
    pub(crate) hidden_refresh_interval: Duration,
    pub(crate) rate_limit_per_minute: Option<u32>,
    pub(crate) month_budget: Option<u32>,
    pub(crate) timeout: Duration,
    pub(crate) attempts: u32,
}

impl Market {
    pub(crate) fn plan(&self) -> Plan {
        if self.api_key.is_some() { self.key_plan } else { Plan::Keyless }
    }

    /// Calls in any 60 seconds: as configured, else what the plan is known to allow.
    pub(crate) fn rate_limit(&self) -> u32 {
        self.rate_limit_per_minute.unwrap_or(if self.plan() == Plan::Keyless { 5 } else { 50 })
    }

    /// Calls in a month: as configured, else 10,000 with a demo key.
    pub(crate) fn budget(&self) -> Option<u32> {
        let known = (self.plan() == Plan::Demo).then_some(10_000);
        self.month_budget.map_or(known, |budget| (budget > 0).then_some(budget))
    }

    pub(crate) fn address(&self) -> &str {
        self.base_url.as_deref().unwrap_or(self.plan().base_url())
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Cache {
    pub(crate) memory_bytes: u64,
    pub(crate) files_bytes: u64,
    pub(crate) database_bytes: u64,
    pub(crate) price: Class,
    pub(crate) market_summary: Class,
    pub(crate) token_metadata: Class,
}

impl Cache {
    pub(crate) fn classes(&self) -> [Class; 3] {
        [self.price, self.market_summary, self.token_metadata]
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Jobs {
    /// The most open jobs of a queue.
    pub(crate) queue_bound: u64,
    /// How long jobs that ended well or were cancelled are kept.
    pub(crate) keep_done: Duration,
    pub(crate) keep_failed: Duration,
}

impl Jobs {
    pub(crate) fn processor(&self) -> jobs::Config {
        let mut config = jobs::Config { sole_owner: true, ..jobs::Config::default() };
        config.retention.done = self.keep_done;
        config.retention.cancelled = self.keep_done;
        config.retention.failed = self.keep_failed;
        for queue in &mut config.queues {
            queue.bound = self.queue_bound;
        }
        config
    }
}

/// The HTTP API's part of the configuration.
#[derive(Debug, Clone)]
pub struct Http {
    /// Whether the window's engine serves it.
    pub enabled: bool,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether an address that other machines can reach is accepted.
    pub allow_remote: bool,
    /// Requests a minute from one client.
    pub per_client: u32,
    /// Requests a minute from all clients together.
    pub in_all: u32,
}

/// What became of the configuration file.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) issues: Vec<ConfigIssue>,
}

impl Config {
    /// Reads the file; what is wrong in it is listed, and the default takes its place.
    pub(crate) fn load(path: &Path) -> Loaded {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::parse(""),
            Err(error) => {
                let mut loaded = Self::parse("");
                loaded.issues.push(ConfigIssue {
                    key: String::new(),
                    value: path.display().to_string(),
                    accepted: format!("a file that can be read ({error})"),
                });
                loaded
            }
        }
    }

    pub(crate) fn parse(text: &str) -> Loaded {
        read::parse(text)
    }
}

/// Where the configuration file is, unless the command line names another.
pub(crate) fn default_path() -> Option<PathBuf> {
    Some(directories::BaseDirs::new()?.config_dir().join("eider").join("eider.toml"))
}
