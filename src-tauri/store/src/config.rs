use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Loss of power: every commit waits for the disk (`synchronous=FULL`).
    Full,
    /// The death of the process, but not loss of power (`synchronous=NORMAL`); for what can be made anew.
    Normal,
}

/// How a [`Store`](crate::Store) behaves; [`Default`] is right for a durable file.
#[derive(Clone, Debug)]
pub struct Config {
    /// What an acknowledged write survives.
    pub durability: Durability,
    /// Read connections open at most at once: 1 to 10.
    pub max_readers: usize,
    /// A read connection unused for so long is closed: 1 ms to 1 h.
    pub reader_idle: Duration,
    /// A read waits so long at most for a connection: 1 ms to 60 s.
    pub reader_wait: Duration,
    /// Reads waiting for a connection at most at once: 1 to 65,536.
    pub read_queue: usize,
    /// How often a lock that is still held after `busy_timeout` is tried again: 0 to 10.
    pub busy_retries: u32,
    /// How long SQLite waits for a lock at each try: 0 to 60 s.
    pub busy_timeout: Duration,
    /// A call that takes at least so long is logged with its query plan: 0 (all of them) to 1 h.
    pub slow_query: Duration,
    /// Writes that share one commit at most: 1 to 4,096.
    pub group_limit: usize,
    /// Writes waiting for the writer at most: 1 to 65,536.
    pub write_queue: usize,
    /// Reads and checks the whole file while opening it, as is wise after an unclean end.
    pub quick_check: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            durability: Durability::Full,
            max_readers: 10,
            reader_idle: Duration::from_secs(30),
            reader_wait: Duration::from_secs(5),
            read_queue: 1024,
            busy_retries: 3,
            busy_timeout: Duration::from_secs(1),
            slow_query: Duration::from_millis(50),
            group_limit: 128,
            write_queue: 1024,
            quick_check: false,
        }
    }
}

/// A value of [`Config`] outside its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value} is not accepted: use {accepted}")]
pub struct ConfigError {
    /// The field's name.
    pub key: &'static str,
    /// The value it had.
    pub value: String,
    /// The range it may have.
    pub accepted: String,
}

impl Config {
    /// Says which value is outside its range, if one is.
    ///
    /// # Errors
    /// The first such value, in the order of the fields.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let ms = Duration::from_millis(1);
        let minute = Duration::from_secs(60);
        let hour = minute * 60;
        within("max_readers", self.max_readers, 1..=10)?;
        within("reader_idle", self.reader_idle, ms..=hour)?;
        within("reader_wait", self.reader_wait, ms..=minute)?;
        within("read_queue", self.read_queue, 1..=65_536)?;
        within("busy_retries", self.busy_retries, 0..=10)?;
        within("busy_timeout", self.busy_timeout, Duration::ZERO..=minute)?;
        within("slow_query", self.slow_query, Duration::ZERO..=hour)?;
        within("group_limit", self.group_limit, 1..=4_096)?;
        within("write_queue", self.write_queue, 1..=65_536)
    }
}

fn within<T: PartialOrd + fmt::Debug>(
    key: &'static str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    let accepted = format!("{:?} to {:?}", range.start(), range.end());
    Err(ConfigError { key, value: format!("{value:?}"), accepted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_within_its_own_bounds() {
        assert_eq!(Config::default().validate(), Ok(()));
    }

    #[test]
    fn a_value_outside_its_range_is_named_with_the_range() {
        let config = Config { max_readers: 11, ..Config::default() };
        let error = config.validate().expect_err("eleven readers are one too many");
        assert_eq!(error.to_string(), "max_readers = 11 is not accepted: use 1 to 10");

        let config = Config { reader_wait: Duration::ZERO, ..Config::default() };
        let error = config.validate().expect_err("a read must be allowed to wait");
        assert_eq!(error.to_string(), "reader_wait = 0ns is not accepted: use 1ms to 60s");
    }
}
