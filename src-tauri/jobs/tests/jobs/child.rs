//! Processes of their own: this test program once more, with one of its tests, which does nothing else.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Names the folder that the child works in.
const FOLDER: &str = "EIDER_JOBS_CHILD_FOLDER";

/// The folder, in a child only.
pub(crate) fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// A child that is killed at the latest when it is dropped.
pub(crate) struct Process {
    child: Child,
    /// Its end lets a child go on that waits for it.
    pub(crate) stdin: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(test: &str, folder: &Path) -> Self {
        Self::of(Command::new(std::env::current_exe().unwrap()), test, folder)
    }

    /// Through a program that runs this one with the arguments that it is given.
    pub(crate) fn of(mut program: Command, test: &str, folder: &Path) -> Self {
        let mut child = program
            .args(["--exact", test, "--nocapture"])
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { stdin: child.stdin.take(), lines, child }
    }

    /// The next line that it says; `None` after its end.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        (self.lines.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
    }

    /// Waits for this line.
    pub(crate) fn until(&mut self, expected: &str) {
        while let Some(line) = self.line() {
            if line.ends_with(expected) {
                return;
            }
        }
        panic!("the child ended without saying `{expected}`");
    }

    #[cfg(unix)]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits, in a child, until its parent closes its input.
pub(crate) fn wait_for_parent() {
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
}
