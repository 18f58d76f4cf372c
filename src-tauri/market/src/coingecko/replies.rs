//! The replies the provider allows to keep, one for each exact URL.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use cache::Now;
use reqwest::header::{AGE, CACHE_CONTROL, ETAG, HeaderMap, HeaderValue};

/// The most replies kept.
const REPLIES_MAX: usize = 64;
/// The most bytes kept, counted as the bodies that the replies were parsed from.
const BYTES_MAX: usize = 16 << 20;
/// The longest time a reply is believed without asking, whatever the provider says.
const FRESH_MAX: Duration = Duration::from_secs(3600);

/// A parsed reply and what the provider said of its life.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) value: Arc<dyn Any + Send + Sync>,
    pub(super) etag: Option<HeaderValue>,
    /// When the provider last sent or confirmed it.
    pub(super) confirmed: Now,
    pub(super) fresh_for: Duration,
    pub(super) bytes: usize,
}

impl Kept {
    /// Either clock may end the life: the monotonic one stops while a laptop sleeps, and the wall clock can be
    /// set back.
    fn is_fresh(&self, now: Now) -> bool {
        let wall = now.wall_ms - self.confirmed.wall_ms;
        let mono = now.mono_ms.saturating_sub(self.confirmed.mono_ms);
        wall >= 0 && (wall as u64).max(mono) < self.fresh_for.as_millis() as u64
    }
}

/// The kept replies, least recently used first.
#[derive(Default)]
pub(super) struct Replies {
    kept: VecDeque<(String, Kept)>,
    bytes: usize,
}

impl Replies {
    /// The reply to this URL, and whether the provider said that it still holds.
    pub(super) fn find(&mut self, url: &str, now: Now) -> Option<(Kept, bool)> {
        let place = self.kept.iter().position(|(kept, _)| kept == url)?;
        let entry = self.kept.remove(place)?;
        let kept = entry.1.clone();
        self.kept.push_back(entry);
        let fresh = kept.is_fresh(now);
        Some((kept, fresh))
    }

    /// Keeps a reply in place of an older one, and forgets the least used beyond the bounds.
    pub(super) fn keep(&mut self, url: &str, kept: Kept) {
        self.forget(url);
        if kept.etag.is_none() && kept.fresh_for.is_zero() {
            return;
        }
        self.bytes += kept.bytes;
        self.kept.push_back((url.to_owned(), kept));
        while self.kept.len() > REPLIES_MAX || self.bytes > BYTES_MAX {
            let Some((_, gone)) = self.kept.pop_front() else { break };
            self.bytes -= gone.bytes;
        }
    }

    pub(super) fn forget(&mut self, url: &str) {
        if let Some(place) = self.kept.iter().position(|(kept, _)| kept == url)
            && let Some((_, gone)) = self.kept.remove(place)
        {
            self.bytes -= gone.bytes;
        }
    }
}

/// What the headers of a reply allow: its `ETag`, and how long it holds without asking.
///
/// This is a private cache, so `max-age` counts and `s-maxage` does not; the time the reply has already spent
/// in the provider's own cache (`Age`) is taken off. `None` where it must not be kept at all.
pub(super) fn allowance(headers: &HeaderMap) -> Option<(Option<HeaderValue>, Duration)> {
    let control = headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut fresh_for = Duration::ZERO;
    let mut ask_always = false;
    for directive in control.split(',').map(str::trim) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.to_ascii_lowercase().as_str() {
            "no-store" => return None,
            "no-cache" => ask_always = true,
            "max-age" => {
                let seconds = value.trim_matches('"').parse().unwrap_or(0);
                fresh_for = Duration::from_secs(seconds);
            }
            _ => {}
        }
    }
    let age = headers.get(AGE).and_then(|value| value.to_str().ok()).and_then(|age| age.trim().parse().ok());
    fresh_for = fresh_for.saturating_sub(Duration::from_secs(age.unwrap_or(0))).min(FRESH_MAX);
    if ask_always {
        fresh_for = Duration::ZERO;
    }
    Some((headers.get(ETAG).cloned(), fresh_for))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn now(seconds: i64) -> Now {
        Now { wall_ms: 1_700_000_000_000 + seconds * 1000, mono_ms: (seconds.max(0) * 1000) as u64 }
    }

    fn kept(fresh_s: u64, bytes: usize) -> Kept {
        let etag = Some(HeaderValue::from_static("W/\"a\""));
        Kept {
            value: Arc::new(1_u8),
            etag,
            confirmed: now(0),
            fresh_for: Duration::from_secs(fresh_s),
            bytes,
        }
    }

    fn headers(control: &'static str, age: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(control));
        if let Some(age) = age {
            headers.insert(AGE, HeaderValue::from_static(age));
        }
        headers
    }

    #[test]
    fn the_headers_say_how_long_a_reply_holds() {
        let cases = [
            ("max-age=30, public, must-revalidate, s-maxage=60", None, Some(30)),
            ("max-age=30, s-maxage=60", Some("12"), Some(18)),
            ("max-age=30", Some("45"), Some(0)),
            ("Max-Age=\"30\"", None, Some(30)),
            ("max-age=30, no-cache", None, Some(0)),
            ("no-store, max-age=30", None, None),
            ("max-age=99999999999999999999", None, Some(0)),
            ("max-age=999999", None, Some(3600)),
            ("", None, Some(0)),
        ];
        for (control, age, expected) in cases {
            let seconds = allowance(&headers(control, age)).map(|(_, fresh)| fresh.as_secs());
            assert_eq!(seconds, expected, "{control}");
        }
    }

    #[test]
    fn a_reply_is_fresh_until_either_clock_says_otherwise() {
        let reply = kept(30, 1);
        assert!(reply.is_fresh(now(29)));
        assert!(!reply.is_fresh(now(30)));
        assert!(!reply.is_fresh(now(-1)), "the wall clock was set back");
        assert!(!reply.is_fresh(Now { mono_ms: 0, ..now(31) }), "the machine slept");
        assert!(!reply.is_fresh(Now { mono_ms: 31_000, ..now(0) }), "the wall clock was held");
    }

    #[test]
    fn the_least_used_replies_go_first_and_both_bounds_hold() {
        let mut replies = Replies::default();
        for n in 0..REPLIES_MAX {
            replies.keep(&n.to_string(), kept(30, 1));
        }
        assert!(replies.find("0", now(1)).is_some());
        replies.keep("new", kept(30, 1));
        assert!(replies.find("0", now(1)).is_some(), "it was used a moment ago");
        assert!(replies.find("1", now(1)).is_none());
        replies.keep("large", kept(30, BYTES_MAX));
        assert_eq!((replies.kept.len(), replies.bytes), (1, BYTES_MAX));
        replies.keep("large", Kept { etag: None, ..kept(0, 5) });
        assert_eq!((replies.kept.len(), replies.bytes), (0, 0), "a reply without life replaces the old one");
    }
}
