//! Fetching a picture: the address, the bounds, and what comes of a failure.

use std::time::Duration;

use limits::{Attempt, CallError, Pipeline, Priority, is_loopback};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, Url, redirect};

/// The most bytes of a picture.
pub const BYTES_MAX: usize = 4 << 20;
/// The longest address.
const URL_MAX: usize = 2_048;
/// How long a picture that nobody waits for stands in line.
const PATIENCE: Duration = Duration::from_secs(30);
const REDIRECTIONS_MAX: usize = 3;

/// Which addresses may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// `https` only.
    Web,
    /// `http` too, for development servers.
    Development,
}

/// Fetches pictures through one pipeline; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Images {
    client: Client,
    /// For this machine's own addresses, which a proxy would look for on its own.
    direct: Client,
    pipeline: Pipeline,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address may not be asked; nothing was sent.
    #[error("the address of the picture is not accepted: use {accepted}")]
    Address {
        /// What would be.
        accepted: &'static str,
    },
    /// The call was not made, or brought none.
    #[error(transparent)]
    Call(#[from] CallError<Refusal>),
}

/// What the server answered instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A status that is no success.
    #[error("{host} answered {status}")]
    Status {
        /// Who.
        host: String,
        /// The number.
        status: u16,
    },
    /// More bytes than are read.
    #[error("the picture has more than {} MiB, which is the limit; it must become smaller", BYTES_MAX >> 20)]
    TooLarge,
    /// No answer, or a broken one.
    #[error("{host} cannot be reached or broke off")]
    Transport {
        /// Who.
        host: String,
    },
}

impl Images {
    /// Prepares the client; nothing is sent yet.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn new(pipeline: Pipeline) -> Result<Self, reqwest::Error> {
        let agent = concat!("eider/", env!("CARGO_PKG_VERSION"));
        let builder = || Client::builder().redirect(follow()).user_agent(agent);
        Ok(Self { client: builder().build()?, direct: builder().no_proxy().build()?, pipeline })
    }

    /// The pipeline that the calls pass, for its status and its switches.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The bytes behind an address, at most [`BYTES_MAX`]; nothing is known of what they are.
    ///
    /// # Errors
    /// [`FetchError`]
    pub async fn fetch(&self, address: &str, reach: Reach) -> Result<Vec<u8>, FetchError> {
        let url = accepted(address, reach)?;
        let bytes = self.pipeline.call(Priority::Low, PATIENCE, || self.attempt(url.clone())).await?;
        Ok(bytes)
    }

    async fn attempt(&self, url: Url) -> Attempt<Vec<u8>, Refusal> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let client = if is_loopback(&host) { &self.direct } else { &self.client };
        let response = match client.get(url).send().await {
            Ok(response) => response,
            Err(_) => return Attempt::Retry(Refusal::Transport { host }),
        };
        let status = response.status();
        if status.is_success() {
            return read(response, host).await;
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Attempt::refused(status.as_u16(), retry_after, Refusal::Status { host, status: status.as_u16() })
    }
}

async fn read(mut response: Response, host: String) -> Attempt<Vec<u8>, Refusal> {
    if response.content_length().is_some_and(|length| length > BYTES_MAX as u64) {
        return Attempt::Fail(Refusal::TooLarge);
    }
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > BYTES_MAX => {
                return Attempt::Fail(Refusal::TooLarge);
            }
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Attempt::Done(bytes),
            Err(_) => return Attempt::Retry(Refusal::Transport { host }),
        }
    }
}

fn follow() -> redirect::Policy {
    redirect::Policy::custom(|hop| {
        let downgrade = hop.previous().last().is_some_and(|from| from.scheme() == "https")
            && hop.url().scheme() != "https";
        if downgrade || hop.previous().len() > REDIRECTIONS_MAX { hop.stop() } else { hop.follow() }
    })
}

fn accepted(address: &str, reach: Reach) -> Result<Url, FetchError> {
    let (schemes, accepted): (&[&str], _) = match reach {
        Reach::Web => (&["https"], "an https:// address of at most 2048 characters"),
        Reach::Development => {
            (&["https", "http"], "an http:// or https:// address of at most 2048 characters")
        }
    };
    let url = Some(address).filter(|address| address.len() <= URL_MAX).and_then(|text| Url::parse(text).ok());
    url.filter(|url| schemes.contains(&url.scheme()) && url.has_host())
        .ok_or(FetchError::Address { accepted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_web_is_asked() {
        for (address, web, development) in [
            ("https://images.example/a.png", true, true),
            ("http://127.0.0.1:9/a.png", false, true),
            ("file:///etc/passwd", false, false),
            ("data:image/png;base64,AAAA", false, false),
            ("/a.png", false, false),
            ("https://", false, false),
        ] {
            assert_eq!(accepted(address, Reach::Web).is_ok(), web, "{address}");
            assert_eq!(accepted(address, Reach::Development).is_ok(), development, "{address}");
        }
        assert!(accepted(&format!("https://a.example/{}", "x".repeat(URL_MAX)), Reach::Web).is_err());
    }
}
