//! Price histories: from the store, back-filled from the source where the store has holes.

use cache::Level;
use limits::Priority;
use store::rusqlite::{Connection, Transaction};

use super::kept::{KeptChart, Provenance, token_key};
use super::service::Market;
use crate::history::{Tier, is_covered, read_tiers, record_chart, record_close, thin};
use crate::{ChartSpan, Currency, MarketError, Point, TokenId};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// With fewer points an hour is only as fine as a chart of the day.
const CLOSE_POINTS: usize = 60;
/// The most points of one history.
const POINTS_MAX: usize = 2_000;

/// How far back a history reaches from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Range {
    /// 1 hour.
    Hour,
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// 30 days.
    Month,
    /// 365 days.
    Year,
}

impl Range {
    /// All ranges, shortest first.
    pub const ALL: [Self; 5] = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];

    /// Its length.
    pub const fn span_ms(self) -> i64 {
        match self {
            Self::Hour => HOUR_MS,
            Self::Day => DAY_MS,
            Self::Week => 7 * DAY_MS,
            Self::Month => 30 * DAY_MS,
            Self::Year => 365 * DAY_MS,
        }
    }

    /// The nominal distance of two points; a stretch of more than three of them without a point is missing.
    pub const fn step_ms(self) -> i64 {
        self.chart().step_ms()
    }

    /// What a source is asked for.
    const fn chart(self) -> ChartSpan {
        match self {
            Self::Hour | Self::Day => ChartSpan::Day,
            Self::Week => ChartSpan::Week,
            Self::Month => ChartSpan::Month,
            Self::Year => ChartSpan::Year,
        }
    }

    const fn hole_ms(self) -> i64 {
        3 * self.step_ms()
    }

    /// The tiers it is read from, finest first.
    const fn tiers(self) -> &'static [Tier] {
        match self {
            Self::Hour => &[Tier::Raw, Tier::Fine],
            Self::Day => &[Tier::Fine, Tier::Coarse],
            Self::Week | Self::Month | Self::Year => &[Tier::Coarse],
        }
    }

    /// The last hour is drawn with every point there is.
    const fn thinned_to_ms(self) -> i64 {
        match self {
            Self::Hour => 1,
            other => other.step_ms(),
        }
    }
}

/// The price of one token over a range.
#[derive(Debug, Clone)]
pub struct History {
    /// The token.
    pub id: TokenId,
    /// The currency of the prices.
    pub currency: Currency,
    /// The range asked for.
    pub range: Range,
    /// Oldest first, at most 2,000.
    pub points: Vec<Point>,
    /// Of the newest point; `None` where there is none.
    pub provenance: Option<Provenance>,
    /// Why the range is not complete, where the source could not be asked.
    pub problem: Option<MarketError>,
}

impl Market {
    /// The history of a token: what is stored, and where that has holes, what the source can add.
    ///
    /// # Errors
    /// [`MarketError::UnknownToken`] where nothing is stored and the source knows no such token;
    /// [`MarketError::Store`] where the history cannot be read. A source that fails otherwise is no error: see
    /// [`History::problem`].
    pub async fn history(
        &self,
        id: &TokenId,
        currency: &Currency,
        range: Range,
    ) -> Result<History, MarketError> {
        let mut stored = self.stored(id, currency, range).await?;
        if range == Range::Hour && stored.len() < CLOSE_POINTS && self.join_last_hour(id, currency).await? {
            stored = self.stored(id, currency, range).await?;
        }
        if self.covers(&stored, range) {
            return Ok(self.told(id, currency, range, stored, Level::Database, None));
        }
        match self.back_fill(id, currency, range, Priority::High).await {
            Ok(level) => {
                let points = self.stored(id, currency, range).await?;
                Ok(self.told(id, currency, range, points, level, None))
            }
            Err(error @ MarketError::UnknownToken { .. }) if stored.is_empty() => Err(error),
            Err(error) => Ok(self.told(id, currency, range, stored, Level::Database, Some(error))),
        }
    }

    /// Whether the store alone can draw the range.
    pub(super) async fn has_history(
        &self,
        id: &TokenId,
        currency: &Currency,
        range: Range,
    ) -> Result<bool, MarketError> {
        Ok(self.covers(&self.stored(id, currency, range).await?, range))
    }

    /// Fetches the source's chart, unless that was done a moment ago, and puts it into the store.
    pub(super) async fn back_fill(
        &self,
        id: &TokenId,
        currency: &Currency,
        range: Range,
        priority: Priority,
    ) -> Result<Level, MarketError> {
        let span = range.chart();
        let key = format!("{}:{}", span.days(), token_key(&self.inner.source_key, currency, id));
        let fetch = {
            let (market, id, currency) = (self.clone(), id.clone(), currency.clone());
            move || async move {
                let source = &market.inner.source;
                let patience = market.inner.config.patience;
                let points = market.call(priority, patience, || source.chart(&id, &currency, span)).await?;
                Ok::<_, MarketError>(KeptChart(points))
            }
        };
        let class = self.inner.config.chart_class();
        let hit = self.inner.charts.get_or_compute(&key, &class, &[], fetch).await?;
        // Recorded even if it comes from the cache: the history may have been set aside since. It changes nothing
        // where it is known already.
        let (series, now_ms) = (self.series(id, currency), self.now_ms());
        let chart = hit.value;
        let record = move |tx: &Transaction<'_>| record_chart(tx, &series, &chart.0, span.step_ms(), now_ms);
        self.inner.store.write("market.record_chart", record).await?;
        Ok(hit.level)
    }

    /// Records what the source can tell of the last hour without a call; whether that was anything.
    async fn join_last_hour(&self, id: &TokenId, currency: &Currency) -> Result<bool, MarketError> {
        let points = self.inner.source.last_hour(id, currency);
        if points.is_empty() {
            return Ok(false);
        }
        let (series, now_ms) = (self.series(id, currency), self.now_ms());
        let record = move |tx: &Transaction<'_>| record_close(tx, &series, &points, now_ms);
        self.inner.store.write("market.record_last_hour", record).await?;
        Ok(true)
    }

    async fn stored(
        &self,
        id: &TokenId,
        currency: &Currency,
        range: Range,
    ) -> Result<Vec<Point>, MarketError> {
        let (key, to_ms) = (self.series(id, currency), self.now_ms());
        let from_ms = to_ms - range.span_ms();
        let read =
            move |conn: &Connection| read_tiers(conn, &key, range.tiers(), range.hole_ms(), from_ms, to_ms);
        let points = self.inner.store.read("market.history", read).await?;
        Ok(thin(&points, range.thinned_to_ms(), POINTS_MAX))
    }

    fn covers(&self, points: &[Point], range: Range) -> bool {
        let now_ms = self.now_ms();
        is_covered(points, now_ms - range.span_ms(), now_ms, range.hole_ms())
    }

    fn told(
        &self,
        id: &TokenId,
        currency: &Currency,
        range: Range,
        points: Vec<Point>,
        level: Level,
        problem: Option<MarketError>,
    ) -> History {
        let now_ms = self.now_ms();
        let provenance = points.last().map(|newest| Provenance {
            as_of_ms: newest.at_ms,
            fetched_at_ms: if level == Level::Origin { now_ms } else { newest.at_ms },
            source: self.source_name(),
            level,
            stale: now_ms - newest.at_ms > range.hole_ms(),
        });
        History { id: id.clone(), currency: currency.clone(), range, points, provenance, problem }
    }
}
