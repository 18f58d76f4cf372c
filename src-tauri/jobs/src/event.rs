//! What happens to jobs, as it happens.

use crate::{JobId, State};

/// A job changed its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Which one.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// How it stands now.
    pub state: State,
    /// Why, where something went wrong.
    pub error: Option<String>,
    /// Unix milliseconds.
    pub at_ms: i64,
}
