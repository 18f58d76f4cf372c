//! Requests a minute: of one client, and of all together.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use engine::api::ApiLimits;
use limits::{Decision, Gcra, Quota, SharedGcra};

use crate::connections::Peer;
use crate::problem::ProblemReply;
use crate::server::Shared;

/// About how many clients are told apart at most; beyond it one that has almost recovered is forgotten.
const CLIENTS: usize = 10_000;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

pub(crate) struct Limiter {
    per_client_per_minute: u32,
    in_all_per_minute: u32,
    /// What `RateLimit-Policy` says; it never changes.
    policies: String,
    clients: SharedGcra<IpAddr>,
    /// Held for one decision.
    all: Mutex<Gcra>,
    refused: AtomicU64,
}

/// Which of the two limits decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    Client,
    All,
}

impl Limiter {
    /// A burst of up to a second's worth passes at once.
    pub(crate) fn new(per_client_per_minute: u32, in_all_per_minute: u32) -> Self {
        let bucket = |per_minute: u32| {
            let burst = per_minute.div_ceil(60);
            (burst, Duration::from_secs(60) * burst / per_minute)
        };
        let quota = |per_minute: u32| {
            let (burst, period) = bucket(per_minute);
            Quota::new(burst, period).expect("the configuration allows at least one request a minute")
        };
        // Whole seconds: rather too long than too short.
        let policy = |name, per_minute| {
            let (burst, period) = bucket(per_minute);
            format!("\"{name}\";q={burst};w={}", period.as_millis().div_ceil(1000))
        };
        let policies = [policy("client", per_client_per_minute), policy("all", in_all_per_minute)].join(", ");
        let clients = SharedGcra::new(quota(per_client_per_minute), CLIENTS);
        let (all, refused) = (Mutex::new(Gcra::new(quota(in_all_per_minute))), AtomicU64::new(0));
        Self { per_client_per_minute, in_all_per_minute, policies, clients, all, refused }
    }

    /// The decision, and whose it was: where a request passes, the limit that has less left.
    fn take(&self, client: IpAddr) -> (Decision, Policy) {
        let now = Instant::now();
        // What all together may not do costs the one client nothing.
        let in_all = self.all().check(now);
        if !in_all.allowed {
            return (in_all, Policy::All);
        }
        let one = self.clients.take(&client, now);
        if !one.allowed {
            return (one, Policy::Client);
        }
        // Another client may have taken the last one meanwhile; then this call is lost to the client too.
        let in_all = self.all().take(now);
        let all_decide = !in_all.allowed || in_all.remaining < one.remaining;
        if all_decide { (in_all, Policy::All) } else { (one, Policy::Client) }
    }

    fn all(&self) -> MutexGuard<'_, Gcra> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn view(&self) -> ApiLimits {
        ApiLimits {
            clients: self.clients.len() as u64,
            per_client_per_minute: self.per_client_per_minute,
            in_all_per_minute: self.in_all_per_minute,
            remaining: self.all().check(Instant::now()).remaining,
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    fn refusal(&self, policy: Policy) -> String {
        let (who, per_minute) = match policy {
            Policy::Client => ("this client asks", self.per_client_per_minute),
            Policy::All => ("all clients together ask", self.in_all_per_minute),
        };
        format!("{who} more often than {per_minute} times a minute, spread evenly; wait and ask again")
    }

    /// What is left and when it is whole again, as `draft-ietf-httpapi-ratelimit-headers` has it: `r` requests, all
    /// of them after `t` seconds; the policies with their quota `q` in a window of `w` seconds.
    fn describe(&self, headers: &mut HeaderMap, decision: &Decision, policy: Policy) {
        let name = match policy {
            Policy::Client => "client",
            Policy::All => "all",
        };
        let seconds = decision.reset_after.as_micros().div_ceil(1_000_000);
        let state = format!("\"{name}\";r={};t={seconds}", decision.remaining);
        for (name, text) in [(STATE, state.as_str()), (POLICY, &self.policies)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }
}

/// Refuses what is beyond the limits with 429 and the time to come back; every answer says what is left.
pub(crate) async fn limit(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let limiter = &shared.limiter;
    let (decision, policy) = limiter.take(peer.address.ip());
    let mut response = match decision.retry_after {
        None => next.run(request).await,
        Some(wait) => {
            limiter.refused.fetch_add(1, Ordering::Relaxed);
            ProblemReply::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", limiter.refusal(policy))
                .retry_after_ms(wait.as_micros().div_ceil(1000).max(1) as u64)
                .into_response()
        }
    };
    limiter.describe(response.headers_mut(), &decision, policy);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> IpAddr {
        IpAddr::from([127, 0, 0, last])
    }

    #[test]
    fn a_client_pays_nothing_for_what_all_together_may_not_do() {
        let limiter = Limiter::new(120, 60);
        assert!(limiter.take(client(1)).0.allowed, "the one call of this second");
        assert!(!limiter.take(client(2)).0.allowed, "that was all");
        assert_eq!(limiter.clients.take(&client(2), Instant::now()).remaining, 1, "of two at once");
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let limiter = Limiter::new(60, 1000);
        assert!(limiter.take(client(1)).0.allowed);
        let wait = limiter.take(client(1)).0.retry_after.expect("one a second");
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
    }

    #[test]
    fn every_answer_says_what_is_left_of_the_tighter_limit() {
        for (per_client, in_all, name, policies) in [
            (120, 6_000, "client", "\"client\";q=2;w=1, \"all\";q=100;w=1"),
            (6_000, 120, "all", "\"client\";q=100;w=1, \"all\";q=2;w=1"),
            (90, 6_000, "client", "\"client\";q=2;w=2, \"all\";q=100;w=1"),
        ] {
            let limiter = Limiter::new(per_client, in_all);
            let (decision, policy) = limiter.take(client(1));
            let mut headers = HeaderMap::new();
            limiter.describe(&mut headers, &decision, policy);
            assert_eq!(headers[STATE], format!("\"{name}\";r=1;t=1"));
            assert_eq!(headers[POLICY], policies);
        }
    }
}
