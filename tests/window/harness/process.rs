use std::{
    collections::BTreeMap,
    fs,
    process::{Child, ChildStdout, Command, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

/// A process that ends, with everything it started, when this value is dropped.
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts `command` with no input.
    ///
    /// # Errors
    /// Names the program where it cannot be started.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).spawn().with_context(|| {
            format!("{name} could not be started; `make test` installs and builds what the tests need")
        })?;
        Ok(Self { child })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it writes to its standard output, once, where `command` piped that.
    pub fn output(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// The process and everything below it, children after their parents.
    pub fn tree(&self) -> Vec<u32> {
        let parents = parents();
        let mut tree = vec![self.id()];
        let mut next = 0;
        while let Some(parent) = tree.get(next).copied() {
            tree.extend(parents.iter().filter(|(_, of)| **of == parent).map(|(pid, _)| *pid));
            next += 1;
        }
        tree
    }

    /// Sends SIGTERM to `pid`, one of its tree.
    pub fn terminate(pid: u32) {
        signal(pid, Signal::TERM);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        for pid in self.tree() {
            signal(pid, Signal::KILL);
        }
        // It is killed: waiting only takes its entry off the process table.
        let _ = self.child.wait();
    }
}

/// Runs `command` to its end.
///
/// # Errors
/// Fails, and ends it, where it takes longer than `patience`.
pub(crate) fn finish(command: &mut Command, patience: Duration) -> anyhow::Result<Output> {
    let process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let pid = process.id();
    let deadline = Instant::now() + patience;
    let waiting = std::thread::spawn(move || process.wait_with_output());
    while !waiting.is_finished() {
        if Instant::now() >= deadline {
            signal(pid, Signal::KILL);
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = waiting.join().expect("waiting does not panic")?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.code().is_some(), "{} (patience: {patience:?}): {said}", output.status);
    Ok(output)
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // Fails where it has ended already, which is what was wanted.
        let _ = kill_process(pid, signal);
    }
}

/// The parent of every process of this machine.
fn parents() -> BTreeMap<u32, u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeMap::new() };
    let parent_of = |pid: u32| -> Option<u32> {
        // The name, in parentheses, may hold anything; the state and the parent follow it.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, parent_of(pid)?))).collect()
}
