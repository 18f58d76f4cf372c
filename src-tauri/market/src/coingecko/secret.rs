use std::fmt;

/// An API key. Neither `Debug` nor anything else here shows it; it has no `Display` and is not serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a key; white space around it is removed, for it comes from a copied line.
    pub fn new(key: &str) -> Self {
        Self(key.trim().to_owned())
    }

    /// The key itself, for the one header it belongs in.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// The text with the key struck out, should the provider have quoted it.
    pub(super) fn redact(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "***") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let key = Secret::new(" CG-abc123 \n");
        assert_eq!(format!("{key:?} {key:#?}"), "Secret(***) Secret(***)");
        assert_eq!(key.redact("invalid key CG-abc123!"), "invalid key ***!");
        assert_eq!(key.expose(), "CG-abc123");
    }

    #[test]
    fn an_empty_key_strikes_nothing_out() {
        assert_eq!(Secret::new("").redact("as it was"), "as it was");
    }
}
