//! Requests a minute: of one client, and of all together.

use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use limits::{Decision, Gcra, KeyedGcra, Quota};

use crate::connections::Peer;
use crate::problem::ProblemReply;
use crate::server::Shared;

/// The most clients that are told apart; beyond it the one that has recovered longest is forgotten.
const CLIENTS: usize = 10_000;

/// Guards both limiters; held for one look-up.
pub(crate) struct Limiter(Mutex<(KeyedGcra<IpAddr>, Gcra)>);

impl Limiter {
    /// A burst of up to a second's worth passes at once.
    pub(crate) fn new(per_client: u32, in_all: u32) -> Self {
        let quota = |per_minute: u32| {
            let burst = per_minute.div_ceil(60);
            let period = Duration::from_secs(60) * burst / per_minute;
            Quota::new(burst, period).expect("the configuration allows at least one request a minute")
        };
        Self(Mutex::new((KeyedGcra::new(quota(per_client), CLIENTS), Gcra::new(quota(in_all)))))
    }

    fn take(&self, client: IpAddr) -> Decision {
        let now = Instant::now();
        let mut limiters = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (clients, all) = &mut *limiters;
        // What all together may not do costs the one client nothing.
        let in_all = all.check(now);
        if !in_all.allowed {
            return in_all;
        }
        let one = clients.take(&client, now);
        if one.allowed { all.take(now) } else { one }
    }
}

/// Refuses what is beyond the limits with 429 and the time to come back.
pub(crate) async fn limit(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let decision = shared.limiter.take(peer.address.ip());
    match decision.retry_after {
        None => next.run(request).await,
        Some(wait) => ProblemReply::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "this client or all together ask more often than the configured limit; wait and ask again",
        )
        .retry_after_ms(wait.as_micros().div_ceil(1000).max(1) as u64)
        .into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_pays_nothing_for_what_all_together_may_not_do() {
        let limiter = Limiter::new(120, 60);
        let client = |last| IpAddr::from([127, 0, 0, last]);
        assert!(limiter.take(client(1)).allowed, "the one call of this second");
        assert!(!limiter.take(client(2)).allowed, "that was all");
        let clients = &mut limiter.0.lock().expect("nobody panicked").0;
        assert_eq!(clients.take(&client(2), Instant::now()).remaining, 1, "of two at once");
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let limiter = Limiter::new(60, 1000);
        let client = IpAddr::from([127, 0, 0, 1]);
        assert!(limiter.take(client).allowed);
        let wait = limiter.take(client).retry_after.expect("one a second");
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
    }
}
