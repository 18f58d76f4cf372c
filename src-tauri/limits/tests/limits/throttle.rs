use std::time::Instant;

use eider_limits::Throttle;
use proptest::prelude::*;

use crate::support::secs;

#[test]
fn a_429_halves_and_quiet_minutes_give_tenths_back() {
    let start = Instant::now();
    let mut throttle = Throttle::new(50, secs(60));
    throttle.cut(start, start, start + secs(30));
    let cases = [(0, 25), (30, 25), (89, 25), (90, 30), (150, 35), (329, 45), (330, 50), (100_000, 50)];
    for (at, allowed) in cases {
        assert_eq!(throttle.allowed(start + secs(at)), allowed, "after {at} s");
    }
    assert_eq!(throttle.next_step(start), Some(start + secs(90)));
    assert_eq!(throttle.next_step(start + secs(90)), Some(start + secs(150)));
    assert_eq!(throttle.next_step(start + secs(330)), None);
}

#[test]
fn a_burst_of_429s_halves_once_and_a_later_one_again() {
    let start = Instant::now();
    let mut throttle = Throttle::new(40, secs(60));
    throttle.cut(start + secs(1), start, start + secs(1));
    throttle.cut(start + secs(2), start, start + secs(2));
    assert_eq!(throttle.allowed(start + secs(2)), 20);
    throttle.cut(start + secs(3), start + secs(2), start + secs(3));
    assert_eq!(throttle.allowed(start + secs(3)), 10);
}

proptest! {
    #[test]
    fn it_allows_at_least_one_and_at_most_the_ceiling_and_recovers(
        ceiling in 1..200_u32,
        cuts in prop::collection::vec(0..400_u64, 0..30),
    ) {
        let mut throttle = Throttle::new(ceiling, secs(60));
        let mut now = Instant::now();
        for pause in cuts {
            now += secs(pause);
            throttle.cut(now, now, now + secs(10));
            prop_assert!((1..=ceiling).contains(&throttle.allowed(now)));
        }
        while let Some(next) = throttle.next_step(now) {
            prop_assert!(next > now && throttle.allowed(next) > throttle.allowed(now));
            now = next;
        }
        prop_assert_eq!(throttle.allowed(now), ceiling);
    }
}
