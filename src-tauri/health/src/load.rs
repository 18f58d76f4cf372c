//! The load factor: the largest pressure, smoothed, with hysteresis for what acts on it.

/// How hard each part is pressed, `0.0..=1.0`; what is outside or not a number counts as the nearest bound.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pressures {
    /// Busy share of the processor.
    pub cpu: f64,
    /// Used share of memory.
    pub memory: f64,
    /// Waiting work over the queues' bounds.
    pub queue: f64,
}

impl Pressures {
    fn largest(&self) -> f64 {
        [self.cpu, self.memory, self.queue].into_iter().fold(0.0, f64::max).min(1.0)
    }
}

/// What the load means for work that can wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activity {
    /// Below 0.65.
    #[default]
    Calm,
    /// From 0.65, but not (or not yet) strained.
    Busy,
    /// Above 0.8 for three samples, until below 0.65 for five.
    Strained,
}

/// The share of a new sample in the smoothed value: a step is followed to two thirds in five samples.
const NEW_SHARE: f64 = 0.2;
const STRAINED_ABOVE: f64 = 0.8;
const STRAINED_AFTER: u32 = 3;
const RELAXED_BELOW: f64 = 0.65;
const RELAXED_AFTER: u32 = 5;

/// Follows the pressures, sample by sample.
#[derive(Debug, Clone, Default)]
pub struct LoadFactor {
    value: Option<f64>,
    strained: bool,
    /// Samples in a row that speak for changing `strained`.
    in_a_row: u32,
}

impl LoadFactor {
    /// Takes one sample and returns the new load factor.
    pub fn update(&mut self, pressures: &Pressures) -> f64 {
        let sample = pressures.largest();
        let value = self.value.map_or(sample, |before| before + NEW_SHARE * (sample - before));
        self.value = Some(value);
        let (speaks_for_change, after) = match self.strained {
            false => (value > STRAINED_ABOVE, STRAINED_AFTER),
            true => (value < RELAXED_BELOW, RELAXED_AFTER),
        };
        self.in_a_row = if speaks_for_change { self.in_a_row + 1 } else { 0 };
        if self.in_a_row >= after {
            self.strained = !self.strained;
            self.in_a_row = 0;
        }
        value
    }

    /// The load factor, `0.0..=1.0`; 0 before the first sample.
    pub fn value(&self) -> f64 {
        self.value.unwrap_or(0.0)
    }

    /// Whether a strain is about to end: the value is back, but not for long enough.
    pub fn is_easing(&self) -> bool {
        self.strained && self.value() < RELAXED_BELOW
    }

    /// What the load means now.
    pub fn activity(&self) -> Activity {
        match self.value() {
            _ if self.strained => Activity::Strained,
            value if value >= RELAXED_BELOW => Activity::Busy,
            _ => Activity::Calm,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cpu(cpu: f64) -> Pressures {
        Pressures { cpu, ..Pressures::default() }
    }

    fn after(samples: &[f64]) -> LoadFactor {
        let mut load = LoadFactor::default();
        for sample in samples {
            load.update(&cpu(*sample));
        }
        load
    }

    #[test]
    fn the_largest_pressure_counts() {
        let mut load = LoadFactor::default();
        assert_eq!(load.update(&Pressures { cpu: 0.1, memory: 0.7, queue: 0.3 }), 0.7);
    }

    #[test]
    fn strain_begins_after_three_samples_and_ends_after_five() {
        assert_eq!(after(&[0.9, 0.9]).activity(), Activity::Busy);
        let mut load = after(&[0.9, 0.9, 0.9]);
        assert_eq!(load.activity(), Activity::Strained);
        // From 0.9 the smoothed value passes 0.65 in two samples of zero; five below it end the strain.
        for _ in 0..6 {
            load.update(&cpu(0.0));
            let back = load.value() < RELAXED_BELOW;
            if load.activity() == Activity::Strained {
                assert_eq!(load.is_easing(), back);
            } else {
                assert!(back && !load.is_easing());
            }
        }
        assert_eq!(load.activity(), Activity::Calm);
    }

    #[test]
    fn a_dip_between_the_thresholds_does_not_end_the_strain() {
        let mut load = after(&[0.9; 3]);
        for _ in 0..50 {
            load.update(&cpu(0.7));
        }
        assert_eq!(load.activity(), Activity::Strained);
    }

    proptest! {
        #[test]
        fn the_value_stays_within_its_bounds(samples in prop::collection::vec(prop::num::f64::ANY, 1..50)) {
            let load = after(&samples);
            prop_assert!((0.0..=1.0).contains(&load.value()), "{}", load.value());
        }
    }
}
