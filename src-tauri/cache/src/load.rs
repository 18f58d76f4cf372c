//! The effective time to live: the base times a smoothed, bounded function of the machine's load.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use crate::{CacheError, Now};

/// How far the smoothed load must fall below the load acted upon before the factor follows it down.
const BACKLASH: f64 = 0.05;
/// A load that nobody has told for this long counts as none.
const FORGOTTEN_MS: u64 = 60_000;

/// How the load of the machine stretches times to live.
///
/// Up to the load `from` the factor is 1; it rises along a smooth step and is `most` at the load `full` and
/// beyond. The plot in the README is drawn from this function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadCurve {
    /// The load up to which nothing is stretched; 0 to 1.
    pub from: f64,
    /// The load at which the factor is at its most; above `from`, at most 1.
    pub full: f64,
    /// The largest factor; 1 to 10.
    pub most: f64,
    /// The time constant of the smoothing; at most an hour.
    pub smoothing: Duration,
}

impl Default for LoadCurve {
    fn default() -> Self {
        Self { from: 0.5, full: 0.95, most: 3.0, smoothing: Duration::from_secs(10) }
    }
}

impl LoadCurve {
    /// The factor at a steady load; loads outside 0 to 1 count as the nearer end.
    pub fn factor_at(&self, load: f64) -> f64 {
        let along = ((load.clamp(0.0, 1.0) - self.from) / (self.full - self.from)).clamp(0.0, 1.0);
        1.0 + (self.most - 1.0) * along * along * (3.0 - 2.0 * along)
    }

    pub(crate) fn check(&self) -> Result<(), CacheError> {
        let sound = self.from >= 0.0
            && self.full <= 1.0
            && self.from < self.full
            && (1.0..=10.0).contains(&self.most)
            && self.smoothing <= Duration::from_secs(3600);
        if sound {
            return Ok(());
        }
        Err(CacheError::OutOfBounds {
            what: "load curve",
            accepted: "0 <= from < full <= 1, a factor of 1 to 10, smoothing of at most 1 h",
        })
    }
}

/// By how much times to live are stretched now, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TtlFactor {
    /// What base times to live are multiplied by, 1 or more.
    pub factor: f64,
    /// The smoothed load, 0 to 1.
    pub load: f64,
    /// Why the factor is what it is.
    pub reason: TtlReason,
}

impl Default for TtlFactor {
    fn default() -> Self {
        Self { factor: 1.0, load: 0.0, reason: TtlReason::Unknown }
    }
}

/// Why times to live are stretched, or are not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TtlReason {
    /// Nobody has told the load, or not for a minute.
    Unknown,
    /// The load is within what needs no stretching.
    Calm,
    /// The load calls for it.
    Loaded,
    /// The load has fallen a little, but not yet by as much as the factor waits for.
    Settling,
}

impl fmt::Display for TtlReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the load is not known",
            Self::Calm => "the load is low",
            Self::Loaded => "the load is high",
            Self::Settling => "the load is falling",
        })
    }
}

/// The load as told, and the factor that follows from it.
pub(crate) struct LoadGauge {
    curve: LoadCurve,
    /// Guards the smoothing; held for arithmetic only. Reads of entries use `permille` alone.
    state: Mutex<State>,
    permille: AtomicU32,
}

#[derive(Clone, Copy, Default)]
struct State {
    told_at_ms: Option<u64>,
    smoothed: f64,
    /// The load that the factor was computed from.
    acted_on: f64,
}

impl LoadGauge {
    pub(crate) fn new(curve: LoadCurve) -> Self {
        Self { curve, state: Mutex::default(), permille: AtomicU32::new(1000) }
    }

    /// The factor in thousandths.
    pub(crate) fn permille(&self) -> u32 {
        self.permille.load(Ordering::Relaxed)
    }

    /// Takes a reading of the load; one that is not a number is passed over.
    pub(crate) fn tell(&self, load: f64, now: Now) {
        if load.is_nan() {
            return;
        }
        let load = load.clamp(0.0, 1.0);
        let mut state = self.lock();
        state.smoothed = match state.told_at_ms {
            None => load,
            Some(then) => {
                let passed_ms = now.mono_ms.saturating_sub(then) as f64;
                let weight = 1.0 - (-passed_ms / (self.curve.smoothing.as_millis() as f64).max(1.0)).exp();
                state.smoothed + (load - state.smoothed) * weight
            }
        };
        state.told_at_ms = Some(now.mono_ms);
        self.act(&mut state);
    }

    /// Lets go of a load that nobody has told for a minute.
    pub(crate) fn forget_if_silent(&self, now: Now) {
        let mut state = self.lock();
        if state.told_at_ms.is_some_and(|then| now.mono_ms.saturating_sub(then) > FORGOTTEN_MS) {
            *state = State::default();
            self.act(&mut state);
        }
    }

    fn act(&self, state: &mut State) {
        state.acted_on = state.acted_on.clamp(state.smoothed, state.smoothed + BACKLASH);
        let permille = (self.curve.factor_at(state.acted_on) * 1000.0).round() as u32;
        self.permille.store(permille, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> TtlFactor {
        let state = *self.lock();
        let reason = match state.told_at_ms {
            None => TtlReason::Unknown,
            Some(_) if self.permille() == 1000 => TtlReason::Calm,
            Some(_) if state.acted_on > state.smoothed => TtlReason::Settling,
            Some(_) => TtlReason::Loaded,
        };
        TtlFactor { factor: f64::from(self.permille()) / 1000.0, load: state.smoothed, reason }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(mono_ms: u64) -> Now {
        Now { wall_ms: mono_ms as i64, mono_ms }
    }

    #[test]
    fn a_steady_load_is_reached_smoothly_and_left_with_backlash() {
        let gauge = LoadGauge::new(LoadCurve::default());
        assert_eq!(gauge.read().reason, TtlReason::Unknown);
        gauge.tell(0.2, at(0));
        assert_eq!((gauge.permille(), gauge.read().reason), (1000, TtlReason::Calm));
        gauge.tell(1.0, at(1_000));
        assert!(gauge.read().load < 0.3, "one second of load moves a tenth of the way");
        (2..200).for_each(|second| gauge.tell(1.0, at(second * 1000)));
        assert_eq!((gauge.permille(), gauge.read().reason), (3000, TtlReason::Loaded));
        let before = gauge.permille();
        (200..300).for_each(|second| gauge.tell(0.96, at(second * 1000)));
        assert_eq!(gauge.permille(), before, "a small fall changes nothing");
        (300..500).for_each(|second| gauge.tell(0.0, at(second * 1000)));
        assert_eq!((gauge.permille(), gauge.read().reason), (1000, TtlReason::Calm));
    }

    #[test]
    fn a_load_that_wavers_by_less_than_the_backlash_leaves_the_factor_alone() {
        let gauge = LoadGauge::new(LoadCurve { smoothing: Duration::ZERO, ..LoadCurve::default() });
        gauge.tell(0.80, at(0));
        let held = gauge.permille();
        for second in 1..100 {
            gauge.tell(if second % 2 == 0 { 0.80 } else { 0.76 }, at(second * 1000));
            assert_eq!(gauge.permille(), held);
        }
    }

    #[test]
    fn a_load_that_is_told_no_more_is_forgotten() {
        let gauge = LoadGauge::new(LoadCurve::default());
        gauge.tell(1.0, at(0));
        gauge.tell(f64::NAN, at(1));
        gauge.forget_if_silent(at(60_000));
        assert_eq!(gauge.permille(), 3000);
        gauge.forget_if_silent(at(60_002));
        assert_eq!((gauge.permille(), gauge.read().reason), (1000, TtlReason::Unknown));
    }

    proptest! {
        #[test]
        fn the_factor_is_bounded_and_rises_with_the_load(low in 0.0..1.0f64, high in 0.0..1.0f64) {
            let curve = LoadCurve::default();
            let (low, high) = (low.min(high), low.max(high));
            prop_assert!(curve.factor_at(low) <= curve.factor_at(high));
            prop_assert!((1.0..=curve.most).contains(&curve.factor_at(high)));
        }
    }
}
