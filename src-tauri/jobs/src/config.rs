//! The queues and the bounds of all of them.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::StartError;

/// How a processor is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// The queues, in the order in which they are shown.
    pub queues: Vec<QueueConfig>,
    /// Whether something outside guarantees that one process runs these jobs at a time. What another one was running
    /// is then taken up at once at the start.
    pub sole_owner: bool,
    /// A process that gives no sign for so long is taken for dead: 1 s to 10 min.
    pub lease: Duration,
    /// How long jobs that have ended are kept.
    pub retention: Retention,
    /// The most bytes of a payload, as JSON: 1 to 1 MiB.
    pub payload_max: usize,
}

/// How long jobs that have ended are kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Those that ended well.
    pub done: Duration,
    /// Those that were cancelled.
    pub cancelled: Duration,
    /// Those that failed.
    pub failed: Duration,
    /// The most of each; the oldest go first.
    pub most: u64,
}

/// One queue.
#[derive(Debug, Clone)]
pub struct QueueConfig {
    /// 1 to 32 small letters, digits, `-` and `_`.
    pub name: String,
    /// How many jobs run at once: 1 to 1000.
    pub concurrency: u32,
    /// The most open jobs: 1 to 10 million.
    pub bound: u64,
    /// How many jobs start in which time at most.
    pub rate: Option<Rate>,
    /// How often each priority has its turn where all of them wait: 1 to 1000 each, the most urgent first.
    pub weights: [u32; 4],
    /// A job that has been due for so long goes before all that have not, whatever its priority.
    pub age_limit: Duration,
}

/// So many jobs start in so much time at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many: 1 to 100,000.
    pub jobs: u32,
    /// In any span of this length: 1 ms to 24 h.
    pub per: Duration,
}

const HOUR: Duration = Duration::from_secs(3600);

impl Default for Config {
    fn default() -> Self {
        let queue = |name: &str, concurrency| QueueConfig { concurrency, ..QueueConfig::new(name) };
        Self {
            queues: vec![queue("critical", 4), queue("high", 4), queue("normal", 8), queue("low", 2)],
            sole_owner: false,
            lease: Duration::from_secs(30),
            retention: Retention {
                done: 24 * HOUR,
                cancelled: 24 * HOUR,
                failed: 30 * 24 * HOUR,
                most: 10_000,
            },
            payload_max: 64 << 10,
        }
    }
}

impl QueueConfig {
    /// A queue with the usual bounds.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            concurrency: 8,
            bound: 1_000_000,
            rate: None,
            weights: [8, 4, 2, 1],
            age_limit: Duration::from_secs(300),
        }
    }
}

/// How many jobs of one queue run at once.
pub const CONCURRENCY: RangeInclusive<u32> = 1..=1000;
pub(crate) const CONCURRENCY_ACCEPTED: &str = "1 to 1000";

impl Config {
    /// Says which value is out of its range, if one is.
    ///
    /// # Errors
    /// The first such value.
    pub fn check(&self) -> Result<(), StartError> {
        let wrong = |field: String, value: String, accepted: &str| {
            Err(StartError::Invalid { field, value, accepted: accepted.to_owned() })
        };
        if self.queues.is_empty() || self.queues.len() > 64 {
            return wrong("queues".into(), self.queues.len().to_string(), "1 to 64 queues");
        }
        for (at, queue) in self.queues.iter().enumerate() {
            let field = |name: &str| format!("queues.{}.{name}", queue.name);
            let letter =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
            if !(1..=32).contains(&queue.name.len()) || !queue.name.bytes().all(letter) {
                return wrong("queues.name".into(), queue.name.clone(), "1 to 32 of a-z, 0-9, - and _");
            }
            if self.queues[..at].iter().any(|other| other.name == queue.name) {
                return wrong("queues.name".into(), queue.name.clone(), "each name once");
            }
            if !CONCURRENCY.contains(&queue.concurrency) {
                return wrong(field("concurrency"), queue.concurrency.to_string(), CONCURRENCY_ACCEPTED);
            }
            if !(1..=10_000_000).contains(&queue.bound) {
                return wrong(field("bound"), queue.bound.to_string(), "1 to 10000000");
            }
            if let Some(weight) = queue.weights.iter().find(|weight| !(1..=1000).contains(*weight)) {
                return wrong(field("weights"), weight.to_string(), "1 to 1000");
            }
            if let Some(rate) = queue.rate
                && (!(1..=100_000).contains(&rate.jobs)
                    || !(Duration::from_millis(1)..=24 * HOUR).contains(&rate.per))
            {
                return wrong(field("rate"), format!("{rate:?}"), "1 to 100000 jobs in 1 ms to 24 h");
            }
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(600)).contains(&self.lease) {
            return wrong("lease".into(), format!("{:?}", self.lease), "1 s to 10 min");
        }
        if !(1..=1 << 20).contains(&self.payload_max) {
            return wrong("payload_max".into(), self.payload_max.to_string(), "1 to 1048576 bytes");
        }
        Ok(())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.queues.iter().map(|queue| queue.name.clone()).collect()
    }
}
