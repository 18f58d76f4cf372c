//! Requests a minute: of one client, and of all together.

use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use limits::{Decision, Gcra, KeyedGcra, Quota};

use crate::problem::ProblemReply;
use crate::server::{Peer, Shared};

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
        let one = limiters.0.take(&client, now);
        if one.allowed { limiters.1.take(now) } else { one }
    }
}

/// Refuses what is beyond the limits with 429 and the time to come back.
pub(crate) async fn limit(
    State(shared): State<Shared>,
    ConnectInfo(peer): ConnectInfo<Peer>,
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
        .retry_after_ms(wait.as_millis().max(1) as u64)
        .into_response(),
    }
}
