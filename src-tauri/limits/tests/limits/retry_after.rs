use std::time::{Duration, UNIX_EPOCH};

use eider_limits::RetryAfter;

use crate::support::secs;

/// 1994-11-06 08:49:37 UTC, the example of RFC 9110.
const EXAMPLE_MS: i64 = 784_111_777_000;

#[test]
fn seconds_and_dates_are_read_and_nothing_else() {
    let at = |ms: i64| Some(RetryAfter::At(UNIX_EPOCH + Duration::from_millis(ms.unsigned_abs())));
    let delay = |s| Some(RetryAfter::Delay(secs(s)));
    let cases = [
        ("0", delay(0)),
        ("119", delay(119)),
        (" 30 ", delay(30)),
        ("007", delay(7)),
        ("99999999999999999999999999", delay(u64::MAX)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", at(EXAMPLE_MS)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", at(EXAMPLE_MS)),
        ("Sun Nov  6 08:49:37 1994", at(EXAMPLE_MS)),
        ("", None),
        (" ", None),
        ("-5", None),
        ("+5", None),
        ("1.5", None),
        ("30s", None),
        ("soon", None),
        ("٣٠", None),
        ("1994-11-06T08:49:37Z", None),
    ];
    for (value, expected) in cases {
        assert_eq!(RetryAfter::parse(value), expected, "{value:?}");
    }
}

#[test]
fn the_wait_is_clamped_and_a_past_date_is_none() {
    let cap = secs(600);
    let date = RetryAfter::parse("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
    let cases = [
        (RetryAfter::Delay(secs(30)), EXAMPLE_MS, secs(30)),
        (RetryAfter::Delay(secs(u64::MAX)), EXAMPLE_MS, cap),
        (date, EXAMPLE_MS - 30_000, secs(30)),
        (date, EXAMPLE_MS - 86_400_000, cap),
        (date, EXAMPLE_MS, Duration::ZERO),
        (date, EXAMPLE_MS + 1_000, Duration::ZERO),
        (date, -1, cap),
    ];
    for (retry_after, wall_ms, expected) in cases {
        assert_eq!(retry_after.wait(wall_ms, cap), expected, "{retry_after:?} at {wall_ms}");
    }
}
