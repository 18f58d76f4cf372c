//! How long a failed attempt waits for the next.

use std::time::Duration;

use crate::admission::YEAR;

/// No wait is longer than a year. It grows with the number of the attempt that failed, the first being 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Backoff {
    /// Always the same.
    Fixed(Duration),
    /// `step`, twice `step`, … up to `cap`.
    Linear {
        /// After the first failure.
        step: Duration,
        /// No wait is longer.
        cap: Duration,
    },
    /// `first`, `first × factor`, `first × factor²`, … up to `cap`.
    Exponential {
        /// After the first failure.
        first: Duration,
        /// At least 1.
        factor: f64,
        /// No wait is longer.
        cap: Duration,
    },
}

/// Of each wait a random share up to this is taken off, so that what failed together does not return together.
const JITTER: f64 = 0.2;

impl Backoff {
    /// The longest wait after `failures` failures, the first being 1.
    pub fn ceiling(&self, failures: u32) -> Duration {
        let failures = failures.max(1);
        match *self {
            Self::Fixed(wait) => wait,
            Self::Linear { step, cap } => step.saturating_mul(failures).min(cap),
            Self::Exponential { first, factor, cap } => {
                let times = factor.max(1.0).powi((failures - 1).min(1000) as i32);
                Duration::try_from_secs_f64(first.as_secs_f64() * times).unwrap_or(cap).min(cap)
            }
        }
    }

    pub(crate) fn wait(&self, failures: u32) -> Duration {
        self.ceiling(failures).min(YEAR).mul_f64(1.0 - JITTER * rand::random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_cap_and_no_further() {
        let s = Duration::from_secs;
        let cases = [
            (Backoff::Fixed(s(3)), [s(3), s(3), s(3)]),
            (Backoff::Linear { step: s(2), cap: s(5) }, [s(2), s(4), s(5)]),
            (Backoff::Exponential { first: s(1), factor: 10.0, cap: s(60) }, [s(1), s(10), s(60)]),
        ];
        for (backoff, expected) in cases {
            assert_eq!([1, 2, 3].map(|failures| backoff.ceiling(failures)), expected);
            assert!(backoff.ceiling(u32::MAX) <= s(60), "{backoff:?}");
            for failures in 0..50 {
                let (wait, most) = (backoff.wait(failures), backoff.ceiling(failures));
                assert!(wait <= most && wait >= most.mul_f64(0.79), "{wait:?} of {most:?}");
            }
        }
        let endless = Backoff::Exponential { first: Duration::MAX, factor: f64::MAX, cap: Duration::MAX };
        assert!(endless.wait(u32::MAX) <= YEAR);
    }
}
