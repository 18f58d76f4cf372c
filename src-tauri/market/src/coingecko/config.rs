use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderValue;

use super::Secret;
use crate::Invalid;

/// Which of CoinGecko's plans a key belongs to; it decides the address and the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// No key: about five calls a minute for one address.
    Keyless,
    /// A free key.
    Demo,
    /// A paid key, with an address of its own.
    Pro,
}

impl Plan {
    /// The provider's address for the plan.
    pub const fn base_url(self) -> &'static str {
        match self {
            Self::Keyless | Self::Demo => "https://api.coingecko.com/api/v3",
            Self::Pro => "https://pro-api.coingecko.com/api/v3",
        }
    }

    /// The header that carries the key. A demo key in the pro header is refused, and the reverse.
    pub(super) const fn key_header(self) -> Option<&'static str> {
        match self {
            Self::Keyless => None,
            Self::Demo => Some("x-cg-demo-api-key"),
            Self::Pro => Some("x-cg-pro-api-key"),
        }
    }
}

/// How [`CoinGecko`](super::CoinGecko) is reached.
#[derive(Debug, Clone)]
pub struct CoinGeckoConfig {
    /// `http` or `https`, without query, fragment, user or password.
    pub base_url: String,
    /// Needed by, and only sent with, the plans that have one.
    pub api_key: Option<Secret>,
    /// The plan the key belongs to.
    pub plan: Plan,
    /// Never empty: the provider answers 403 to a request without one.
    pub user_agent: String,
    /// The longest one call may take, from 100 ms to 2 min.
    pub timeout: Duration,
}

impl CoinGeckoConfig {
    /// The provider's own address for a plan, with a timeout of 10 s.
    pub fn new(plan: Plan, api_key: Option<Secret>) -> Self {
        Self {
            base_url: plan.base_url().to_owned(),
            api_key,
            plan,
            user_agent: concat!("eider/", env!("CARGO_PKG_VERSION")).to_owned(),
            timeout: Duration::from_secs(10),
        }
    }

    pub(super) fn checked_base(&self) -> Result<Url, Invalid> {
        const ACCEPTED: &str = "an http or https address without user, password, query and fragment";
        // A refused address may hold a password: it is not quoted.
        let refused = || Invalid::new("the base URL", "the address given", ACCEPTED);
        let url = Url::parse(self.base_url.trim_end_matches('/')).map_err(|_| refused())?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if plain { Ok(url) } else { Err(refused()) }
    }

    pub(super) fn checked_key(&self) -> Result<Option<(&'static str, HeaderValue)>, Invalid> {
        const ACCEPTED: &str = "visible ASCII characters, at most 256";
        let Some(name) = self.plan.key_header() else { return Ok(None) };
        let key = self.api_key.as_ref().map_or("", Secret::expose);
        let printable =
            !key.is_empty() && key.len() <= 256 && key.bytes().all(|byte| byte.is_ascii_graphic());
        let value = HeaderValue::from_str(key).ok().filter(|_| printable);
        let mut value = value.ok_or_else(|| Invalid::new("the API key", "the key given", ACCEPTED))?;
        value.set_sensitive(true);
        Ok(Some((name, value)))
    }

    pub(super) fn checked_agent(&self) -> Result<HeaderValue, Invalid> {
        let value = HeaderValue::from_str(self.user_agent.trim()).ok().filter(|value| !value.is_empty());
        value.ok_or_else(|| Invalid::new("the user agent", &self.user_agent, "one line of text, not empty"))
    }

    pub(super) fn checked_timeout(&self) -> Result<Duration, Invalid> {
        let accepted = Duration::from_millis(100)..=Duration::from_secs(120);
        if accepted.contains(&self.timeout) {
            return Ok(self.timeout);
        }
        Err(Invalid::new("the timeout", &format!("{:?}", self.timeout), "100 ms to 2 min"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn base_urls_that_could_leak_or_mislead_are_refused_without_being_quoted() {
        for bad in [
            "",
            "api.coingecko.com",
            "ftp://a.b",
            "https://user:hunter2@a.b",
            "https://a.b/?k=1",
            "https://a.b/#x",
        ] {
            let config =
                CoinGeckoConfig { base_url: bad.into(), ..CoinGeckoConfig::new(Plan::Keyless, None) };
            let error = config.checked_base().unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let config = CoinGeckoConfig {
            base_url: "http://127.0.0.1:9/x/".into(),
            ..CoinGeckoConfig::new(Plan::Keyless, None)
        };
        assert_eq!(config.checked_base().unwrap().as_str(), "http://127.0.0.1:9/x");
    }

    #[test]
    fn a_plan_with_a_key_needs_one_that_fits_in_a_header() {
        for bad in [None, Some(""), Some("a\nb"), Some("schlüssel")] {
            let error = CoinGeckoConfig::new(Plan::Demo, bad.map(Secret::new)).checked_key().unwrap_err();
            assert!(!error.to_string().contains("schl"), "{error}");
        }
        let config = CoinGeckoConfig::new(Plan::Keyless, Some(Secret::new("CG-1")));
        assert_eq!(config.checked_key().unwrap(), None, "a keyless plan sends no key");
    }
}
