use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A value that was refused before anything was done with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be {given:?}; accepted: {accepted}")]
pub struct Invalid {
    /// What the value was meant to be, for example `a token id`.
    pub what: &'static str,
    /// The value, cut to 80 characters.
    pub given: String,
    /// What would have been accepted.
    pub accepted: &'static str,
}

impl Invalid {
    pub(crate) fn new(what: &'static str, given: &str, accepted: &'static str) -> Self {
        Self { what, given: given.chars().take(80).collect(), accepted }
    }
}

/// The provider's id of a token, for example `the-open-network`.
///
/// It is safe as a segment of a URL's path, and as a part of a cache key: it holds no separator, no white
/// space and no control character, and is never `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId(String);

impl TokenId {
    /// The longest id in bytes; the longest that CoinGecko lists is below 100.
    pub const LONGEST: usize = 128;

    /// Checks an id.
    ///
    /// # Errors
    /// [`Invalid`] unless it is 1–128 characters of `A–Z a–z 0–9 - _ .` and not made of dots alone.
    pub fn new(id: &str) -> Result<Self, Invalid> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let only_dots = id.bytes().all(|byte| byte == b'.');
        if id.len() > Self::LONGEST || only_dots || !id.bytes().all(allowed) {
            return Err(Invalid::new("a token id", id, "1 to 128 characters of A-Z, a-z, 0-9, -, _ and ."));
        }
        Ok(Self(id.to_owned()))
    }

    /// The id as the provider writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The code of a currency that prices are told in, in lower case, for example `usd`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(String);

impl Currency {
    /// Checks a code; capitals are accepted and made small.
    ///
    /// Whether a source knows the currency is for the source to say.
    ///
    /// # Errors
    /// [`Invalid`] unless it is 2–8 letters.
    pub fn new(code: &str) -> Result<Self, Invalid> {
        if !(2..=8).contains(&code.len()) || !code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(Invalid::new("a currency", code, "2 to 8 letters, for example usd"));
        }
        Ok(Self(code.to_ascii_lowercase()))
    }

    /// US dollars.
    pub fn usd() -> Self {
        Self("usd".to_owned())
    }

    /// The code in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_type {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl FromStr for $name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                Self::new(text)
            }
        }
        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                Self::new(&text)
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }
    )*};
}
text_type!(TokenId, Currency);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_leave_their_place_in_a_url_are_refused() {
        for bad in ["", ".", "..", "a/b", "a b", "a?b", "a#b", "a%2f", "ä", "a\n", "a,b", &"x".repeat(129)] {
            assert!(TokenId::new(bad).is_err(), "{bad:?}");
        }
        for good in ["duckchain-token", "_", "0x", "a.b", "USDT", &"x".repeat(128)] {
            assert!(TokenId::new(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn currencies_are_made_small_and_bounded() {
        assert_eq!(Currency::new("USD"), Ok(Currency::usd()));
        for bad in ["", "u", "us d", "usd,eur", "waytoolong", "u$"] {
            assert!(Currency::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_refused_value_is_quoted_no_longer_than_needed() {
        let error = TokenId::new(&"/".repeat(5000)).expect_err("a slash is refused");
        assert_eq!(error.given.len(), 80);
    }
}
