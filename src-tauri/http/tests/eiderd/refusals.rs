//! What it refuses: one clear sentence and a status.

use std::net::TcpListener;
use std::process::Output;

use crate::process::Home;

/// Checks the status and that stderr is one line that names all of these.
fn check(what: &str, output: &Output, status: i32, named: &[&str]) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{what}: {errors}");
    assert!(errors.starts_with("eiderd: ") && errors.trim_end().lines().count() == 1, "{what}: {errors}");
    for part in named {
        assert!(errors.contains(part), "{what}: {part:?} is not in {errors}");
    }
    assert!(output.stdout.is_empty(), "{what}");
}

#[test]
fn a_wrong_value_is_named_with_its_key_and_what_is_accepted() {
    let home = Home::new();
    for (config, named) in [
        ("[market]\nrefresh_interval_s = 4", &["market.refresh_interval_s", "4", "5 to 3600"][..]),
        ("[http]\nlisten = \"here\"", &["http.listen", "\"here\"", "127.0.0.1:7878"]),
        ("[http]\nrequests_per_minute = 0", &["http.requests_per_minute", "0", "1 to 10000000"]),
        ("profile = \"dmo\"", &["profile", "\"dmo\"", "\"demo\""]),
        ("[market]\nfrob = 1", &["market.frob", "1", "no such key"]),
        ("[market", &["line 1", "TOML"]),
        (
            "[cache]\nmemory_mib = 0\n[log]\nlevel = \"loud\"",
            &["cache.memory_mib", "1 to 4096", "log.level", "\"loud\"", "\"debug\""],
        ),
    ] {
        home.configure(config);
        check(config, &home.run(&[]), 2, named);
    }
    assert!(!home.data_dir().exists(), "nothing was begun");
    home.configure("[market]\nrefresh_interval_s = 5");
    home.start().stop();
}

#[test]
fn a_file_that_cannot_be_read_is_refused() {
    let home = Home::new();
    let folder = home.path().join("eider.toml");
    std::fs::remove_file(&folder).unwrap();
    std::fs::create_dir(&folder).unwrap();
    check("a folder for a file", &home.run(&[]), 2, &["eider.toml", "a file that can be read"]);
}

#[test]
fn a_taken_port_is_refused() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = home.run(&["--listen", &address]);
    check("a taken port", &output, 1, &[&address, "choose another address (--listen"]);
    assert_eq!(home.lock(), "clean");
}

#[test]
fn an_address_that_others_can_reach_is_refused() {
    let home = Home::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let output = home.run(&["--listen", address]);
        check(address, &output, 1, &[address, "can be reached by other machines", "allow_remote"]);
    }
}

#[test]
fn a_data_folder_that_cannot_be_written_is_refused() {
    let home = Home::new();
    let file = home.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    for place in [file.clone(), file.join("data")] {
        let place = place.to_str().unwrap();
        check(place, &home.run(&["--data-dir", place]), 1, &[place, "cannot be written"]);
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "not a folder");
}

#[test]
fn a_second_one_on_the_same_folder_is_refused_and_the_first_runs_on() {
    let home = Home::new();
    let first = home.start();
    check(
        "the second",
        &home.run(&[]),
        1,
        &[home.data_dir().to_str().unwrap(), "in use by another running Eider"],
    );
    first.ok("/health");
    first.stop();
}

#[test]
fn flags_that_are_not_known_end_with_status_2() {
    let home = Home::new();
    for flags in [&["--frobnicate"][..], &["--profile", "dmo"], &["--listen", "here"], &["surplus"]] {
        let output = home.run(flags);
        assert_eq!(output.status.code(), Some(2), "{flags:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(flags[flags.len() - 1]), "{flags:?}");
    }
    for flag in ["--help", "--version"] {
        assert_eq!(home.run(&[flag]).status.code(), Some(0), "{flag}");
    }
    assert!(!home.data_dir().exists(), "nothing was begun");
}
