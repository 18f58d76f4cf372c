use std::sync::{Mutex, MutexGuard, PoisonError};

use cache::Clock;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Client, Url, redirect};

use super::config::{CoinGeckoConfig, Plan};
use super::replies::Replies;
use super::secret::Secret;
use crate::Invalid;

/// The CoinGecko [`Source`](crate::Source).
///
/// It keeps at most 64 replies (16 MiB of bodies) for as long as the provider allows.
pub struct CoinGecko {
    pub(super) client: Client,
    pub(super) base: Url,
    pub(super) host: String,
    pub(super) key: Secret,
    pub(super) clock: Clock,
    /// Held only to look up or to put; never across a call.
    replies: Mutex<Replies>,
}

impl std::fmt::Debug for CoinGecko {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoinGecko").field("host", &self.host).finish_non_exhaustive()
    }
}

impl CoinGecko {
    /// Prepares the client; nothing is sent yet.
    ///
    /// # Errors
    /// [`Invalid`] names the value that was refused. A refused key or address is not quoted.
    pub fn new(config: CoinGeckoConfig, clock: Clock) -> Result<Self, Invalid> {
        let base = config.checked_base()?;
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, config.checked_agent()?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some((name, value)) = config.checked_key()? {
            headers.insert(name, value);
        }
        let mut builder = Client::builder();
        if limits::is_loopback(base.host_str().unwrap_or_default()) {
            // A proxy of the system would look for the address on its own machine.
            builder = builder.no_proxy();
        }
        let client = builder
            .default_headers(headers)
            .timeout(config.checked_timeout()?)
            // A redirection to another host would carry the key there.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| {
                Invalid::new("the HTTP client's set-up", &error.to_string(), "a working TLS set-up")
            })?;
        let host = match (base.host_str().unwrap_or_default(), base.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        let key = config.api_key.unwrap_or_else(|| Secret::new(""));
        Ok(Self { client, base, host, key, clock, replies: Mutex::default() })
    }

    /// Whether the address is the provider's own and not a stand-in.
    pub(super) fn is_official(&self) -> bool {
        [Plan::Keyless, Plan::Pro].iter().any(|plan| plan.base_url() == self.base.as_str())
    }

    pub(super) fn replies(&self) -> MutexGuard<'_, Replies> {
        // Every change leaves the map whole, so a panic elsewhere spoils nothing here.
        self.replies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
