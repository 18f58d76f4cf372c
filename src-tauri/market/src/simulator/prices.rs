//! From paths to prices and volumes.

use super::noise::key_of;
use super::path::Path;
use super::tokens::{Kind, SimToken, TOKENS};
use crate::Currency;

pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;

/// How much the common path moves the market in one day.
const MARKET_PER_DAY: f64 = 0.018;
/// The furthest a stable token strays from one dollar.
const STABLE_BAND: f64 = 0.0018;

/// What one US dollar is worth; fixed, for the demo is about tokens and not about currencies.
const RATES: &[(&str, f64)] = &[
    ("usd", 1.0),
    ("eur", 0.92),
    ("gbp", 0.79),
    ("chf", 0.89),
    ("jpy", 151.0),
    ("cny", 7.2),
    ("inr", 83.5),
    ("krw", 1_370.0),
    ("brl", 5.4),
    ("cad", 1.37),
    ("aud", 1.51),
    ("sgd", 1.35),
    ("hkd", 7.8),
    ("rub", 92.0),
    ("try", 33.0),
];

/// All prices of one seed; a few words, cheap to copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct World {
    seed: u64,
    market: Path,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, market: Path::new(key_of(seed, "the market")) }
    }

    /// The price in US dollars.
    pub(super) fn usd(self, token: &SimToken, at_ms: i64) -> f64 {
        let own = self.own(token).at(at_ms);
        match token.kind {
            // Bent into the band, so that a long path stays in it.
            Kind::Stable => 1.0 + STABLE_BAND * (own.value / 12.0) / (1.0 + (own.value / 12.0).abs()),
            Kind::Free { beta, own: percent } => {
                let common = self.market.at(at_ms).value;
                token.usd * libm::exp(beta * MARKET_PER_DAY * common + percent / 100.0 * own.value)
            }
        }
    }

    /// Traded volume of the 24 hours before, in US dollars: a share of the capitalisation that grows with the
    /// volatility of these hours.
    pub(super) fn volume_usd(self, token: &SimToken, at_ms: i64) -> f64 {
        let around = at_ms - DAY_MS / 2;
        let (market, own) = (self.market.at(around), self.own(token).at(around));
        let wildness = 0.5 * (market.volatility + own.volatility);
        let share = match token.kind {
            Kind::Stable => 0.35,
            Kind::Free { own, .. } => 0.015 + 0.012 * own,
        };
        // A slow path of its own, so that volume is no mirror of the price.
        let appetite = Path::new(key_of(self.seed ^ 1, token.id)).at(at_ms).value;
        let appetite = appetite / 20.0 / (1.0 + (appetite / 20.0).abs());
        self.usd(token, at_ms) * token.supply * share * wildness * (1.0 + 0.6 * appetite)
    }

    /// What one US dollar is worth at a time; `None` for a currency the simulated market does not know.
    pub(super) fn rate(self, currency: &Currency, at_ms: i64) -> Option<f64> {
        let code = currency.as_str();
        if let Some((_, rate)) = RATES.iter().find(|(known, _)| *known == code) {
            return Some(*rate);
        }
        let id = match code {
            "btc" => "bitcoin",
            "eth" => "ethereum",
            _ => return None,
        };
        find(id).map(|token| 1.0 / self.usd(token, at_ms))
    }

    fn own(self, token: &SimToken) -> Path {
        Path::new(key_of(self.seed, token.id))
    }
}

pub(super) fn find(id: &str) -> Option<&'static SimToken> {
    TOKENS.iter().find(|token| token.id == id)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const T0: i64 = 1_750_000_000_000;

    fn returns(seed: u64, id: &str, step_ms: i64, count: i64) -> Vec<f64> {
        let world = World::new(seed);
        let logs: Vec<f64> =
            (0..=count).map(|i| world.usd(find(id).unwrap(), T0 + i * step_ms).ln()).collect();
        logs.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    fn correlation(a: &[f64], b: &[f64]) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    #[test]
    fn the_prices_of_a_seed_are_known_to_the_bit() {
        let world = World::new(42);
        let bits = |id| world.usd(find(id).unwrap(), 1_763_800_000_000).to_bits();
        let found = [bits("bitcoin"), bits("duckchain-token"), bits("tether")];
        // 84,893.83, 0.0033228 and 0.99951 dollars.
        let known = [4_680_570_272_606_374_951, 4_569_808_333_726_399_154, 4_607_177_971_943_505_613];
        assert_eq!(found, known, "{:?}", found.map(f64::from_bits));
    }

    #[test]
    fn daily_returns_have_the_size_of_their_kind() {
        for (id, low, high) in
            [("bitcoin", 0.01, 0.035), ("duckchain-token", 0.025, 0.085), ("tether", 0.0, 0.001)]
        {
            let squares: f64 = (0..8).flat_map(|seed| returns(seed, id, DAY_MS, 365)).map(|r| r * r).sum();
            let deviation = (squares / (8.0 * 365.0)).sqrt();
            assert!((low..high).contains(&deviation), "{id}: {deviation}");
        }
    }

    #[test]
    fn tokens_move_together_but_not_as_one() {
        let mut sum = 0.0;
        for seed in 0..8 {
            sum += correlation(
                &returns(seed, "bitcoin", HOUR_MS, 2000),
                &returns(seed, "ethereum", HOUR_MS, 2000),
            );
        }
        assert!((0.6..0.98).contains(&(sum / 8.0)), "{}", sum / 8.0);
        let strangers =
            correlation(&returns(1, "bitcoin", HOUR_MS, 4000), &returns(2, "bitcoin", HOUR_MS, 4000));
        assert!(strangers.abs() < 0.2, "two seeds are two worlds: {strangers}");
    }

    #[test]
    fn prices_stay_of_a_plausible_size() {
        for token in TOKENS {
            for seed in 0..4 {
                let at_ms = T0 + i64::from(seed) * 97 * DAY_MS;
                let factor = World::new(seed as u64).usd(token, at_ms) / token.usd;
                assert!((0.005..200.0).contains(&factor), "{}: {factor}", token.id);
            }
        }
    }

    #[test]
    fn the_order_of_questions_does_not_matter() {
        let world = World::new(7);
        let ask = |n: i64| world.usd(&TOKENS[n as usize % TOKENS.len()], T0 - n * 1_234_567).to_bits();
        let forwards: Vec<u64> = (0..500).map(ask).collect();
        let mut backwards: Vec<u64> = (0..500).rev().map(ask).collect();
        backwards.reverse();
        assert_eq!(forwards, backwards);
    }

    proptest! {
        #[test]
        fn a_stable_coin_stays_within_a_fifth_of_a_percent(seed: u64, at_ms in 0..2_000_000_000_000_i64) {
            let price = World::new(seed).usd(find("tether").unwrap(), at_ms);
            prop_assert!((price - 1.0).abs() < 0.002, "{}", price);
        }

        #[test]
        fn every_value_is_finite_and_positive(seed: u64, at_ms in 0..4_000_000_000_000_i64, n in 0..TOKENS.len()) {
            let world = World::new(seed);
            let (price, volume) = (world.usd(&TOKENS[n], at_ms), world.volume_usd(&TOKENS[n], at_ms));
            prop_assert!(price.is_finite() && price > 0.0);
            prop_assert!(volume.is_finite() && volume > 0.0);
        }
    }
}
