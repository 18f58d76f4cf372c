//! What the simulated market tells of one token, in the shapes of a source.

use super::prices::{DAY_MS, HOUR_MS, World};
use super::tokens::{Kind, SimToken};
use crate::{ChartSpan, Currency, MarketEntry, Point, Price, TokenDetails, TokenId, TokenProfile, TokenRef};

/// The distance of the prices that highs and lows are taken from.
const SAMPLE_MS: i64 = 15 * 60_000;
/// How far back the highest price ever is looked for.
const EVER_DAYS: i64 = 730;

/// One token at one time, told in one currency that the world knows.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) world: World,
    pub(super) token: &'static SimToken,
    pub(super) currency: &'a Currency,
    pub(super) now_ms: i64,
    /// The place by capitalisation, from 1.
    pub(super) rank: u32,
}

impl Facts<'_> {
    fn rate(&self, at_ms: i64) -> f64 {
        // Whoever makes `Facts` has asked for the rate already; no other currency gets here.
        self.world.rate(self.currency, at_ms).unwrap_or(1.0)
    }

    fn price(&self, at_ms: i64) -> f64 {
        self.world.usd(self.token, at_ms) * self.rate(at_ms)
    }

    fn change_pct(&self, over_ms: i64) -> f64 {
        (self.price(self.now_ms) / self.price(self.now_ms - over_ms) - 1.0) * 100.0
    }

    fn id(&self) -> TokenId {
        TokenId::new(self.token.id).expect("a test checks every id of the table")
    }

    pub(super) fn token_ref(&self) -> TokenRef {
        let (symbol, name) = (self.token.symbol.to_owned(), self.token.name.to_owned());
        TokenRef { id: self.id(), symbol, name, rank: Some(self.rank) }
    }

    pub(super) fn newest(&self) -> Price {
        let price = self.price(self.now_ms);
        Price {
            id: self.id(),
            price,
            change_24h_pct: Some(self.change_pct(DAY_MS)),
            volume_24h: Some(self.world.volume_usd(self.token, self.now_ms) * self.rate(self.now_ms)),
            market_cap: Some(price * self.token.supply),
            as_of_ms: Some(self.now_ms),
        }
    }

    pub(super) fn row(&self) -> MarketEntry {
        let newest = self.newest();
        let day = (0..=DAY_MS / SAMPLE_MS).map(|step| self.price(self.now_ms - step * SAMPLE_MS));
        let (low, high) =
            day.fold((f64::MAX, 0.0_f64), |(low, high), price| (low.min(price), high.max(price)));
        let total = match self.token.kind {
            Kind::Stable => self.token.supply,
            Kind::Free { .. } => self.token.supply * 1.2,
        };
        let newest_hour = self.now_ms - self.now_ms.rem_euclid(HOUR_MS);
        MarketEntry {
            price: Some(newest.price),
            change_1h_pct: Some(self.change_pct(HOUR_MS)),
            change_24h_pct: newest.change_24h_pct,
            change_7d_pct: Some(self.change_pct(7 * DAY_MS)),
            change_30d_pct: Some(self.change_pct(30 * DAY_MS)),
            high_24h: Some(high),
            low_24h: Some(low),
            volume_24h: newest.volume_24h,
            market_cap: newest.market_cap,
            fully_diluted_valuation: Some(newest.price * total),
            circulating_supply: Some(self.token.supply),
            total_supply: Some(total),
            spark_7d: (0..168).rev().map(|hours| self.price(newest_hour - hours * HOUR_MS)).collect(),
            as_of_ms: Some(self.now_ms),
            ..MarketEntry::empty(self.token_ref())
        }
    }

    pub(super) fn details(&self) -> TokenDetails {
        let mut numbers = self.row();
        let today = self.now_ms - self.now_ms.rem_euclid(DAY_MS);
        let days = (0..EVER_DAYS).map(|days| today - days * DAY_MS);
        let highest = days.map(|at_ms| (self.price(at_ms), at_ms)).max_by(|a, b| a.0.total_cmp(&b.0));
        let newest = (numbers.high_24h.unwrap_or_default(), self.now_ms);
        let (ath, ath_at_ms) = highest.filter(|(price, _)| *price > newest.0).unwrap_or(newest);
        (numbers.ath, numbers.ath_at_ms) = (Some(ath), Some(ath_at_ms));
        let description = format!(
            "{} in the simulated market of the demo. Its prices are made up from a seed and follow no real market.",
            self.token.name
        );
        let profile = TokenProfile {
            token: self.token_ref(),
            description: Some(description),
            homepage: None,
            image: None,
        };
        TokenDetails { profile, numbers }
    }

    /// Points on whole steps, so that a chart asked for later holds the same ones.
    pub(super) fn chart(&self, span: ChartSpan) -> Vec<Point> {
        self.points(i64::from(span.days()) * DAY_MS, span.step_ms())
    }

    /// The last hour in steps of half a minute.
    pub(super) fn last_hour(&self) -> Vec<Point> {
        self.points(DAY_MS / 24, 30_000)
    }

    fn points(&self, span_ms: i64, step_ms: i64) -> Vec<Point> {
        let newest = self.now_ms.div_euclid(step_ms);
        let count = span_ms / step_ms;
        let point = |step: i64| {
            let at_ms = step * step_ms;
            let volume = self.world.volume_usd(self.token, at_ms) * self.rate(at_ms);
            Point { at_ms, price: self.price(at_ms), volume_24h: Some(volume) }
        };
        (newest - count + 1..=newest).map(point).collect()
    }
}
