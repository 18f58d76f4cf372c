use std::time::{Duration, Instant};

/// How many calls per period, and so how many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    burst: u32,
    /// Nanoseconds in which one call comes back; rounded up, so never too generous.
    interval_ns: u64,
    /// Nanoseconds in which a whole burst comes back.
    depth_ns: u64,
}

impl Quota {
    /// At most `burst` at once, coming back evenly over `period`; neither may be zero, nor the period longer than
    /// 292 years.
    #[must_use]
    pub fn new(burst: u32, period: Duration) -> Option<Self> {
        let nanos = period.as_nanos().div_ceil(u128::from(burst.max(1)));
        let interval_ns = u64::try_from(nanos).ok()?;
        let depth_ns = interval_ns.checked_mul(u64::from(burst)).filter(|depth| *depth <= u64::MAX / 2)?;
        (burst > 0 && interval_ns > 0).then_some(Self { burst, interval_ns, depth_ns })
    }

    /// Calls at once, after a rest.
    #[must_use]
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// The judgement on a call of somebody whose theoretical arrival time (TAT) is so many nanoseconds ahead of now,
    /// and how many nanoseconds ahead the call leaves it.
    ///
    /// Each call moves the TAT one interval on; a call passes while the TAT is then at most one whole burst
    /// ahead of now.
    pub(crate) fn judge(&self, owed_ns: u64) -> (Decision, u64) {
        // Nobody owes more than the depth, but for a clock that was set back.
        let after_ns = owed_ns.saturating_add(self.interval_ns);
        if after_ns <= self.depth_ns {
            let remaining = (self.depth_ns - after_ns) / self.interval_ns;
            let remaining = u32::try_from(remaining).unwrap_or(u32::MAX);
            let reset_after = Duration::from_nanos(after_ns);
            (Decision { allowed: true, remaining, reset_after, retry_after: None }, after_ns)
        } else {
            let retry_after = Some(Duration::from_nanos(after_ns - self.depth_ns));
            let reset_after = Duration::from_nanos(owed_ns);
            (Decision { allowed: false, remaining: 0, reset_after, retry_after }, owed_ns)
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
        self.quota.judge(self.owed_ns(now)).0
    }

    /// Takes one call, where it may pass.
    pub fn take(&mut self, now: Instant) -> Decision {
        let (decision, owed_ns) = self.quota.judge(self.owed_ns(now));
        self.tat = Some(now + Duration::from_nanos(owed_ns));
        decision
    }

    fn owed_ns(&self, now: Instant) -> u64 {
        self.tat.map_or(0, |tat| nanos(tat.saturating_duration_since(now)))
    }
}

/// Whole nanoseconds, saturating after 584 years.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
