//! `VERIFY_TOKEN_HOLDINGS`: whether a wallet holds at least so much of a token.

use std::sync::Arc;
use std::time::Duration;

use jobs::{Defaults, Handler, Hold, Outcome, Running};
use ruint::aliases::U256;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Means;
use super::text::Address;
use crate::holdings::HoldingError;

pub(super) struct VerifyTokenHoldings(pub(super) Arc<Means>);

/// The question.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    wallet: Address,
    /// The token's contract; the chain's own coin where there is none.
    #[serde(default)]
    token: Option<Address>,
    at_least: Amount,
}

/// In the smallest unit, as a decimal number in a string: 256 bits fit into no number of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Amount(U256);

impl TryFrom<String> for Amount {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let accepted = "an amount is a string of decimal digits below 2^256, in the smallest unit";
        let digits = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
        let amount = digits.then(|| U256::from_str_radix(&text, 10).ok()).flatten();
        amount.map(Self).ok_or(accepted)
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.0.to_string()
    }
}

impl Handler for VerifyTokenHoldings {
    type Payload = Question;
    const KIND: &'static str = "VERIFY_TOKEN_HOLDINGS";

    fn defaults(&self) -> Defaults {
        Defaults { attempts: 5, timeout: Duration::from_secs(30), ..Defaults::default() }
    }

    fn example(&self) -> Question {
        let address = |text: &str| Address::try_from(text.to_owned()).expect("it is an address");
        Question {
            wallet: address("0x71C7656EC7ab88b098defB751B7401B5f6d8976F"),
            token: None,
            at_least: Amount(U256::from(10).pow(U256::from(18))),
        }
    }

    fn about(question: &Question) -> String {
        let token = question.token.as_ref().map_or_else(|| "the coin".to_owned(), Address::short);
        format!("{} · {token}", question.wallet.short())
    }

    async fn run(&self, question: Question, _: Running) -> Outcome {
        let Some(source) = &self.0.holdings else {
            let error = "this version of Eider asks no chain yet, so holdings cannot be verified";
            return Outcome::Fail { error: error.to_owned() };
        };
        let token = question.token.as_ref().map(Address::as_str);
        match source.0.balance(question.wallet.as_str(), token).await {
            Ok(holding) => Outcome::DoneWith(json!({
                "holds": holding.balance >= question.at_least.0,
                "balance": holding.balance.to_string(),
                "at_least": question.at_least,
                "block": holding.block,
                "as_of_ms": self.0.clock.now().wall_ms,
            })),
            Err(HoldingError::NotYet { because, wait }) => {
                Outcome::Snooze { for_: wait, because: Hold::Other(because) }
            }
            Err(HoldingError::Failed(error)) => Outcome::Retry { error, after: None },
            Err(HoldingError::Never(error)) => Outcome::Fail { error },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_keeps_every_digit_and_nothing_else_is_one() {
        let most = U256::MAX.to_string();
        let amount = Amount::try_from(most.clone()).expect("it fits");
        assert_eq!(String::from(amount), most);
        let beyond = format!("{most}0");
        for refused in ["", "-1", "1.5", "0x10", "1_000", " 1", "1e18", beyond.as_str()] {
            assert!(Amount::try_from(refused.to_owned()).is_err(), "{refused:?}");
        }
    }
}
