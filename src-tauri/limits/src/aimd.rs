use std::time::Instant;

/// How many calls may be in flight at once: additive increase, multiplicative decrease.
///
/// A service that fails or slows down under what is sent to it gets a tenth less at a time; as many good answers
/// as may be in flight give one more back. Pure: the time is an argument.
#[derive(Debug)]
pub struct Aimd {
    most: u32,
    allowed: f64,
    cut_at: Option<Instant>,
}

impl Aimd {
    /// What is left of the number of calls after a failure.
    const CUT: f64 = 0.9;

    /// Begins with all of `most` (at least 1).
    #[must_use]
    pub fn new(most: u32) -> Self {
        let most = most.max(1);
        Self { most, allowed: f64::from(most), cut_at: None }
    }

    /// The most calls in flight now: at least 1.
    #[must_use]
    pub fn allowed(&self) -> u32 {
        // Bounded by `most`, so it fits; a fraction is not a call.
        self.allowed as u32
    }

    /// The most calls in flight ever.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.most
    }

    /// A good answer came.
    pub fn succeeded(&mut self) {
        self.allowed = (self.allowed + 1.0 / self.allowed).min(f64::from(self.most));
    }

    /// A call sent at `sent` failed, timed out or was too slow.
    ///
    /// One that was sent before the last cut says nothing new, so what was in flight together cuts once.
    pub fn failed(&mut self, sent: Instant, now: Instant) {
        if self.cut_at.is_some_and(|cut_at| sent < cut_at) {
            return;
        }
        self.allowed = (self.allowed * Self::CUT).max(1.0);
        self.cut_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_in_flight_together_cuts_once() {
        let (mut aimd, start) = (Aimd::new(8), Instant::now());
        let later = start + Duration::from_secs(1);
        (0..8).for_each(|_| aimd.failed(start, later));
        assert_eq!(aimd.allowed(), 7);
        aimd.failed(later, later);
        assert_eq!(aimd.allowed(), 6);
    }

    #[test]
    fn it_falls_to_one_and_comes_back_to_the_most_and_no_further() {
        let (mut aimd, mut now) = (Aimd::new(8), Instant::now());
        for _ in 0..50 {
            now += Duration::from_secs(1);
            aimd.failed(now, now);
        }
        assert_eq!(aimd.allowed(), 1);
        aimd.succeeded();
        assert_eq!(aimd.allowed(), 2, "one good answer with one in flight");
        (0..100).for_each(|_| aimd.succeeded());
        assert_eq!(aimd.allowed(), 8);
        assert_eq!(Aimd::new(0).allowed(), 1);
    }
}
