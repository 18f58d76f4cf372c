//! A running `eiderd`, and the folder it runs in.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A folder for data and configuration; nothing of the person who runs the tests is touched.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.configure("");
        home
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.data_dir().join(name)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn configure(&self, text: &str) {
        std::fs::write(self.0.path().join("eider.toml"), text).unwrap();
    }

    /// `eiderd` in the demo on a free port, with these flags after its own.
    pub(crate) fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eiderd"));
        command.env("HOME", self.0.path()).env_remove("XDG_CONFIG_HOME").env_remove("XDG_DATA_HOME");
        command.arg("--config").arg(self.0.path().join("eider.toml"));
        if !flags.contains(&"--data-dir") {
            command.arg("--data-dir").arg(self.data_dir());
        }
        if !flags.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        if !flags.contains(&"--profile") {
            command.args(["--profile", "demo"]);
        }
        command.args(flags);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn start(&self) -> Eiderd {
        let mut child = self.command(&[]).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut first_line = String::new();
        output.read_line(&mut first_line).unwrap();
        let address =
            first_line.strip_prefix("listening on http://").and_then(|rest| rest.strip_suffix('\n'));
        let Some(address) = address.map(str::to_owned) else {
            let mut errors = String::new();
            child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            panic!("the first line is {first_line:?}; errors: {errors}");
        };
        Eiderd { child, address, output: Some(output), data_dir: self.data_dir() }
    }

    /// Runs `eiderd` where it is expected to end by itself.
    pub(crate) fn run(&self, flags: &[&str]) -> Output {
        self.command(flags).output().unwrap()
    }

    /// Whether the last engine ended in order, by its own mark.
    pub(crate) fn lock(&self) -> String {
        let text = std::fs::read_to_string(self.file("lock")).unwrap();
        text.split_whitespace().nth(1).unwrap_or_default().to_owned()
    }

    /// The files that were set aside of this database, without their companions.
    pub(crate) fn set_aside(&self, database: &str) -> Vec<PathBuf> {
        let damaged = format!("{database}.damaged-");
        let files = std::fs::read_dir(self.data_dir()).unwrap().map(|entry| entry.unwrap().path());
        let is_file =
            |name: &str| name.starts_with(&damaged) && !name.ends_with("-wal") && !name.ends_with("-shm");
        files.filter(|path| is_file(path.file_name().unwrap().to_str().unwrap())).collect()
    }
}

pub(crate) struct Eiderd {
    child: Child,
    pub(crate) address: String,
    output: Option<BufReader<ChildStdout>>,
    data_dir: PathBuf,
}

impl Eiderd {
    pub(crate) fn close_output(&mut self) {
        self.output = None;
    }

    /// A route's status and body.
    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        let token = std::fs::read_to_string(self.data_dir.join("api-token")).unwrap();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (host, token) = (&self.address, token.trim());
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
        let body = reply.split_once("\r\n\r\n").unwrap().1;
        (status, serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned())))
    }

    pub(crate) fn ok(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end; what else it wrote is the rest of its output, and its errors.
    pub(crate) fn wait(mut self) -> (ExitStatus, String, String) {
        let status = self.child.wait().unwrap();
        let (mut rest, mut errors) = (String::new(), String::new());
        if let Some(mut output) = self.output.take() {
            output.read_to_string(&mut rest).unwrap();
        }
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (status, rest, errors)
    }

    pub(crate) fn stop(self) {
        self.signal(Signal::TERM);
        let (status, _, errors) = self.wait();
        assert!(status.success(), "{status}: {errors}");
    }
}

impl Drop for Eiderd {
    fn drop(&mut self) {
        // Only where a test has failed is it still running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
