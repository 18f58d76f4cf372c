//! Messages to an address of the user's own, which may hold a secret: of it only the host is shown.

use std::fmt;
use std::time::Duration;

use limits::{Attempt, CallError, Pipeline, Priority};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Url, redirect};
use serde_json::Value;

/// How long a message stands in line.
const PATIENCE: Duration = Duration::from_secs(30);

/// An `http` or `https` address whose path is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address(Url);

impl Address {
    pub(crate) const ACCEPTED: &str = "an http:// or https:// address of at most 2048 characters";

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        // As it is written down, which may be longer than it was typed.
        let fits = url.as_str().len() <= 2_048;
        (matches!(url.scheme(), "http" | "https") && url.has_host() && fits).then_some(Self(url))
    }

    pub(crate) fn text(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({}/***)", self.host())
    }
}

/// Sends messages through one pipeline; cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Webhook {
    client: Client,
    /// For this machine's own addresses, which a proxy would look for on its own.
    direct: Client,
    pipeline: Pipeline,
}

impl Webhook {
    pub(crate) fn new(pipeline: Pipeline) -> reqwest::Result<Self> {
        let builder = || Client::builder().redirect(redirect::Policy::none());
        Ok(Self { client: builder().build()?, direct: builder().no_proxy().build()?, pipeline })
    }

    pub(crate) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Posts a message as JSON. The same `id` marks a repetition, so that the receiver can drop it.
    pub(crate) async fn post(
        &self,
        address: &Address,
        id: &str,
        message: &Value,
    ) -> Result<(), CallError<String>> {
        self.pipeline.call(Priority::High, PATIENCE, || self.attempt(address, id, message)).await
    }

    async fn attempt(&self, address: &Address, id: &str, message: &Value) -> Attempt<(), String> {
        let host = address.host();
        let client = if limits::is_loopback(host) { &self.direct } else { &self.client };
        let request = client.post(address.0.clone()).header("Idempotency-Key", id).json(message);
        let response = match request.send().await {
            Ok(response) => response,
            // What the client says of an error holds the address.
            Err(_) => return Attempt::Retry(format!("{host} cannot be reached")),
        };
        let status = response.status();
        if status.is_success() {
            return Attempt::Done(());
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Attempt::refused(status.as_u16(), retry_after, format!("{host} answered {}", status.as_u16()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_makes_it_secret() {
        let address = Address::parse("https://hooks.example/services/T0/s3cr3t").expect("it is an address");
        assert_eq!(format!("{address:?}"), "Address(hooks.example/***)");
        let long = format!("https://hooks.example/{}", "\u{e9}".repeat(700));
        for refused in ["", "hooks.example", "ftp://hooks.example/a", "https://", &long] {
            assert_eq!(Address::parse(refused), None, "{refused}");
        }
    }
}
