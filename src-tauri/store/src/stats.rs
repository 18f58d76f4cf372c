use std::time::Duration;

use hdrhistogram::Histogram;

use crate::slow::SlowCall;

/// What a store has done since it was opened.
#[derive(Clone, Debug)]
pub struct Stats {
    /// One entry per name and kind, by name.
    pub queries: Vec<QueryStats>,
    /// The read connections.
    pub pool: PoolStats,
    /// The writer.
    pub writer: WriterStats,
    /// The last 32 slow calls, oldest first.
    pub recent_slow: Vec<SlowCall>,
}

/// Whether a call read or wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Made through [`Store::read`](crate::Store::read).
    Read,
    /// Made through [`Store::write`](crate::Store::write).
    Write,
}

/// The calls made under one name.
#[derive(Clone, Debug)]
pub struct QueryStats {
    /// The name.
    pub name: &'static str,
    /// Whether they read or wrote.
    pub kind: Kind,
    /// Calls that got a connection.
    pub calls: u64,
    /// Those answered with an error.
    pub errors: u64,
    /// Those that took at least [`Config::slow_query`](crate::Config::slow_query).
    pub slow: u64,
    /// Rows their statements returned or changed.
    pub rows: u64,
    /// How long their closures ran, without waiting and without the commit.
    pub took: Latency,
}

/// The read connections.
#[derive(Clone, Debug)]
pub struct PoolStats {
    /// Connections open now.
    pub open: usize,
    /// Connections in use now.
    pub busy: usize,
    /// Reads waiting for one now.
    pub waiting: usize,
    /// Reads that had to wait.
    pub waits: u64,
    /// Those that gave up with [`StoreError::PoolExhausted`](crate::StoreError::PoolExhausted).
    pub timeouts: u64,
    /// How long they waited, however it ended.
    pub wait: Latency,
}

/// The writer.
#[derive(Clone, Debug)]
pub struct WriterStats {
    /// Writes waiting now.
    pub queue: usize,
    /// Writes refused with [`StoreError::QueueFull`](crate::StoreError::QueueFull).
    pub refused: u64,
    /// Groups made so far.
    pub groups: u64,
    /// Those whose transaction failed as a whole.
    pub failed_groups: u64,
    /// Writes in those groups; divided by `groups` it gives the mean group size.
    pub grouped: u64,
    /// The largest group.
    pub largest_group: usize,
    /// How long the commits took that succeeded.
    pub commit: Latency,
    /// Why the file took no write, since it last took one: it is full, locked or damaged.
    pub trouble: Option<String>,
}

/// The distribution of a duration, to 1 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Half took no longer.
    pub p50: Duration,
    /// 95 of 100 took no longer.
    pub p95: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

impl Latency {
    /// Reads it from a histogram of microseconds.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Latency {
        let at = |quantile| Duration::from_micros(histogram.value_at_quantile(quantile));
        Latency { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: Duration::from_micros(histogram.max()) }
    }
}
