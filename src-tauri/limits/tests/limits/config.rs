use std::time::Duration;

use eider_limits::{Backoff, Config};

use crate::support::secs;

type Spoil = fn(&mut Config);

#[test]
fn the_defaults_are_valid_and_a_wrong_value_is_named_with_its_range() {
    assert_eq!(Config::new("CoinGecko").validate(), Ok(()));
    let cases: &[(Spoil, &str)] = &[
        (|c| c.limit = 0, "limit is 0; it must be from 1 to 100000"),
        (|c| c.window = Duration::ZERO, "window is 0ns; it must be from 1s to 86400s"),
        (|c| c.month_budget = Some(0), "month_budget is 0; it must be from 1 to 4294967295"),
        (|c| c.queue = 0, "queue is 0; it must be from 1 to 65536"),
        (
            |c| c.age_step = Duration::MAX,
            "age_step is 18446744073709551615.999999999s; it must be from 0ns to 3600s",
        ),
        (|c| c.concurrency = 65, "concurrency is 65; it must be from 1 to 64"),
        (|c| c.attempt_timeout = secs(301), "attempt_timeout is 301s; it must be from 10ms to 300s"),
        (|c| c.attempts = 0, "attempts is 0; it must be from 1 to 10"),
        (|c| c.backoff.cap = Duration::ZERO, "backoff.cap is 0ns; it must be from 500ms to 600s"),
        (|c| c.retry_after_cap = Duration::ZERO, "retry_after_cap is 0ns; it must be from 1s to 86400s"),
        (|c| c.breaker.failure_ratio = f64::NAN, "breaker.failure_ratio is NaN; it must be from 0.01 to 1"),
        (|c| c.breaker.open_max = secs(1), "breaker.open_max is 1s; it must be from 5s to 3600s"),
        (|c| c.breaker.probes = 4, "breaker.probes is 4; it must be from 1 to 3"),
    ];
    for (spoil, message) in cases {
        let mut config = Config::new("CoinGecko");
        spoil(&mut config);
        assert_eq!(config.validate().unwrap_err().to_string(), *message);
    }
}

#[test]
fn the_backoff_doubles_up_to_its_cap_and_jitters_below() {
    let backoff = Backoff { base: Duration::from_millis(500), cap: secs(30) };
    let ceilings: Vec<_> = (1..=9).map(|failures| backoff.ceiling(failures).as_millis()).collect();
    assert_eq!(ceilings, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    assert_eq!(backoff.ceiling(u32::MAX), secs(30));
    let waits: Vec<_> = (0..500).map(|_| backoff.wait(3)).collect();
    assert!(waits.iter().all(|wait| *wait <= secs(2)));
    assert!(waits.iter().any(|wait| *wait < secs(1)) && waits.iter().any(|wait| *wait > secs(1)));
}
