//! What a computation may answer beside a value.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The last value of a key, handed to the computation that is to replace it.
#[derive(Debug)]
pub struct Previous<T> {
    /// The value.
    pub value: Arc<T>,
    /// When it was computed, set or last renewed.
    pub created_at_ms: i64,
    /// What the source said to ask it with, such as an ETag.
    pub validator: Option<Arc<str>>,
}

impl<T> Clone for Previous<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            created_at_ms: self.created_at_ms,
            validator: self.validator.clone(),
        }
    }
}

/// The answer of a source to a conditional question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computed<T> {
    /// `None`: the previous value still holds.
    pub(crate) value: Option<T>,
    pub(crate) max_age: Option<Duration>,
    pub(crate) validator: Option<Arc<str>>,
}

impl<T> Computed<T> {
    /// A new value.
    pub const fn value(value: T) -> Self {
        Self { value: Some(value), max_age: None, validator: None }
    }

    /// The previous value still holds (HTTP status 304): it lives on from now, and so does its validator unless
    /// another is given.
    pub const fn unchanged() -> Self {
        Self { value: None, max_age: None, validator: None }
    }

    /// How long the source says that the answer is fresh, in place of the class's time to live.
    ///
    /// It is kept within 1 ms and 366 days; jitter, load and the class's maximum stale time apply as ever.
    #[must_use]
    pub const fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// What to ask the source with for something newer, such as an ETag; at most 512 bytes.
    #[must_use]
    pub fn validator(mut self, validator: impl Into<Arc<str>>) -> Self {
        self.validator = Some(validator.into());
        self
    }
}

/// A computation that failed, and whether its error is an answer worth remembering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure<E> {
    pub(crate) error: E,
    pub(crate) lasting: bool,
}

impl<E> Failure<E> {
    /// A failure that asking again may mend; `?` makes these.
    pub const fn passing(error: E) -> Self {
        Self { error, lasting: false }
    }

    /// An answer that will not change soon, such as "there is no such thing". It is given to later callers too,
    /// for the class's negative time to live, and no stale value hides it.
    pub const fn lasting(error: E) -> Self {
        Self { error, lasting: true }
    }
}

impl<E> From<E> for Failure<E> {
    fn from(error: E) -> Self {
        Self::passing(error)
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}
