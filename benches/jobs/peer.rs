//! A contender's process, which does one piece of work after the other.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::work::{Answer, Work};

/// No work takes longer.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long a process may take over its end once its input has ended.
const END: Duration = Duration::from_secs(5);

pub(crate) struct Peer {
    child: Child,
    /// Open as long as there may be more work.
    work: Option<ChildStdin>,
    /// Lines of its output, read by a thread that ends with it.
    answers: Receiver<String>,
    pub(crate) version: String,
}

impl Peer {
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{command:?}"))?;
        let work = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (send, answers) = channel();
        std::thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            lines.take_while(|line| send.send(line.clone()).is_ok()).count()
        });
        let mut peer = Self { child, work, answers, version: String::new() };
        peer.version = peer.answer().with_context(|| format!("{command:?}"))?.version;
        Ok(peer)
    }

    pub(crate) fn ask(&mut self, work: &Work) -> anyhow::Result<Answer> {
        let input = self.work.as_mut().context("it takes work until it is dropped")?;
        writeln!(input, "{}", serde_json::to_string(work)?)?;
        self.answer().with_context(|| format!("{work:?} by {}", self.version))
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> anyhow::Result<usize> {
        resident(self.child.id())
    }

    fn answer(&mut self) -> anyhow::Result<Answer> {
        let Ok(line) = self.answers.recv_timeout(PATIENCE) else { bail!("it gave no answer") };
        Ok(serde_json::from_str(&line)?)
    }
}

/// Resident memory of a process in bytes.
pub(crate) fn resident(process: u32) -> anyhow::Result<usize> {
    let pages = std::fs::read_to_string(format!("/proc/{process}/statm"))?;
    let pages: usize = pages.split_whitespace().nth(1).context("statm has two numbers")?.parse()?;
    Ok(pages * rustix::param::page_size())
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.work.take();
        end(&mut self.child, END);
    }
}

/// Waits for a process to end, and ends it where it does not.
pub(crate) fn end(child: &mut Child, patience: Duration) {
    let until = Instant::now() + patience;
    while Instant::now() < until && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_millis(10));
    }
    // Of a process that has ended both do nothing.
    let _ = child.kill();
    let _ = child.wait();
}
