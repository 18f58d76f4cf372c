use std::sync::Arc;
use std::time::Duration;

/// Why the cache refused a call; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// A name, key, tag, duration or value is outside its bound.
    #[error("the {what} is out of bounds; accepted: {accepted}")]
    OutOfBounds {
        /// Which argument.
        what: &'static str,
        /// What would be accepted.
        accepted: &'static str,
    },
    /// The value could not be encoded.
    #[error("the value cannot be encoded: {0}")]
    Encode(String),
    /// An invalidation could not be made durable, so it may be undone by a restart; it holds until then.
    #[error("the invalidation holds now but could not be written to disk: {0}")]
    NotDurable(String),
}

/// Why [`get_or_compute`](crate::Region::get_or_compute) has no value, fresh or stale.
#[derive(Debug, thiserror::Error)]
pub enum ComputeError<E> {
    /// The arguments were refused; the computation did not start.
    #[error(transparent)]
    Refused(#[from] CacheError),
    /// The computation failed; every caller that waited for it shares the error.
    #[error("{0}")]
    Failed(Arc<E>),
    /// The computation panicked.
    #[error("the computation panicked")]
    Panicked,
    /// The computation took longer than its class allows and was ended.
    #[error("the computation took longer than {0:?}")]
    TimedOut(Duration),
    /// The source said that its previous value still holds, but there is none.
    #[error("the source renewed a value that is not held")]
    NothingToRenew,
    /// The cache is closing.
    #[error("the cache is closing")]
    Closed,
}

/// Why a cache was not opened. What fails on disk is no reason: such a level is passed over until it works.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A value of the configuration is outside its bound.
    #[error(transparent)]
    Refused(#[from] CacheError),
}

impl<E> Clone for ComputeError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Refused(error) => Self::Refused(error.clone()),
            Self::Failed(error) => Self::Failed(Arc::clone(error)),
            Self::Panicked => Self::Panicked,
            Self::TimedOut(after) => Self::TimedOut(*after),
            Self::NothingToRenew => Self::NothingToRenew,
            Self::Closed => Self::Closed,
        }
    }
}
