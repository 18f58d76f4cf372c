use std::collections::VecDeque;
use std::time::Duration;

/// The durations of the most recent attempts: enough for a median and a 95th percentile of "lately".
#[derive(Debug, Default)]
pub(crate) struct Latency {
    recent: VecDeque<Duration>,
}

impl Latency {
    const KEPT: usize = 256;

    pub(crate) fn record(&mut self, took: Duration) {
        if self.recent.len() == Self::KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(took);
    }

    /// The nearest-rank percentile, or `None` before the first attempt.
    pub(crate) fn percentile(&self, percent: usize) -> Option<Duration> {
        let mut sorted: Vec<_> = self.recent.iter().copied().collect();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100);
        sorted.get(rank.saturating_sub(1)).copied()
    }
}
