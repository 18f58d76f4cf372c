use crate::RetryAfter;

/// What one attempt at an outside call came to; the caller's closure decides, since only it knows the
/// protocol.
#[derive(Debug)]
pub enum Attempt<T, E> {
    /// The service answered as hoped.
    Done(T),
    /// The service failed and may do better next time: HTTP 5xx, a broken connection, a damaged body.
    /// Counts as a failure for the breaker.
    Retry(E),
    /// The call provably did not reach the service: its name was not resolved, or no connection came about.
    /// As [`Retry`](Self::Retry), but its slot and its place in the month's budget are given back, so that a
    /// dead network does not use up what a live one needs.
    NotSent(E),
    /// The service asks for fewer calls: HTTP 429, or a 503 that names a time. Holds every call to the service and slows
    /// the local rate; never a breaker failure.
    Limited {
        /// What `Retry-After` said, where the reply had one.
        after: Option<RetryAfter>,
        /// The service's own words, for the status.
        error: E,
    },
    /// The service answered that this call is wrong: HTTP 4xx. Not repeated, and for the breaker a sign of
    /// life.
    Fail(E),
}

impl<T, E> Attempt<T, E> {
    /// What an HTTP status that is no success means, with the value of `Retry-After` where the reply had one.
    pub fn refused(status: u16, retry_after: Option<&str>, error: E) -> Self {
        let after = retry_after.and_then(RetryAfter::parse);
        match status {
            429 => Self::Limited { after, error },
            // A server that is down for a known time says so in the same header.
            503 if after.is_some() => Self::Limited { after, error },
            // Too slow, and too early: the same call may pass later.
            408 | 425 | 500..=599 => Self::Retry(error),
            _ => Self::Fail(error),
        }
    }

    /// Changes the answer, where there is one.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Attempt<U, E> {
        self.and_then(|value| Attempt::Done(change(value)))
    }

    /// Judges the answer once more, where there is one.
    pub fn and_then<U>(self, judge: impl FnOnce(T) -> Attempt<U, E>) -> Attempt<U, E> {
        match self {
            Self::Done(value) => judge(value),
            Self::Retry(error) => Attempt::Retry(error),
            Self::NotSent(error) => Attempt::NotSent(error),
            Self::Limited { after, error } => Attempt::Limited { after, error },
            Self::Fail(error) => Attempt::Fail(error),
        }
    }

    /// Changes the error, where there is one.
    pub fn map_err<F>(self, change: impl FnOnce(E) -> F) -> Attempt<T, F> {
        match self {
            Self::Done(value) => Attempt::Done(value),
            Self::Retry(error) => Attempt::Retry(change(error)),
            Self::NotSent(error) => Attempt::NotSent(change(error)),
            Self::Limited { after, error } => Attempt::Limited { after, error: change(error) },
            Self::Fail(error) => Attempt::Fail(change(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_who_is_at_fault_and_what_helps() {
        let said = |status, after| match Attempt::<(), ()>::refused(status, after, ()) {
            Attempt::Limited { after: Some(_), .. } => "wait so long",
            Attempt::Limited { after: None, .. } => "wait",
            Attempt::Retry(()) => "again",
            Attempt::Fail(()) => "never",
            Attempt::Done(()) | Attempt::NotSent(()) => "what",
        };
        for (status, after, expected) in [
            (429, None, "wait"),
            (429, Some("30"), "wait so long"),
            (429, Some("soon"), "wait"),
            (503, Some("30"), "wait so long"),
            (503, Some("soon"), "again"),
            (503, None, "again"),
            (500, Some("30"), "again"),
            (408, None, "again"),
            (404, None, "never"),
            (302, None, "never"),
        ] {
            assert_eq!(said(status, after), expected, "{status} {after:?}");
        }
    }
}
