use std::time::{Duration, Instant};

use eider_limits::{Slot, Window};
use proptest::prelude::*;

use crate::support::{most_in_a_minute, secs};

#[derive(Debug, Clone)]
enum Step {
    /// After a pause, tries a call that lasts so long and that the server sees at this share of it.
    Call { pause_ms: u64, lasts_ms: u64, seen_percent: u32 },
    /// After a pause, the process dies and starts again; ends of the last so many ms were not durable.
    Crash { pause_ms: u64, lost_ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let call = (0..6_000_u64, prop_oneof![Just(0), 0..40_000_u64, 0..130_000_u64], 0..=100_u32);
    let call =
        call.prop_map(|(pause_ms, lasts_ms, seen_percent)| Step::Call { pause_ms, lasts_ms, seen_percent });
    let crash = (0..9_000_u64, 0..20_000_u64);
    let crash = crash.prop_map(|(pause_ms, lost_ms)| Step::Crash { pause_ms, lost_ms });
    prop_oneof![12 => call, 1 => crash]
}

struct Flight {
    slot: Slot,
    ends: Instant,
    seen: Instant,
}

/// A process, its server and its journal of ends, over simulated time.
struct Run {
    limit: u32,
    now: Instant,
    window: Window,
    flights: Vec<Flight>,
    ends: Vec<Instant>,
    log: Vec<Instant>,
    refused: u32,
}

impl Run {
    fn new(limit: u32) -> Self {
        let window = Window::new(limit, secs(60));
        let (flights, ends, log) = (Vec::new(), Vec::new(), Vec::new());
        Self { limit, now: Instant::now(), window, flights, ends, log, refused: 0 }
    }

    fn pass(&mut self, pause_ms: u64) {
        let until = self.now + Duration::from_millis(pause_ms);
        self.flights.sort_by_key(|flight| flight.ends);
        while self.flights.first().is_some_and(|flight| flight.ends <= until) {
            let flight = self.flights.remove(0);
            self.window.finish(flight.slot, flight.ends);
            self.ends.push(flight.ends);
            self.log.push(flight.seen);
        }
        self.now = until;
    }

    fn call(&mut self, lasts_ms: u64, seen_percent: u32) {
        let lasts = Duration::from_millis(lasts_ms);
        match self.window.take(self.now) {
            Ok(slot) => {
                let seen = self.now + lasts * seen_percent / 100;
                self.flights.push(Flight { slot, ends: self.now + lasts, seen });
            }
            Err(free) => {
                self.refused += 1;
                assert!(free.is_none_or(|free| free > self.now), "told to come back in the past");
            }
        }
    }

    fn crash(&mut self, lost_ms: u64) {
        self.window = Window::new(self.limit, secs(60));
        let mut settled = Vec::new();
        for flight in self.flights.drain(..) {
            self.log.push(flight.seen.min(self.now));
            settled.push(self.now);
            self.window.restore(self.now, Duration::ZERO);
        }
        for end in &self.ends {
            let age = self.now.duration_since(*end);
            let lost = age < Duration::from_millis(lost_ms);
            self.window.restore(self.now, if lost { Duration::ZERO } else { age });
        }
        // The restart settles them: the next one knows that they ended here.
        self.ends.append(&mut settled);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_minute_of_the_servers_log_holds_more_than_the_limit(
        limit in 1..12_u32,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut run = Run::new(limit);
        for step in steps {
            match step {
                Step::Call { pause_ms, lasts_ms, seen_percent } => {
                    run.pass(pause_ms);
                    run.call(lasts_ms, seen_percent);
                }
                Step::Crash { pause_ms, lost_ms } => {
                    run.pass(pause_ms);
                    run.crash(lost_ms);
                }
            }
        }
        run.pass(200_000);
        run.log.sort_unstable();
        let most = most_in_a_minute(&run.log);
        prop_assert!(most <= limit as usize, "{} calls within 60 s, the limit is {}", most, limit);
    }

    #[test]
    fn the_moment_it_names_is_the_first_that_passes(
        limit in 1..8_u32,
        ends_ms in prop::collection::vec(0..59_000_u64, 8..20),
    ) {
        let start = Instant::now();
        let mut window = Window::new(limit, secs(60));
        for end in ends_ms {
            window.restore(start, Duration::from_millis(end));
        }
        if let Err(Some(free)) = window.take(start) {
            prop_assert!(window.take(free - Duration::from_nanos(1)).is_err());
            let slot = window.take(free);
            prop_assert!(slot.is_ok());
            window.cancel(slot.unwrap());
        }
    }
}

#[test]
fn a_call_in_flight_never_expires() {
    let start = Instant::now();
    let mut window = Window::new(1, secs(60));
    let slot = window.take(start).unwrap();
    assert_eq!(window.take(start + secs(86_400)).unwrap_err(), None);
    window.finish(slot, start + secs(86_400));
    assert_eq!(window.take(start + secs(86_400)).unwrap_err(), Some(start + secs(86_460)));
    let slot = window.take(start + secs(86_460)).unwrap();
    window.cancel(slot);
    assert_eq!(window.used(start + secs(86_460)), 0);
}

#[test]
fn a_lower_limit_waits_for_enough_slots_to_come_free() {
    let start = Instant::now();
    let mut window = Window::new(4, secs(60));
    for age in [50, 40, 30, 20] {
        window.restore(start, secs(age));
    }
    window.set_limit(2);
    assert_eq!(window.free_at(start, 0), Some(start + secs(30)));
    assert_eq!(window.free_at(start, 1), Some(start + secs(40)));
    assert_eq!(window.empty_at(start), Some(start + secs(40)));
}
