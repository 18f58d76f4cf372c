//! Databases that are damaged at the start.

use std::fs;
use std::path::Path;

use crate::process::Home;

const DATABASES: [(&str, &str); 3] =
    [("eider.db", "database"), ("cache.db", "cache_database"), ("metrics.db", "metrics_database")];

fn garble(file: &Path) {
    fs::write(file, "this is no database. ".repeat(1000)).unwrap();
}

/// Damages each database in turn and starts again.
fn check(damage: impl Fn(&Path)) {
    for (name, service) in DATABASES {
        let home = Home::new();
        let eiderd = home.start();
        eiderd.ok("/v1/tokens/bitcoin/history");
        eiderd.stop();
        damage(&home.file(name));
        let damaged = fs::read(home.file(name)).unwrap();

        let eiderd = home.start();
        let kept = home.set_aside(name);
        assert_eq!(kept.len(), 1, "{name} is kept beside its successor");
        assert!(fs::read(&kept[0]).unwrap() == damaged, "{name} is kept as it was");
        let health = eiderd.ok("/health");
        let services = health["services"].as_array().unwrap();
        for told in services.iter().filter(|told| told["name"] != "market") {
            let problem = &told["problem"];
            if told["name"] == service {
                assert_eq!(problem["code"], "damaged_file_set_aside", "{name}: {told}");
                assert!(
                    problem["message"].as_str().unwrap().contains(kept[0].to_str().unwrap()),
                    "{problem}"
                );
            } else {
                assert!(problem.is_null(), "{name}: {told}");
            }
        }
        assert_eq!(eiderd.ok("/health/ready"), "ready\n");
        let prices = eiderd.ok("/v1/prices");
        assert!(prices["items"].as_array().unwrap().iter().all(|item| item["price"].is_number()), "{prices}");
        eiderd.ok("/v1/tokens/bitcoin/history");
        eiderd.stop();

        let eiderd = home.start();
        assert_eq!(home.set_aside(name).len(), 1, "the new {name} is sound");
        let health = eiderd.ok("/health");
        let told = health["services"].as_array().unwrap().iter().find(|told| told["name"] == service);
        assert!(told.unwrap()["problem"].is_null(), "it is told for one run");
        eiderd.stop();
    }
}

#[test]
fn a_file_that_is_no_database_is_set_aside() {
    check(garble);
}

#[test]
fn a_file_that_was_cut_short_is_set_aside() {
    check(|file| {
        let length = fs::metadata(file).unwrap().len();
        let file = fs::OpenOptions::new().write(true).open(file).unwrap();
        file.set_len(length / 2 + 100).unwrap();
    });
}

#[test]
fn all_three_at_once_are_set_aside() {
    let home = Home::new();
    home.start().stop();
    for (name, _) in DATABASES {
        garble(&home.file(name));
    }
    let eiderd = home.start();
    for (name, _) in DATABASES {
        assert_eq!(home.set_aside(name).len(), 1, "{name}");
    }
    eiderd.ok("/v1/prices");
    eiderd.stop();
}
