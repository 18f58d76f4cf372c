//! From the crates' own types to those of [`api`](crate::api).

use limits::{BreakerView, CallError, ServiceStatus};
use market::{MarketEntry, MarketError, Quoted, TokenRef};

use crate::api::{
    CacheLevel, History, MarketRow, MarketTable, Problem, Provenance, Quote, Range, ServiceState, Token,
    TokenHit,
};

pub(crate) fn problem(error: &MarketError) -> Problem {
    let problem = Problem::new(error.code(), sentence(&error.to_string()));
    match error.retry_after() {
        Some(wait) => problem.retry_after_ms(wait.as_millis() as u64),
        None => problem,
    }
}

/// With a capital and a full stop, as a person writes it; the name of a field keeps its letters.
pub(crate) fn sentence(text: &str) -> String {
    let mut words = text.split(' ');
    let names_a_field = words.next().is_some_and(|first| first.contains('_')) || words.next() == Some("=");
    if names_a_field {
        return format!("{text}.");
    }
    let mut letters = text.chars();
    let capital: String = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{capital}{}{end}", letters.as_str())
}

pub(crate) fn source_state(error: Option<&MarketError>, status: &ServiceStatus) -> ServiceState {
    match error {
        Some(MarketError::Call(call)) if is_refusal(call) => ServiceState::Degraded,
        Some(MarketError::Call(_) | MarketError::TimedOut { .. }) => ServiceState::Down,
        Some(_) => ServiceState::Degraded,
        None if status.last_success_ms.is_none() => ServiceState::Starting,
        None if status.breaker != BreakerView::Closed || status.hold_until_ms.is_some() => {
            ServiceState::Degraded
        }
        None => ServiceState::Up,
    }
}

/// The source is there, but may not be asked at present, or not for this.
fn is_refusal(call: &CallError<market::SourceError>) -> bool {
    use market::SourceError::{KeyRefused, NotInPlan, RateLimited, UnknownCurrency, UnknownToken};
    match call {
        CallError::Failed { error, .. } => matches!(
            error,
            RateLimited { .. }
                | KeyRefused { .. }
                | NotInPlan { .. }
                | UnknownCurrency { .. }
                | UnknownToken { .. }
        ),
        CallError::Open { .. } => false,
        _ => true,
    }
}

pub(crate) fn provenance(from: market::Provenance) -> Provenance {
    Provenance {
        as_of_ms: from.as_of_ms,
        fetched_at_ms: from.fetched_at_ms,
        source: from.source.to_owned(),
        cache_level: cache_level(from.level),
        stale: from.stale,
    }
}

pub(crate) fn cache_level(level: market::Level) -> CacheLevel {
    match level {
        market::Level::Memory => CacheLevel::Memory,
        market::Level::Files => CacheLevel::Files,
        market::Level::Database => CacheLevel::Database,
        market::Level::Origin => CacheLevel::Origin,
    }
}

pub(crate) fn quote(quoted: Quoted) -> Quote {
    let (price, from) = quoted.price.unzip();
    Quote {
        id: quoted.token.id.into(),
        symbol: quoted.token.symbol,
        name: quoted.token.name,
        change_24h_pct: price.as_ref().and_then(|price| price.change_24h_pct),
        volume_24h: price.as_ref().and_then(|price| price.volume_24h),
        market_cap: price.as_ref().and_then(|price| price.market_cap),
        price: price.map(|price| price.price),
        provenance: from.map(provenance),
    }
}

pub(crate) fn market_range(range: Range) -> market::Range {
    match range {
        Range::Hour => market::Range::Hour,
        Range::Day => market::Range::Day,
        Range::Week => market::Range::Week,
        Range::Month => market::Range::Month,
        Range::Year => market::Range::Year,
    }
}

pub(crate) fn history(history: market::History, range: Range) -> History {
    History {
        id: history.id.into(),
        currency: history.currency.into(),
        range,
        step_ms: history.range.step_ms(),
        at_ms: history.points.iter().map(|point| point.at_ms).collect(),
        price: history.points.iter().map(|point| point.price).collect(),
        volume_24h: history.points.iter().map(|point| point.volume_24h).collect(),
        provenance: history.provenance.map(provenance),
        problem: history.problem.as_ref().map(problem),
    }
}

pub(crate) fn table(
    table: market::Table,
    currency: String,
    watched: impl Fn(&market::TokenId) -> bool,
) -> MarketTable {
    let row = |entry: MarketEntry| MarketRow {
        watched: watched(&entry.token.id),
        id: entry.token.id.into(),
        symbol: entry.token.symbol,
        name: entry.token.name,
        rank: entry.token.rank,
        price: entry.price,
        change_1h_pct: entry.change_1h_pct,
        change_24h_pct: entry.change_24h_pct,
        change_7d_pct: entry.change_7d_pct,
        volume_24h: entry.volume_24h,
        market_cap: entry.market_cap,
        spark: entry.spark_7d,
    };
    MarketTable {
        currency,
        rows: table.rows.into_iter().map(row).collect(),
        provenance: table.provenance.map(provenance),
        problem: table.problem.as_ref().map(problem),
    }
}

pub(crate) fn token(view: market::TokenView, currency: String, watched: bool) -> Token {
    let market::TokenView { profile, numbers, provenance: from } = view;
    Token {
        watched,
        logo: None,
        currency,
        id: profile.token.id.into(),
        symbol: profile.token.symbol,
        name: profile.token.name,
        rank: profile.token.rank.or(numbers.token.rank),
        price: numbers.price,
        change_24h_pct: numbers.change_24h_pct,
        change_7d_pct: numbers.change_7d_pct,
        change_30d_pct: numbers.change_30d_pct,
        high_24h: numbers.high_24h,
        low_24h: numbers.low_24h,
        ath: numbers.ath,
        ath_at_ms: numbers.ath_at_ms,
        market_cap: numbers.market_cap,
        fully_diluted_valuation: numbers.fully_diluted_valuation,
        volume_24h: numbers.volume_24h,
        circulating_supply: numbers.circulating_supply,
        total_supply: numbers.total_supply,
        max_supply: numbers.max_supply,
        description: profile.description,
        homepage: profile.homepage,
        provenance: provenance(from),
    }
}

pub(crate) fn hit(token: TokenRef, watched: bool) -> TokenHit {
    TokenHit { id: token.id.into(), symbol: token.symbol, name: token.name, rank: token.rank, watched }
}
