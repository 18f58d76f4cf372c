use std::sync::Arc;
use std::time::Duration;

use cache::{CacheError, ComputeError};
use limits::CallError;
use store::StoreError;

use crate::{Invalid, SourceError, TokenId};

/// Why the [`Market`](crate::Market) did not do what it was asked; the variants differ in what the caller can do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MarketError {
    /// An argument or a value of the configuration was refused.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// As many tokens are watched as can be.
    #[error("{bound} tokens are watched, which is the most; remove one first")]
    WatchlistFull {
        /// The bound.
        bound: usize,
    },
    /// As many tokens wait for an update as can.
    #[error("{bound} tokens wait for an update already; try again when some are done")]
    QueueFull {
        /// The bound.
        bound: usize,
    },
    /// The source knows no such token.
    #[error("no token has the id {id}; search for the token to find its id")]
    UnknownToken {
        /// The id asked for.
        id: TokenId,
    },
    /// The call was refused on the way out, or the source did not answer it.
    #[error(transparent)]
    Call(CallError<SourceError>),
    /// The question took longer than any answer may.
    #[error("the market source took longer than {} s; try again later", .after.as_secs())]
    TimedOut {
        /// How long it was waited for.
        after: Duration,
    },
    /// The local database failed.
    #[error("market data could not be read or kept: {0}")]
    Store(Arc<StoreError>),
    /// The cache refused an argument, or a computation in it broke.
    #[error("market data could not be cached: {reason}; restart the program if it goes on")]
    Cache {
        /// What the cache said.
        reason: String,
    },
    /// The program is stopping.
    #[error("the program is stopping")]
    Closed,
}

impl MarketError {
    /// A stable word for the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::WatchlistFull { .. } => "watchlist_full",
            Self::QueueFull { .. } => "queue_full",
            Self::UnknownToken { .. } => "unknown_token",
            Self::Call(CallError::Failed { error, .. }) => error.code(),
            Self::Call(error) => error.code(),
            Self::TimedOut { .. } => "timed_out",
            Self::Store(_) => "store_failed",
            Self::Cache { .. } => "cache_failed",
            Self::Closed => "closed",
        }
    }

    /// Whether the call was not made because others come first or the limit is used up.
    pub(crate) fn gave_way(&self) -> bool {
        use CallError::{BudgetSpent, Limited, QueueFull, Shed};
        matches!(self, Self::Call(Shed { .. } | QueueFull { .. } | Limited { .. } | BudgetSpent { .. }))
    }

    /// Whether the source was not even asked: its limit, its breaker or the load of this machine stood in the way.
    pub(crate) fn is_not_sent(&self) -> bool {
        let Self::Call(error) = self else { return false };
        !matches!(error, CallError::Failed { .. } | CallError::TimedOut { .. })
    }

    /// How long to wait before another try, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Call(error) => error.retry_after(),
            _ => None,
        }
    }
}

impl From<CallError<SourceError>> for MarketError {
    fn from(error: CallError<SourceError>) -> Self {
        match error {
            CallError::Failed { error: SourceError::UnknownToken { id }, .. } => Self::UnknownToken { id },
            CallError::Closed => Self::Closed,
            error => Self::Call(error),
        }
    }
}

impl From<StoreError> for MarketError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Closed => Self::Closed,
            error => Self::Store(Arc::new(error)),
        }
    }
}

impl From<CacheError> for MarketError {
    fn from(error: CacheError) -> Self {
        Self::Cache { reason: error.to_string() }
    }
}

impl From<ComputeError<MarketError>> for MarketError {
    fn from(error: ComputeError<MarketError>) -> Self {
        match error {
            ComputeError::Failed(error) => Arc::unwrap_or_clone(error),
            ComputeError::TimedOut(after) => Self::TimedOut { after },
            ComputeError::Closed => Self::Closed,
            ComputeError::Refused(error) => error.into(),
            ComputeError::Panicked | ComputeError::NothingToRenew => {
                Self::Cache { reason: error.to_string() }
            }
        }
    }
}
