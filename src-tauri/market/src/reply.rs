use std::time::Duration;

/// The answer to a question that may have been conditional.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply<T> {
    /// `None`: the answer that the asker holds still holds.
    pub value: Option<T>,
    /// What to ask with for something newer, an `ETag`.
    pub validator: Option<String>,
    /// How long the provider says that it holds without asking.
    pub fresh_for: Duration,
}

impl<T> Reply<T> {
    /// An answer about whose life nothing was said.
    pub const fn plain(value: T) -> Self {
        Self { value: Some(value), validator: None, fresh_for: Duration::ZERO }
    }
}
