//! Whether the machine's load holds the least urgent work back.

use std::time::Duration;

/// Above this the load counts as high.
const HIGH: f64 = 0.8;
/// Below this it counts as low again.
const LOW: f64 = 0.65;
/// So many high samples in a row put low-priority work off.
const SAMPLES_UP: u32 = 3;
/// So many low ones in a row let it in again.
const SAMPLES_DOWN: u32 = 5;

/// Low-priority work that is due for longer runs although the machine is loaded, one job of a queue at a time: a
/// machine that always is would never run it otherwise.
pub(crate) const DEFERRED_AT_MOST: Duration = Duration::from_secs(15 * 60);

/// Counts samples, so that a single peak changes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LoadGate {
    pub(crate) factor: f64,
    pub(crate) deferring: bool,
    towards: u32,
}

impl LoadGate {
    /// Takes the next sample; returns whether the answer changed.
    pub(crate) fn sample(&mut self, factor: f64) -> bool {
        self.factor = if factor.is_finite() { factor.clamp(0.0, 1.0) } else { 0.0 };
        let away = if self.deferring { self.factor < LOW } else { self.factor > HIGH };
        self.towards = if away { self.towards + 1 } else { 0 };
        let changes = self.towards >= if self.deferring { SAMPLES_DOWN } else { SAMPLES_UP };
        if changes {
            (self.deferring, self.towards) = (!self.deferring, 0);
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_load_that_lasts_changes_the_answer() {
        let mut gate = LoadGate::default();
        let mut after = |samples: &[f64]| {
            samples.iter().for_each(|factor| _ = gate.sample(*factor));
            gate.deferring
        };
        assert!(!after(&[0.9, 0.9, 0.5, 0.9, 0.9]), "peaks");
        assert!(!after(&[f64::NAN, 0.9, 0.9]));
        assert!(after(&[0.9]), "three in a row");
        assert!(after(&[0.7, 0.7, 0.7, 0.7, 0.7, 0.7]), "between the bounds it stays as it is");
        assert!(after(&[0.1, 0.1, 0.1, 0.1, 0.7, 0.1]));
        assert!(!after(&[0.1, 0.1, 0.1, 0.1]), "five in a row");
    }
}
