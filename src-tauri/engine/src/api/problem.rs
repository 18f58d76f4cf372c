use serde::{Deserialize, Serialize};
use specta::Type;
use specta_typescript::Number;
use utoipa::ToSchema;

/// An error as every client sees it: a stable code to match on and one clear sentence to show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct Problem {
    /// A stable `snake_case` identifier, for example `rate_limited`.
    pub code: String,
    /// One sentence: the fact, and the next step.
    pub message: String,
    /// How long to wait before trying again, in milliseconds, where waiting helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[specta(type = Option<Number>)]
    pub retry_after_ms: Option<u64>,
    /// Facts beyond the sentence, for example the text of the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Problem {
    /// A problem without further facts.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), retry_after_ms: None, detail: None }
    }

    /// With how long to wait before trying again.
    #[must_use]
    pub fn retry_after_ms(mut self, wait_ms: u64) -> Self {
        self.retry_after_ms = Some(wait_ms);
        self
    }
}
