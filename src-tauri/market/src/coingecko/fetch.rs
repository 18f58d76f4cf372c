use std::any::Any;
use std::sync::Arc;

use limits::Attempt;
use reqwest::header::{HeaderMap, HeaderValue, IF_NONE_MATCH};
use reqwest::{Response, StatusCode, Url};
use serde_json::Value;

use super::client::CoinGecko;
use super::failure::{hidden_status, judge, judge_transport};
use super::replies::{Kept, allowance};
use crate::{Reply, SourceError, TokenId};

/// The largest body read, after decompression.
const BODY_MAX: usize = 16 << 20;

/// One question: where, what, and about which token.
pub(super) struct Question<'a> {
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    /// The token a 404 is about.
    pub(super) subject: Option<&'a TokenId>,
}

/// An answer and when the provider last stood by it.
pub(super) struct Answer<T> {
    pub(super) value: Arc<T>,
    pub(super) fetched_at_ms: i64,
}

/// What came back of a question that may have been conditional.
enum Sent<T> {
    /// 304: what the `ETag` stands for still holds.
    Unchanged(HeaderMap),
    New {
        value: T,
        headers: HeaderMap,
        bytes: usize,
    },
}

impl CoinGecko {
    /// The kept answer, where the provider has said that it still holds.
    pub(super) fn at_hand<T: Any + Send + Sync>(&self, question: &Question<'_>) -> Option<Answer<T>> {
        let url = self.url(question);
        let (kept, fresh) = self.replies().find(url.as_str(), self.clock.now())?;
        let value = kept.value.downcast().ok()?;
        fresh.then_some(Answer { value, fetched_at_ms: kept.confirmed.wall_ms })
    }

    /// Asks once, unless the last answer still holds; `read` turns the JSON into the answer.
    pub(super) async fn ask<T, R>(&self, question: Question<'_>, read: R) -> Attempt<Answer<T>, SourceError>
    where
        T: Any + Send + Sync,
        R: FnOnce(&Value) -> Result<T, String> + Send,
    {
        let url = self.url(&question);
        let known = self.replies().find(url.as_str(), self.clock.now());
        if let Some((kept, true)) = &known
            && let Ok(value) = Arc::clone(&kept.value).downcast()
        {
            return Attempt::Done(Answer { value, fetched_at_ms: kept.confirmed.wall_ms });
        }
        let known = known.map(|(kept, _)| kept);
        let etag = known.as_ref().and_then(|kept| kept.etag.clone());
        let sent = self.send(url.clone(), question.subject, etag, read).await;
        sent.and_then(|sent| match sent {
            Sent::Unchanged(headers) => self.confirmed(url.as_str(), known, &headers),
            Sent::New { value, headers, bytes } => {
                Attempt::Done(self.keep(url.as_str(), Arc::new(value), &headers, bytes))
            }
        })
    }

    /// Asks once whether the answer with this validator still holds; it is the caller who keeps the answer.
    pub(super) async fn ask_if_changed<T, R>(
        &self,
        question: Question<'_>,
        validator: Option<&str>,
        read: R,
    ) -> Attempt<Reply<T>, SourceError>
    where
        R: FnOnce(&Value) -> Result<T, String> + Send,
        T: Send,
    {
        let url = self.url(&question);
        let etag = validator.and_then(|validator| HeaderValue::from_str(validator).ok());
        let asked = etag.is_some();
        let sent = self.send(url, question.subject, etag, read).await;
        sent.and_then(|sent| {
            let (value, headers) = match sent {
                Sent::Unchanged(_) if !asked => return Attempt::Retry(self.nothing_was_known()),
                Sent::Unchanged(headers) => (None, headers),
                Sent::New { value, headers, .. } => (Some(value), headers),
            };
            let (etag, fresh_for) = allowance(&headers).unwrap_or_default();
            let validator = etag.and_then(|etag| Some(etag.to_str().ok()?.to_owned()));
            Attempt::Done(Reply { value, validator, fresh_for })
        })
    }

    async fn send<T, R>(
        &self,
        url: Url,
        subject: Option<&TokenId>,
        etag: Option<HeaderValue>,
        read: R,
    ) -> Attempt<Sent<T>, SourceError>
    where
        R: FnOnce(&Value) -> Result<T, String> + Send,
    {
        let mut request = self.client.get(url);
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return judge_transport(&self.host, &error),
        };
        let status = response.status();
        let headers = response.headers().clone();
        if status == StatusCode::NOT_MODIFIED {
            return Attempt::Done(Sent::Unchanged(headers));
        }
        let body = match self.bounded_body(response).await {
            Ok(body) => body,
            Err(attempt) if status.is_success() => return attempt,
            // The status says enough.
            Err(_) => Vec::new(),
        };
        let failed = |status| self.redacted(judge(&self.host, status, &headers, &body, subject));
        if status.is_redirection() {
            return Attempt::Fail(SourceError::NotJson { host: self.host.clone(), found: "a redirection" });
        }
        if !status.is_success() {
            return failed(status);
        }
        let json = match self.json(&body) {
            Ok(json) => json,
            Err(error) => return Attempt::Retry(error),
        };
        if let Some(hidden) = hidden_status(&json) {
            return failed(hidden);
        }
        match read(&json) {
            Ok(value) => Attempt::Done(Sent::New { value, headers, bytes: body.len() }),
            Err(what) => Attempt::Fail(SourceError::BadReply { host: self.host.clone(), what }),
        }
    }

    fn url(&self, question: &Question<'_>) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(question.path);
        }
        if !question.query.is_empty() {
            url.query_pairs_mut().extend_pairs(question.query);
        }
        url
    }

    /// 304: the reply we hold is the reply.
    fn confirmed<T: Any + Send + Sync>(
        &self,
        url: &str,
        known: Option<Kept>,
        headers: &HeaderMap,
    ) -> Attempt<Answer<T>, SourceError> {
        match known.and_then(|kept| Some((Arc::clone(&kept.value).downcast().ok()?, kept.bytes, kept.etag))) {
            Some((value, bytes, etag)) => {
                let now = self.clock.now();
                if let Some((newer, fresh_for)) = allowance(headers) {
                    let kept = Kept {
                        value: Arc::clone(&value) as _,
                        etag: newer.or(etag),
                        confirmed: now,
                        fresh_for,
                        bytes,
                    };
                    self.replies().keep(url, kept);
                }
                Attempt::Done(Answer { value, fetched_at_ms: now.wall_ms })
            }
            None => Attempt::Retry(self.nothing_was_known()),
        }
    }

    fn nothing_was_known(&self) -> SourceError {
        let what = "it says that nothing changed, but nothing was known".to_owned();
        SourceError::BadReply { host: self.host.clone(), what }
    }

    fn keep<T: Any + Send + Sync>(
        &self,
        url: &str,
        value: Arc<T>,
        headers: &HeaderMap,
        bytes: usize,
    ) -> Answer<T> {
        let now = self.clock.now();
        match allowance(headers) {
            Some((etag, fresh_for)) => {
                let kept = Kept { value: Arc::clone(&value) as _, etag, confirmed: now, fresh_for, bytes };
                self.replies().keep(url, kept);
            }
            None => self.replies().forget(url),
        }
        Answer { value, fetched_at_ms: now.wall_ms }
    }

    async fn bounded_body<T>(&self, mut response: Response) -> Result<Vec<u8>, Attempt<T, SourceError>> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > BODY_MAX => {
                    let what = format!("it is larger than {} MiB", BODY_MAX >> 20);
                    return Err(Attempt::Fail(SourceError::BadReply { host: self.host.clone(), what }));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body),
                Err(error) => return Err(judge_transport(&self.host, &error)),
            }
        }
    }

    fn json(&self, body: &[u8]) -> Result<Value, SourceError> {
        serde_json::from_slice(body).map_err(|error| {
            let host = self.host.clone();
            let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
            match first {
                None => SourceError::NotJson { host, found: "an empty reply" },
                Some(b'<') => SourceError::NotJson { host, found: "a web page" },
                Some(b'{' | b'[') if error.is_eof() => {
                    SourceError::BadReply { host, what: "it is cut short".into() }
                }
                Some(_) => SourceError::NotJson { host, found: "something" },
            }
        })
    }

    fn redacted<T>(&self, attempt: Attempt<T, SourceError>) -> Attempt<T, SourceError> {
        let strike = |error| match error {
            SourceError::KeyRefused { host, text } => {
                SourceError::KeyRefused { host, text: self.key.redact(&text) }
            }
            SourceError::NotInPlan { host, text } => {
                SourceError::NotInPlan { host, text: self.key.redact(&text) }
            }
            SourceError::Http { host, status, text } => {
                SourceError::Http { host, status, text: self.key.redact(&text) }
            }
            other => other,
        };
        attempt.map_err(strike)
    }
}
