//! Texts of payloads, each within its bounds.

use serde::{Deserialize, Serialize};

/// One to `MAX` characters, none of them a control character but line breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let length = text.chars().count();
        let plain = text.chars().all(|letter| letter == '\n' || !letter.is_control());
        if plain && (1..=MAX).contains(&length) && !text.trim().is_empty() {
            return Ok(Self(text));
        }
        Err(format!("a text of {length} characters: use 1 to {MAX} without control characters"))
    }
}

impl<const MAX: usize> From<Text<MAX>> for String {
    fn from(text: Text<MAX>) -> Self {
        text.0
    }
}

/// An account or a contract: `0x` and 40 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Address(String);

impl Address {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// `0x71C7…976F`
    pub(super) fn short(&self) -> String {
        format!("{}…{}", &self.0[..6], &self.0[38..])
    }
}

impl TryFrom<String> for Address {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 40);
        match digits.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit())) {
            true => Ok(Self(text)),
            false => Err("an address is 0x and 40 hexadecimal digits"),
        }
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0
    }
}
