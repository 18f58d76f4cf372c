//! Schedules over the steps of clocks: those that people make, and those of summer time.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use eider_jobs::{JobId, Periodic, State};

use crate::child::{Process, folder};
use crate::support::{Act, Hands, Rig, START_MS, builder, config, named, open};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn rig(now_ms: i64, cron: &str) -> Rig {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let hands = Arc::new(Hands { wall_ms: now_ms.into(), ..Hands::default() });
    let store = open(folder.path());
    let tick = Periodic { name: "tick".into(), cron: cron.into(), job: named(Act::Done, "tick") };
    let jobs = builder(&store, &hands, config()).periodic(tick).start().await.unwrap();
    Rig { folder, events: jobs.events(), seen: Vec::new(), store, hands, jobs }
}

async fn next_at_ms(rig: &Rig) -> i64 {
    let next = |db: &store::rusqlite::Connection| {
        Ok(db.query_row("SELECT next_at_ms FROM job_periodic", [], |row| row.get(0))?)
    };
    rig.store.read("test.next", next).await.unwrap()
}

#[tokio::test]
async fn a_schedule_goes_on_when_the_clock_is_set_back_and_is_caught_up_with_once_after_it_is_set_forward() {
    let mut rig = rig(START_MS, "*/5 * * * *").await;
    rig.pass(Duration::from_secs(300));
    rig.until(JobId(1), State::Done).await;
    rig.hands.wall_ms.fetch_sub(DAY.as_millis() as i64, Ordering::SeqCst);
    let soon_ms = rig.hands.wall_ms.load(Ordering::SeqCst) + 300_000;
    while next_at_ms(&rig).await != soon_ms {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.hands.begun.lock().unwrap().len(), 1, "nothing is caught up with that was not missed");
    rig.pass(Duration::from_secs(300));
    rig.until(JobId(2), State::Done).await;
    rig.pass(DAY);
    rig.until(JobId(3), State::Done).await;
    rig.pass(Duration::from_secs(300));
    rig.until(JobId(4), State::Done).await;
    assert_eq!(rig.hands.begun.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_clock_that_was_set_back_while_nothing_ran_holds_no_schedule_up() {
    let first = rig(START_MS, "*/5 * * * *").await;
    first.jobs.stop(Duration::ZERO).await;
    first.store.close().await;
    first.hands.wall_ms.fetch_sub(DAY.as_millis() as i64, Ordering::SeqCst);
    let store = open(first.folder.path());
    let tick = Periodic { name: "tick".into(), cron: "*/5 * * * *".into(), job: named(Act::Done, "tick") };
    let jobs = builder(&store, &first.hands, config()).periodic(tick).start().await.unwrap();
    let rig = Rig { events: jobs.events(), seen: Vec::new(), store, jobs, ..first };
    assert_eq!(next_at_ms(&rig).await, START_MS - DAY.as_millis() as i64 + 300_000);
}

#[tokio::test]
async fn of_two_processes_one_adds_what_a_schedule_brings() {
    let first = rig(START_MS, "*/5 * * * *").await;
    let tick = Periodic { name: "tick".into(), cron: "*/5 * * * *".into(), job: named(Act::Done, "tick") };
    let store = open(first.folder.path());
    let eider = eider_jobs::Config { sole_owner: false, ..config() };
    let second = builder(&store, &first.hands, eider).periodic(tick).start().await.unwrap();
    let looked = |store: &store::Store| {
        let stats = store.stats();
        stats.queries.iter().find(|query| query.name == "jobs.add_periodic").map_or(0, |query| query.calls)
    };
    for round in 1..=2_u64 {
        first.pass(Duration::from_secs(300));
        while looked(&first.store) < round || looked(&store) < round {
            tokio::task::yield_now().await;
        }
        let rows = first.jobs.list(&Default::default(), None, 10).await.unwrap().rows;
        assert_eq!(rows.len(), round as usize, "one each time");
    }
    second.stop(Duration::from_secs(5)).await;
}

/// Minutes after midnight of the first day, UTC, at which a schedule comes.
const CASES: [(&str, &str, &[i64]); 5] = [
    // 2026-03-28 00:00Z: at 01:00Z on the 29th, two o'clock becomes three.
    ("2026-03-28", "30 2 * * *", &[90, 1440 + 60, 2 * 1440 + 30]),
    ("2026-03-28", "0 * 29 * *", &[1440 - 60, 1440, 1440 + 60, 1440 + 120]),
    ("2026-03-28", "0 9 * * *", &[8 * 60, 1440 + 7 * 60]),
    // 2026-10-24 00:00Z: at 01:00Z on the 25th, three o'clock becomes two.
    ("2026-10-24", "30 2 * * *", &[30, 1440 + 90, 2 * 1440 + 90]),
    ("2026-10-24", "0 9 * * *", &[7 * 60, 1440 + 8 * 60]),
];

fn midnight_ms(day: &str) -> i64 {
    match day {
        "2026-03-28" => 1_774_656_000_000,
        _ => 1_792_800_000_000,
    }
}

#[tokio::test]
async fn the_child_tells_when_schedules_come() {
    if folder().is_none() {
        return;
    }
    for (case, (day, cron, times)) in CASES.into_iter().enumerate() {
        let mut now_ms = midnight_ms(day);
        for _ in times {
            let rig = rig(now_ms, cron).await;
            now_ms = next_at_ms(&rig).await;
            println!("\ncame {case} {}", (now_ms - midnight_ms(day)) / 60_000);
        }
    }
}

#[test]
fn a_daily_job_comes_once_on_the_days_when_the_clocks_change() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(std::env::current_exe().unwrap());
    // Central Europe, said so that no file of the system is asked.
    program.env("TZ", "CET-1CEST,M3.5.0,M10.5.0/3");
    let mut child = Process::of(program, "cron::the_child_tells_when_schedules_come", folder.path());
    let mut came = vec![Vec::new(); CASES.len()];
    while let Some(line) = child.line() {
        let Some(line) = line.strip_prefix("came ") else { continue };
        let (case, minute) = line.split_once(' ').unwrap();
        came[case.parse::<usize>().unwrap()].push(minute.parse::<i64>().unwrap());
    }
    for ((day, cron, times), came) in CASES.into_iter().zip(came) {
        assert_eq!(came, times, "{cron} from {day}");
    }
}
