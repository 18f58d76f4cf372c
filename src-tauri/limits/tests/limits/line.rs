use std::time::{Duration, Instant};

use eider_limits::{Full, Line, Priority};
use proptest::prelude::*;

const STEP: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy)]
struct Waiter {
    number: usize,
    came: Instant,
    priority: Priority,
}

fn priority() -> impl Strategy<Value = Priority> {
    prop::sample::select(Priority::ALL.to_vec())
}

proptest! {
    #[test]
    fn urgent_goes_first_and_ageing_bounds_how_often_one_is_overtaken(
        moves in prop::collection::vec((0..15_000_u64, priority(), 0..2_u8), 1..150),
    ) {
        let mut line = Line::new(1_000, STEP);
        let mut now = Instant::now();
        let mut served = Vec::new();
        let all = moves.len();
        for (number, (pause_ms, priority, serve)) in moves.into_iter().enumerate() {
            now += Duration::from_millis(pause_ms);
            line.join(now, priority, Waiter { number, came: now, priority }).unwrap();
            let head = line.head().filter(|_| serve == 1).map(|(place, _)| place);
            served.extend(head.and_then(|place| line.leave(place)).map(|waiter| (number, waiter)));
        }
        while let Some((place, _)) = line.head() {
            served.push((all, line.leave(place).unwrap()));
        }
        for (index, (at, first)) in served.iter().enumerate() {
            for (_, later) in &served[index + 1..] {
                // Of two that waited together, the one served first…
                if later.number > *at { continue }
                if first.number > later.number && first.priority >= later.priority {
                    prop_assert!(false, "overtaken by one that is not more urgent");
                }
                if first.number > later.number {
                    let bound = STEP * (later.priority.rank().saturating_sub(first.priority.rank()));
                    prop_assert!(first.came - later.came <= bound, "overtaken after the ageing bound");
                } else if first.priority > later.priority {
                    let lead = STEP * (first.priority.rank() - later.priority.rank());
                    prop_assert!(later.came - first.came >= lead, "served before a more urgent one");
                }
            }
        }
    }
}

#[test]
fn low_is_served_under_an_endless_stream_of_critical() {
    let mut line = Line::new(1_000, STEP);
    let start = Instant::now();
    line.join(start, Priority::Low, "low").unwrap();
    let mut passed = Duration::ZERO;
    loop {
        line.join(start + passed, Priority::Critical, "critical").unwrap();
        let (place, _) = line.head().unwrap();
        if line.leave(place) == Some("low") {
            break;
        }
        passed += Duration::from_secs(1);
    }
    assert_eq!(passed, 3 * STEP);
}

#[test]
fn a_full_line_makes_room_for_the_more_urgent_only() {
    let mut line = Line::new(2, STEP);
    let start = Instant::now();
    line.join(start, Priority::Normal, 1).unwrap();
    line.join(start, Priority::Low, 2).unwrap();
    assert_eq!(line.join(start, Priority::Low, 3).unwrap_err(), Full);
    let joined = line.join(start, Priority::Critical, 4).unwrap();
    assert_eq!(joined.put_out, Some(2));
    assert_eq!(line.head().map(|(_, waiter)| *waiter), Some(4));
    assert_eq!(line.join(start, Priority::Normal, 5).unwrap_err(), Full);
    assert_eq!(line.ahead_of(joined.place), 0);
    assert_eq!(line.leave(joined.place), Some(4));
    assert_eq!(line.leave(joined.place), None);
    assert!(!line.holds(joined.place) && line.len() == 1 && !line.is_empty());
}
