//! The limit of calls by user, with a million users: the time of a decision, and what a user takes in memory.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use eider_limits::{Quota, SharedGcra};
use governor::{DefaultKeyedRateLimiter, RateLimiter};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::peer::resident;
use crate::report::Report;
use crate::rounds::median;

const USERS: u64 = 1_000_000;
const ROUNDS: usize = 9;
const PER_MINUTE: u32 = 100;

pub(crate) fn measure(report: &mut Report, scale: usize) -> anyhow::Result<()> {
    report.version(format!("governor {}", governor_version()?));
    let calls = 2_000_000 / scale;
    let mut random = SmallRng::seed_from_u64(7);
    let drawn: Vec<u64> = (0..calls).map(|_| random.random_range(0..USERS)).collect();
    let (eider, governor) = (eider(), governor());
    (0..USERS).for_each(|user| {
        _ = black_box(take(&eider, user));
        _ = black_box(governor.check_key(&user));
    });
    for threads in [1, 2] {
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            times[0].push(on_threads(threads, &drawn, |user| take(&eider, user)));
            times[1].push(on_threads(threads, &drawn, |user| governor.check_key(&user).is_ok()));
        }
        let [ours, theirs] = times.map(median);
        let work = format!("limiter decision, {USERS} users, {threads} thread(s)");
        report.row(&work, "Eider", ours, "ns", "bounded memory; what is left and when it is whole again");
        report.row(&work, "governor", theirs, "ns", "DashMap, yes or no and until when");
        report.at_most(format!("{work}: / governor"), ours / theirs, 1.3);
    }
    let memory = |contender| -> anyhow::Result<f64> {
        let out = Command::new(std::env::current_exe()?).args(["--users", contender]).output()?;
        anyhow::ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        Ok(String::from_utf8(out.stdout)?.trim().parse()?)
    };
    let (ours, theirs) = (memory("eider")?, memory("governor")?);
    let work = format!("limiter memory a user, {USERS} users");
    report.row(&work, "Eider", ours, "B", "gives back what users who rest do not need, as new ones come");
    report.row(&work, "governor", theirs, "B", "grows until retain_recent is called");
    Ok(())
}

fn eider() -> SharedGcra<u64> {
    let quota = Quota::new(PER_MINUTE, Duration::from_secs(60)).expect("it is positive");
    SharedGcra::new(quota, 10 * USERS as usize)
}

/// As the server uses it: shared, with the time read for each call.
fn take(limiter: &SharedGcra<u64>, user: u64) -> bool {
    limiter.take(&user, Instant::now()).allowed
}

fn governor() -> DefaultKeyedRateLimiter<u64> {
    RateLimiter::dashmap(governor::Quota::per_minute(NonZeroU32::new(PER_MINUTE).expect("it is positive")))
}

/// The time of one call in nanoseconds, for each thread.
fn on_threads(threads: usize, drawn: &[u64], call: impl Fn(u64) -> bool + Sync) -> f64 {
    let share = drawn.len() / threads;
    let since = Instant::now();
    std::thread::scope(|scope| {
        for users in drawn.chunks(share) {
            let call = &call;
            scope.spawn(move || users.iter().for_each(|user| _ = black_box(call(*user))));
        }
    });
    since.elapsed().as_nanos() as f64 / share as f64
}

/// The child: has each user call once, and prints what one takes.
pub(crate) fn hold(contender: &str) -> anyhow::Result<()> {
    let before = resident(std::process::id())?;
    let print = || -> anyhow::Result<()> {
        println!("{}", resident(std::process::id())?.saturating_sub(before) / USERS as usize);
        Ok(())
    };
    match contender {
        "eider" => {
            let limiter = eider();
            (0..USERS).for_each(|user| _ = black_box(take(&limiter, user)));
            print()?;
            drop(limiter);
        }
        "governor" => {
            let limiter = governor();
            (0..USERS).for_each(|user| _ = black_box(limiter.check_key(&user)));
            print()?;
            drop(limiter);
        }
        other => anyhow::bail!("there is no contender {other:?}"),
    }
    Ok(())
}

fn governor_version() -> anyhow::Result<&'static str> {
    let lock = include_str!("Cargo.lock");
    let entry = lock.split("[[package]]").find(|entry| entry.contains("name = \"governor\""));
    let version = entry.and_then(|entry| entry.lines().find_map(|line| line.strip_prefix("version = ")));
    Ok(version.context("the lock file names governor")?.trim_matches('"'))
}
