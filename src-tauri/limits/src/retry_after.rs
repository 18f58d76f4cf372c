use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The value of a `Retry-After` header (RFC 9110, section 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// So long from the moment the reply was received.
    Delay(Duration),
    /// At this wall time.
    At(SystemTime),
}

impl RetryAfter {
    /// Reads whole seconds or an HTTP date in any of its three forms; anything else is `None`.
    ///
    /// More seconds than a `u64` holds read as the greatest one: the pipeline clamps the wait anyway.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::Delay(Duration::from_secs(value.parse().unwrap_or(u64::MAX))));
        }
        httpdate::parse_http_date(value).ok().map(Self::At)
    }

    /// How long to wait, seen from `wall_ms`, at most `cap`; a date that has passed is no wait.
    ///
    /// The cap bounds what a mistaken server, or a wrong clock on this machine, can cost.
    #[must_use]
    pub fn wait(self, wall_ms: i64, cap: Duration) -> Duration {
        let wait = match self {
            Self::Delay(delay) => delay,
            Self::At(at) => {
                let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(wall_ms).unwrap_or(0));
                at.duration_since(now).unwrap_or_default()
            }
        };
        wait.min(cap)
    }
}
