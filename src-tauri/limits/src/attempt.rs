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
    /// The service asks for fewer calls: HTTP 429, or a 503 that names a time. Holds every call to the service and slows the local
    /// rate; never a breaker failure.
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
