use std::time::{Duration, Instant};

/// How many calls per period, and so how many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    burst: u32,
    /// Nanoseconds in which one call comes back; rounded up, so never too generous.
    interval: Duration,
}

impl Quota {
    /// At most `burst` at once, coming back evenly over `period`; neither may be zero.
    #[must_use]
    pub fn new(burst: u32, period: Duration) -> Option<Self> {
        let nanos = period.as_nanos().div_ceil(u128::from(burst.max(1)));
        let interval = Duration::from_nanos(u64::try_from(nanos).ok()?);
        (burst > 0 && !interval.is_zero()).then_some(Self { burst, interval })
    }

    /// Calls at once, after a rest.
    #[must_use]
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// The judgement on a call at `now`, and the theoretical arrival time (TAT) it would leave behind.
    ///
    /// Each call moves the TAT one interval on; a call passes while the TAT is then at most one whole burst
    /// ahead of now. `tat` is `None` for a key that has rested.
    pub(crate) fn judge(&self, tat: Option<Instant>, now: Instant) -> (Decision, Instant) {
        let owed = tat.map_or(Duration::ZERO, |tat| tat.saturating_duration_since(now));
        let depth = self.interval * self.burst;
        let after = owed + self.interval;
        if after <= depth {
            let remaining = (depth - after).as_nanos() / self.interval.as_nanos();
            let remaining = u32::try_from(remaining).unwrap_or(u32::MAX);
            let decision = Decision { allowed: true, remaining, reset_after: after, retry_after: None };
            (decision, now + after)
        } else {
            let retry_after = Some(after - depth);
            (Decision { allowed: false, remaining: 0, reset_after: owed, retry_after }, now + owed)
        }
    }
}

/// The answer to "may this call pass?": always with what is left and when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether the call may pass.
    pub allowed: bool,
    /// Calls left at this moment, after this one.
    pub remaining: u32,
    /// When the whole burst is available again, if nobody calls.
    pub reset_after: Duration,
    /// When one call may pass again; only where this one may not.
    pub retry_after: Option<Duration>,
}

/// The generic cell rate algorithm (ITU-T I.371) for one caller: a smooth rate with a burst, in one instant.
///
/// Right where fairness between users matters and the limit is ours. Up to twice the burst can pass within
/// one period, so a provider's hard limit needs a [`Window`](crate::Window) instead.
#[derive(Debug)]
pub struct Gcra {
    quota: Quota,
    tat: Option<Instant>,
}

impl Gcra {
    /// A rested limiter: the whole burst is there.
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        Self { quota, tat: None }
    }

    /// Whether a call would pass; nothing is taken.
    #[must_use]
    pub fn check(&self, now: Instant) -> Decision {
        self.quota.judge(self.tat, now).0
    }

    /// Takes one call, where it may pass.
    pub fn take(&mut self, now: Instant) -> Decision {
        let (decision, tat) = self.quota.judge(self.tat, now);
        self.tat = Some(tat);
        decision
    }
}
