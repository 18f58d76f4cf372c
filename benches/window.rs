//! The desktop program against a bare Tauri window, both on a display of their own.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context;
use window_tests::{Desktop, Home, Market, Process, program};

use crate::{
    report::Report,
    usage::{cpu_pct, memory_mib},
};

/// Starts of each program, in turn.
const RUNS: usize = 7;
/// After this long a program has loaded all that it loads by itself.
const SETTLED: Duration = Duration::from_secs(10);
const CPU_SPAN: Duration = Duration::from_secs(30);
/// A start that takes longer has failed.
const START_AT_LATEST: Duration = Duration::from_secs(30);

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let desktop = Desktop::start().await?;
    let mut market = Market::start().await?;
    let home = Home::with_config(&format!(
        "profile = \"local\"\n\n[market]\nbase_url = \"{}\"\nrate_limit_per_minute = 100\n",
        market.base_url()
    ))?;
    // Fills the store.
    eider(&desktop, &home, &[]).await?.stop(&home).await?;

    // With the source gone, whatever is drawn comes from the store.
    market.die().await;
    let (mut bare_ms, mut eider_ms) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (process, elapsed) = bare(&desktop, &home)?;
        drop(process);
        bare_ms.push(elapsed.as_secs_f64() * 1000.0);
        let started = eider(&desktop, &home, &[]).await?;
        eider_ms.push(started.elapsed.as_secs_f64() * 1000.0);
        started.stop(&home).await?;
    }
    let (bare_ms, eider_ms) = (median(bare_ms), median(eider_ms));
    report.add("bare window, start to first paint", bare_ms, "ms", None);
    report.add("start to first chart drawn from the store", eider_ms, "ms", None);
    report.add("the same, over the bare window", eider_ms / bare_ms, "×", Some(1.5));

    market.come_back().await?;
    let (process, _) = bare(&desktop, &home)?;
    tokio::time::sleep(SETTLED).await;
    let bare_mib = memory_mib(&process);
    drop(process);
    let started = eider(&desktop, &home, &[]).await?;
    tokio::time::sleep(SETTLED).await;
    let eider_mib = memory_mib(&started.process);
    report.add("bare window, memory (PSS)", bare_mib, "MiB", None);
    report.add("memory (PSS of the process tree)", eider_mib, "MiB", None);
    report.add("the same, over the bare window", eider_mib / bare_mib, "×", Some(1.3));
    report.add(
        "CPU while visible, one update a second",
        cpu_pct(&started.process, CPU_SPAN).await,
        "% of a core",
        Some(5.0),
    );
    started.stop(&home).await?;

    let hidden = spawn(&desktop, &home, &["--hidden"])?;
    tokio::time::sleep(SETTLED).await;
    report.add("CPU while hidden", cpu_pct(&hidden, CPU_SPAN).await, "% of a core", Some(0.5));
    Ok(())
}

struct Started {
    process: Process,
    elapsed: Duration,
}

impl Started {
    async fn stop(self, home: &Home) -> anyhow::Result<()> {
        Process::terminate(self.process.id());
        let lock = home.data_dir().join("lock");
        window_tests::until("a clean stop", async || {
            Ok(fs::read_to_string(&lock)?.contains("clean").then_some(()))
        })
        .await
    }
}

/// Starts the program and waits until its log tells of the first chart.
async fn eider(desktop: &Desktop, home: &Home, flags: &[&str]) -> anyhow::Result<Started> {
    // The log of the former run would tell the same.
    let logs = home.data_dir().join("logs");
    if logs.exists() {
        fs::remove_dir_all(&logs)?;
    }
    let began = Instant::now();
    let process = spawn(desktop, home, flags)?;
    let deadline = began + START_AT_LATEST;
    loop {
        let drawn =
            fs::read_dir(&logs).into_iter().flatten().flatten().any(|entry| {
                fs::read_to_string(entry.path()).is_ok_and(|log| log.contains("first chart drawn"))
            });
        if drawn {
            return Ok(Started { process, elapsed: began.elapsed() });
        }
        anyhow::ensure!(Instant::now() < deadline, "no chart was drawn within {START_AT_LATEST:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn spawn(desktop: &Desktop, home: &Home, flags: &[&str]) -> anyhow::Result<Process> {
    let mut command = Command::new(program("eider")?);
    command.args(home.flags()).args(flags);
    Process::start(desktop.settle(home.settle(&mut command)))
}

fn bare(desktop: &Desktop, home: &Home) -> anyhow::Result<(Process, Duration)> {
    let mut command = Command::new(program("bare-window")?);
    let began = Instant::now();
    let mut process = Process::start(desktop.settle(home.settle(command.stdout(Stdio::piped()))))?;
    let output = process.output().context("its output is piped")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    anyhow::ensure!(line == "painted\n", "the bare window said {line:?}");
    Ok((process, began.elapsed()))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
