//! Finding a new job in order, before anything is written.

use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::clock::millis;
use crate::core::Core;
use crate::insert::Ready;
use crate::new_job::Due;
use crate::{AddError, NewJob};

/// A range, and how it is told.
pub(crate) struct Accepted<T> {
    range: RangeInclusive<T>,
    told: &'static str,
}

impl<T: PartialOrd + Debug> Accepted<T> {
    /// The value and what is accepted, where it is out of the range.
    pub(crate) fn refusal(&self, value: &T) -> Option<(String, &'static str)> {
        (!self.range.contains(value)).then(|| (format!("{value:?}"), self.told))
    }
}

pub(crate) const ATTEMPTS: Accepted<u32> = Accepted { range: 1..=100, told: "1 to 100" };
pub(crate) const TIMEOUT: Accepted<Duration> =
    Accepted { range: Duration::from_millis(1)..=DAY, told: "1 ms to 24 h" };
pub(crate) const OVERALL: Accepted<Duration> =
    Accepted { range: Duration::from_millis(1)..=YEAR, told: "1 ms to 366 days" };

pub(crate) const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// The most bytes of a job key.
const KEY_MAX: usize = 256;
/// The most bytes of a batch's name.
const BATCH_MAX: usize = 64;

fn invalid<T>(field: &'static str, value: impl ToString, accepted: &'static str) -> Result<T, AddError> {
    Err(AddError::Invalid { field, value: value.to_string(), accepted })
}

impl Core {
    pub(crate) fn admit(&self, job: NewJob) -> Result<Ready, AddError> {
        let Some((name, kind)) = self.kinds.get_key_value(&*job.kind) else {
            return Err(AddError::UnknownKind {
                kind: job.kind,
                known: self.kinds.keys().copied().collect(),
            });
        };
        let defaults = &kind.defaults;
        let queue = self.queue_config(job.queue.as_deref().unwrap_or(defaults.queue))?;
        let payload = job.payload.to_string();
        if payload.len() > self.config.payload_max {
            return Err(AddError::PayloadTooLarge { bytes: payload.len(), max: self.config.payload_max });
        }
        let examined = kind
            .handler
            .examine(&job.payload)
            .map_err(|reason| AddError::BadPayload { kind: (*name).to_owned(), reason })?;
        let key = job.key.or(examined.key);
        if let Some(key) = key.as_ref().filter(|key| !(1..=KEY_MAX).contains(&key.len())) {
            return invalid("key", format!("{} bytes", key.len()), "1 to 256 bytes");
        }
        if let Some(batch) = job.batch.as_ref().filter(|batch| !(1..=BATCH_MAX).contains(&batch.len())) {
            return invalid("batch", format!("{} bytes", batch.len()), "1 to 64 bytes");
        }
        let attempts = job.attempts.unwrap_or(defaults.attempts);
        if let Some((value, accepted)) = ATTEMPTS.refusal(&attempts) {
            return invalid("attempts", value, accepted);
        }
        let timeout = job.timeout.unwrap_or(defaults.timeout);
        if let Some((value, accepted)) = TIMEOUT.refusal(&timeout) {
            return invalid("timeout", value, accepted);
        }
        let overall = job.overall.or(defaults.overall);
        if let Some((value, accepted)) = overall.and_then(|overall| OVERALL.refusal(&overall)) {
            return invalid("overall", value, accepted);
        }
        let now_ms = self.clock.now_ms();
        let run_at_ms = match job.due {
            Due::In(delay) if delay > YEAR => {
                return invalid(
                    "delay_ms",
                    delay.as_nanos().div_ceil(1_000_000),
                    "0 to 31622400000 (366 days)",
                );
            }
            Due::In(delay) => now_ms.saturating_add(millis(delay)),
            Due::At(at_ms) if at_ms < 0 || at_ms > now_ms.saturating_add(millis(YEAR)) => {
                return invalid("run_at_ms", at_ms, "a time up to 366 days ahead, in Unix milliseconds");
            }
            Due::At(at_ms) => at_ms.max(now_ms),
        };
        Ok(Ready {
            kind: name,
            queue: queue.name.clone(),
            bound: queue.bound,
            priority: job.priority.unwrap_or(defaults.priority),
            about: examined.about,
            key,
            unique: job.unique.unwrap_or(defaults.unique),
            payload,
            attempts,
            timeout_ms: millis(timeout),
            overall_ms: overall.map(millis),
            now_ms,
            run_at_ms,
            batch: job.batch,
            loaded: self.live().load.deferring,
        })
    }
}
