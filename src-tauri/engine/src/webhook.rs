//! Messages to an address of the user's own, which may hold a secret: it is shown nowhere.

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
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        (matches!(url.scheme(), "http" | "https") && url.has_host() && text.len() <= 2_048)
            .then_some(Self(url))
    }

    fn host(&self) -> &str {
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
    address: Address,
    client: Client,
    pipeline: Pipeline,
}

impl Webhook {
    pub(crate) fn new(address: Address, pipeline: Pipeline) -> reqwest::Result<Self> {
        let mut builder = Client::builder().redirect(redirect::Policy::none());
        if limits::is_loopback(address.host()) {
            // A proxy of the system would look for the address on its own machine.
            builder = builder.no_proxy();
        }
        Ok(Self { client: builder.build()?, address, pipeline })
    }

    pub(crate) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Posts a message as JSON. The same `id` marks a repetition, so that the receiver can drop it.
    pub(crate) async fn post(&self, id: &str, message: &Value) -> Result<(), CallError<String>> {
        self.pipeline.call(Priority::High, PATIENCE, || self.attempt(id, message)).await
    }

    async fn attempt(&self, id: &str, message: &Value) -> Attempt<(), String> {
        let host = self.address.host();
        let request = self.client.post(self.address.0.clone()).header("Idempotency-Key", id).json(message);
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
        for refused in ["", "hooks.example", "ftp://hooks.example/a", "https://"] {
            assert_eq!(Address::parse(refused), None, "{refused}");
        }
    }
}
