//! What becomes of a job whose call to an outside service was not made or not answered.

use std::fmt::Display;
use std::time::Duration;

use jobs::{Hold, Outcome};
use limits::CallError;
use market::MarketError;

/// Where nothing says how long, a job looks again after this.
const A_WHILE: Duration = Duration::from_secs(30);
/// Where the program or the profile ends, the next one takes the job up; one whose start failed is not pestered.
const AT_THE_NEXT_START: Duration = Duration::from_secs(5);
/// A limiter or a breaker may let the next call through at once; it is not asked more often than this.
const SHORTEST: Duration = Duration::from_secs(1);

/// A call that our own side held back costs no attempt and says what it waits for; one that failed does, unless the
/// service stays away.
pub(super) fn after_call<E: Display>(service: &str, error: &CallError<E>) -> Outcome {
    let service = service.to_owned();
    let otherwise = if matches!(error, CallError::Closed) { AT_THE_NEXT_START } else { A_WHILE };
    let wait = error.retry_after().unwrap_or(otherwise).max(SHORTEST);
    let snooze = |because| Outcome::Snooze { for_: wait, because };
    match error {
        CallError::Shed { .. } => snooze(Hold::Load),
        CallError::Open { .. } | CallError::Isolated => snooze(Hold::BreakerOpen { service }),
        CallError::Limited { .. } | CallError::BudgetSpent { .. } => snooze(Hold::RateLimited { service }),
        CallError::QueueFull { .. } | CallError::Unrecorded { .. } | CallError::Closed => {
            snooze(Hold::Other(error.to_string()))
        }
        CallError::Failed { .. } | CallError::TimedOut { .. } => {
            Outcome::Retry { error: format!("{service}: {error}"), after: None }
        }
    }
}

/// As [`after_call`], for a question to the market.
pub(super) fn after_question(service: &str, error: &MarketError) -> Outcome {
    match error {
        MarketError::Call(error) => after_call(service, error),
        MarketError::UnknownToken { .. } | MarketError::Invalid(_) => {
            Outcome::Fail { error: error.to_string() }
        }
        MarketError::QueueFull { .. } => {
            Outcome::Snooze { for_: A_WHILE, because: Hold::Other(error.to_string()) }
        }
        MarketError::Closed => {
            Outcome::Snooze { for_: AT_THE_NEXT_START, because: Hold::Other(error.to_string()) }
        }
        _ => Outcome::Retry { error: error.to_string(), after: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(attempts: u32) -> CallError<&'static str> {
        CallError::Failed { error: "it is gone", attempts }
    }

    #[test]
    fn what_our_own_side_holds_back_costs_no_attempt_and_names_its_cause() {
        let wait = Duration::from_secs(41);
        let cases: [(CallError<&str>, Duration, Hold); 4] = [
            (
                CallError::Limited { until_ms: 1, wait },
                wait,
                Hold::RateLimited { service: "CoinGecko".into() },
            ),
            (
                CallError::Open { until_ms: 1, wait: Duration::ZERO },
                SHORTEST,
                Hold::BreakerOpen { service: "CoinGecko".into() },
            ),
            (CallError::Shed { priority: limits::Priority::Low }, A_WHILE, Hold::Load),
            (CallError::Closed, AT_THE_NEXT_START, Hold::Other(CallError::<&str>::Closed.to_string())),
        ];
        for (error, for_, because) in cases {
            assert_eq!(after_call("CoinGecko", &error), Outcome::Snooze { for_, because });
        }
    }

    #[test]
    fn a_call_that_failed_costs_an_attempt() {
        let Outcome::Retry { error, after: None } = after_call("Images", &failed(3)) else {
            panic!("it is to be tried again")
        };
        assert!(error.starts_with("Images: ") && error.contains("it is gone"), "{error}");
    }

    #[test]
    fn what_cannot_be_answered_is_not_asked_again() {
        let id = market::TokenId::new("none").expect("it is an id");
        let outcome = after_question("CoinGecko", &MarketError::UnknownToken { id });
        assert!(matches!(outcome, Outcome::Fail { .. }));
    }
}
