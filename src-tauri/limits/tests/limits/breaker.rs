use std::time::{Duration, Instant};

use eider_limits::{Breaker, BreakerConfig, BreakerState, Outcome, Permit, Tripped};

use crate::support::secs;

/// One step of a case; times are seconds from the start.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// So many calls pass and come out so.
    Calls(u32, Outcome),
    /// A call passes and is answered after so many seconds.
    Slow(u64),
    /// A call passes and stays in flight.
    Send,
    /// The oldest call in flight comes out so.
    Reply(Outcome),
    Refused,
    Isolate,
    Close,
    At(u64),
    Closed,
    /// Open until then.
    Open(u64),
    HalfOpen,
    Isolated,
}

use Outcome::{Failure, Ignored, Success};
use Step::{At, Calls, Close, Closed, HalfOpen, Isolate, Isolated, Open, Refused, Reply, Send, Slow};

fn check(name: &str, config: BreakerConfig, steps: &[Step]) {
    let start = Instant::now();
    let mut now = start;
    let mut breaker = Breaker::new(config, now);
    let mut in_flight: Vec<Permit> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let context = format!("{name}, step {number}: {step:?}");
        let state = breaker.state(now);
        match *step {
            Calls(count, outcome) => {
                for _ in 0..count {
                    let permit = breaker.pass(now).expect(&context);
                    breaker.report(permit, outcome, Duration::ZERO, now);
                }
            }
            Slow(took) => {
                let permit = breaker.pass(now).expect(&context);
                breaker.report(permit, Success, secs(took), now);
            }
            Send => in_flight.push(breaker.pass(now).expect(&context)),
            Reply(outcome) => {
                breaker.report(in_flight.remove(0), outcome, Duration::ZERO, now);
            }
            Refused => {
                assert!(breaker.check(now).is_err(), "{context}");
                assert!(breaker.pass(now).is_err(), "{context}");
            }
            Isolate => breaker.isolate(now),
            Close => breaker.close(now),
            At(at) => now = start + secs(at),
            Closed => assert_eq!(state, BreakerState::Closed, "{context}"),
            Open(until) => assert_eq!(state, BreakerState::Open { until: start + secs(until) }, "{context}"),
            HalfOpen => assert_eq!(state, BreakerState::HalfOpen, "{context}"),
            Isolated => assert_eq!(state, BreakerState::Isolated, "{context}"),
        }
    }
}

#[test]
fn it_moves_between_its_states_as_configured() {
    let cases: &[(&str, &[Step])] = &[
        ("seven failures conclude nothing", &[Calls(7, Failure), Closed]),
        ("the eighth opens", &[Calls(8, Failure), Open(5), Refused]),
        ("half of the calls is enough", &[Calls(4, Success), Calls(4, Failure), Open(5)]),
        ("less than half is not", &[Calls(5, Success), Calls(4, Failure), Closed]),
        (
            "a success concludes nothing",
            &[Calls(4, Failure), Calls(4, Success), Closed, Calls(1, Failure), Open(5)],
        ),
        ("old failures are forgotten", &[Calls(7, Failure), At(60), Calls(7, Failure), Closed]),
        ("recent ones are not", &[Calls(4, Failure), At(59), Calls(4, Failure), Open(64)]),
        ("429s and given-up calls count nowhere", &[Calls(100, Ignored), Calls(7, Failure), Closed]),
        ("slow answers are failures", &[Calls(7, Failure), Slow(7), Closed, Slow(8), Open(5)]),
        (
            "two good probes close",
            &[Calls(8, Failure), At(5), HalfOpen, Calls(1, Success), HalfOpen, Calls(1, Success), Closed],
        ),
        ("a close forgets", &[Calls(8, Failure), At(5), Calls(2, Success), Calls(7, Failure), Closed]),
        (
            "a failed probe opens for twice as long",
            &[Calls(8, Failure), At(5), Calls(1, Failure), Open(15), At(14), Refused, At(15), HalfOpen],
        ),
        ("a slow probe is a failed one", &[Calls(8, Failure), At(5), Slow(8), Open(15)]),
        (
            "a close resets the doubling",
            &[
                Calls(8, Failure),
                At(5),
                Calls(1, Failure),
                At(15),
                Calls(2, Success),
                Calls(8, Failure),
                Open(20),
            ],
        ),
        (
            "openings last at most five minutes",
            &[
                Calls(8, Failure),
                At(5),
                Calls(1, Failure),
                Open(15),
                At(15),
                Calls(1, Failure),
                Open(35),
                At(35),
                Calls(1, Failure),
                Open(75),
                At(75),
                Calls(1, Failure),
                Open(155),
                At(155),
                Calls(1, Failure),
                Open(315),
                At(315),
                Calls(1, Failure),
                Open(615),
                At(615),
                Calls(1, Failure),
                Open(915),
                At(915),
                Calls(1, Failure),
                Open(1215),
            ],
        ),
        ("no more probes than configured", &[Calls(8, Failure), At(5), Send, Send, Refused]),
        (
            "a success does not let a third in",
            &[Calls(8, Failure), At(5), Send, Send, Reply(Success), Refused],
        ),
        (
            "a probe given up lets another in",
            &[Calls(8, Failure), At(5), Send, Send, Reply(Ignored), Send, Refused],
        ),
        (
            "the other probe of a failed pair changes nothing",
            &[
                Calls(8, Failure),
                At(5),
                Send,
                Send,
                Reply(Failure),
                Open(15),
                Reply(Success),
                Open(15),
                At(15),
                Calls(1, Success),
                HalfOpen,
            ],
        ),
        (
            "stragglers from before count nowhere",
            &[
                Send,
                Send,
                Calls(8, Failure),
                At(5),
                Send,
                Reply(Failure),
                Reply(Success),
                HalfOpen,
                Reply(Success),
                HalfOpen,
            ],
        ),
        (
            "isolated by hand until closed by hand",
            &[Isolate, Isolated, Refused, At(100_000), Refused, Close, Closed, Calls(1, Success)],
        ),
        ("closed by hand while open", &[Calls(8, Failure), Close, Closed, Calls(7, Failure), Closed]),
        (
            "isolated while half open",
            &[Calls(8, Failure), At(5), Send, Isolate, Reply(Failure), Isolated, Close, Closed],
        ),
    ];
    for (name, steps) in cases {
        check(name, BreakerConfig::default(), steps);
    }
}

#[test]
fn a_refusal_says_when_to_come_back() {
    let start = Instant::now();
    let mut breaker = Breaker::new(BreakerConfig { min_calls: 1, ..BreakerConfig::default() }, start);
    let permit = breaker.pass(start).unwrap();
    assert!(breaker.report(permit, Failure, Duration::ZERO, start), "the state changed");
    assert_eq!(breaker.pass(start + secs(1)).unwrap_err(), Tripped::Open { until: start + secs(5) });
    assert_eq!(breaker.since(start + secs(1)), start);
    assert_eq!(breaker.since(start + secs(9)), start + secs(5));
    breaker.isolate(start + secs(9));
    assert_eq!(breaker.pass(start + secs(9)).unwrap_err(), Tripped::Isolated);
}

#[test]
fn outcomes_beyond_the_memory_push_out_the_oldest() {
    let now = Instant::now();
    let mut breaker = Breaker::new(BreakerConfig::default(), now);
    for outcome in [Success; 3 * Breaker::KEPT].into_iter().chain([Failure; Breaker::KEPT / 2 - 1]) {
        let permit = breaker.pass(now).unwrap();
        breaker.report(permit, outcome, Duration::ZERO, now);
    }
    assert_eq!(breaker.state(now), BreakerState::Closed);
    let permit = breaker.pass(now).unwrap();
    assert!(breaker.report(permit, Failure, Duration::ZERO, now));
}
