//! How it starts, and how it ends.

use std::io::Read;
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::Home;

/// Far above what a stop takes, far below what somebody would wait.
const PROMPTLY: Duration = Duration::from_secs(4);

#[test]
fn either_signal_ends_it_cleanly_and_promptly() {
    for signal in [Signal::TERM, Signal::INT] {
        let home = Home::new();
        let eiderd = home.start();
        assert_eq!(home.lock(), "running");
        eiderd.ok("/v1/prices");
        let address = eiderd.address.clone();
        let asked = Instant::now();
        eiderd.signal(signal);
        let (status, rest, errors) = eiderd.wait();
        assert_eq!((status.code(), rest.as_str(), errors.as_str()), (Some(0), "", ""), "{signal:?}");
        assert!(asked.elapsed() < PROMPTLY, "{:?}", asked.elapsed());
        assert_eq!(home.lock(), "clean");
        assert!(TcpStream::connect(address).is_err());
    }
}

#[test]
fn a_second_signal_changes_nothing() {
    let home = Home::new();
    let eiderd = home.start();
    eiderd.signal(Signal::TERM);
    eiderd.signal(Signal::INT);
    let (status, _, errors) = eiderd.wait();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
    assert_eq!(home.lock(), "clean");
}

#[test]
fn a_client_that_dawdles_does_not_hold_up_the_end_for_long() {
    let home = Home::new();
    let eiderd = home.start();
    let mut half = TcpStream::connect(&eiderd.address).unwrap();
    std::io::Write::write_all(&mut half, b"GET /health HTTP/1.1\r\nHos").unwrap();
    let asked = Instant::now();
    eiderd.stop();
    assert!(asked.elapsed() < Duration::from_secs(9), "{:?}", asked.elapsed());
    assert_eq!(home.lock(), "clean");
}

#[test]
fn after_a_kill_it_starts_again_and_the_data_is_there() {
    let home = Home::new();
    let eiderd = home.start();
    let path = "/v1/tokens/bitcoin/history?range=24h&limit=500";
    let times = |page: &serde_json::Value| -> Vec<i64> {
        page["items"].as_array().unwrap().iter().map(|item| item["at_ms"].as_i64().unwrap()).collect()
    };
    let before = times(&eiderd.ok(path));
    eiderd.signal(Signal::KILL);
    let (status, ..) = eiderd.wait();
    assert_eq!(status.code(), None, "a signal ended it");
    assert_eq!(home.lock(), "running");

    let eiderd = home.start();
    let page = eiderd.ok(path);
    assert_eq!(page["cache_level"], "database", "nothing had to be asked for again");
    let after = times(&page);
    // The newest point moves on with every refresh, and the oldest may have left the range.
    assert!(before[1..before.len() - 1].iter().all(|at_ms| after.contains(at_ms)));
    for name in ["eider.db", "cache.db", "metrics.db"] {
        assert!(home.set_aside(name).is_empty(), "{name} was not damaged by the kill");
    }
    eiderd.stop();
    assert_eq!(home.lock(), "clean");
}

#[test]
fn it_runs_on_when_nobody_reads_its_output() {
    let home = Home::new();
    let mut eiderd = home.start();
    eiderd.close_output();
    eiderd.ok("/health");
    eiderd.stop();
}

#[test]
fn outputs_closed_from_the_start_are_no_reason_to_fail() {
    let home = Home::new();
    let mut command = std::process::Command::new("sh");
    let eiderd = home.command(&["--listen", "192.0.2.1:0"]);
    command.args(["-c", "exec \"$@\" >&- 2>&-", "sh"]).arg(eiderd.get_program()).args(eiderd.get_args());
    let mut child = command.env("HOME", home.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!((child.wait().unwrap().code(), text.as_str()), (Some(1), ""));
}
