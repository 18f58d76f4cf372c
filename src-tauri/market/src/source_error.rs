use crate::TokenId;

/// Why a source did not answer a question. No text holds the API key or a URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No connection could be made, or it broke.
    #[error("{host} cannot be reached ({reason}); check the network connection")]
    Unreachable {
        /// The host and port asked.
        host: String,
        /// What the network said.
        reason: String,
    },
    /// The reply did not come in time.
    #[error("{host} did not answer in time; check the network connection or try again later")]
    TimedOut {
        /// The host and port asked.
        host: String,
    },
    /// 429: too many calls.
    #[error("{host} asks for fewer calls; wait, or set an API key in Settings")]
    RateLimited {
        /// The host and port asked.
        host: String,
    },
    /// 403: the provider, or a firewall in front of it, refuses this program.
    #[error("{host} refuses this program (403); check the base URL and whether a proxy stands in between")]
    Forbidden {
        /// The host and port asked.
        host: String,
    },
    /// The API key is wrong, or belongs to another plan.
    #[error("{host} refused the API key ({text}); check the key and its plan in Settings")]
    KeyRefused {
        /// The host and port asked.
        host: String,
        /// The provider's own words.
        text: String,
    },
    /// The question is beyond what the plan allows, for example history older than a year.
    #[error("{host} does not include this in its plan: {text}")]
    NotInPlan {
        /// The host and port asked.
        host: String,
        /// The provider's own words.
        text: String,
    },
    /// The source knows no such token.
    #[error("no token has the id {id}; search for the token to find its id")]
    UnknownToken {
        /// The id asked for.
        id: TokenId,
    },
    /// The source tells no prices in this currency.
    #[error("no prices are told in {currency}; choose another currency in Settings")]
    UnknownCurrency {
        /// The currency asked for.
        currency: String,
    },
    /// Any other status that is not success.
    #[error("{host} answered {status} ({text}); try again later")]
    Http {
        /// The host and port asked.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The provider's own words.
        text: String,
    },
    /// The reply is something else than JSON, for example a login page.
    #[error(
        "{host} answered with {found} instead of data; check whether a proxy or login page stands in between"
    )]
    NotJson {
        /// The host and port asked.
        host: String,
        /// What came instead.
        found: &'static str,
    },
    /// The reply is JSON of another shape, cut short, or larger than the bound.
    #[error("the reply of {host} cannot be read: {what}; try again later")]
    BadReply {
        /// The host and port asked.
        host: String,
        /// What is wrong with it.
        what: String,
    },
}

impl SourceError {
    /// A stable word for the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "source_unreachable",
            Self::TimedOut { .. } => "source_timed_out",
            Self::RateLimited { .. } => "rate_limited",
            Self::Forbidden { .. } => "source_forbidden",
            Self::KeyRefused { .. } => "api_key_refused",
            Self::NotInPlan { .. } => "not_in_plan",
            Self::UnknownToken { .. } => "unknown_token",
            Self::UnknownCurrency { .. } => "unknown_currency",
            Self::Http { .. } => "source_error",
            Self::NotJson { .. } => "source_not_json",
            Self::BadReply { .. } => "source_bad_reply",
        }
    }
}
