use std::time::{Duration, Instant};

/// The local rate after a 429: halved at once, recovered additively.
///
/// The provider's true limit is not known (the sources disagree, and others may share the address), so the
/// configured one is only the ceiling. Each 429 halves what is allowed; each quiet `step_every` gives a
/// tenth of the ceiling back. Pure: the time is an argument.
#[derive(Debug)]
pub struct Throttle {
    ceiling: u32,
    step_every: Duration,
    cut: Option<Cut>,
}

#[derive(Debug, Clone, Copy)]
struct Cut {
    at: Instant,
    /// Recovery counts from here: the hold that came with the 429 proves nothing.
    resumes_at: Instant,
    to: u32,
}

impl Throttle {
    /// A throttle that allows the whole `ceiling`.
    #[must_use]
    pub fn new(ceiling: u32, step_every: Duration) -> Self {
        Self { ceiling, step_every, cut: None }
    }

    /// What is allowed now: at least 1, at most the ceiling.
    #[must_use]
    pub fn allowed(&self, now: Instant) -> u32 {
        let Some(cut) = self.cut else { return self.ceiling };
        let steps = now.saturating_duration_since(cut.resumes_at).as_nanos() / self.step_every.as_nanos();
        let back = u32::try_from(steps).unwrap_or(u32::MAX).saturating_mul(self.step());
        cut.to.saturating_add(back).clamp(1, self.ceiling.max(1))
    }

    /// When more will be allowed; `None` where the whole ceiling is.
    #[must_use]
    pub fn next_step(&self, now: Instant) -> Option<Instant> {
        let cut = self.cut.filter(|_| self.allowed(now) < self.ceiling)?;
        let passed = now.saturating_duration_since(cut.resumes_at).as_nanos() / self.step_every.as_nanos();
        let steps = u32::try_from(passed).ok()?.checked_add(1)?;
        cut.resumes_at.checked_add(self.step_every.checked_mul(steps)?)
    }

    /// Halves the rate for a 429 to a call that was sent at `sent`; recovery begins at `resumes_at`.
    ///
    /// A call sent before the last cut says nothing new, so a burst of 429s halves once.
    pub fn cut(&mut self, now: Instant, sent: Instant, resumes_at: Instant) {
        if self.cut.is_some_and(|cut| sent < cut.at) {
            return;
        }
        let to = (self.allowed(now) / 2).max(1);
        self.cut = Some(Cut { at: now, resumes_at, to });
    }

    /// Changes the ceiling and keeps a cut in force.
    pub fn set_ceiling(&mut self, ceiling: u32) {
        self.ceiling = ceiling;
    }

    fn step(&self) -> u32 {
        (self.ceiling / 10).max(1)
    }
}
