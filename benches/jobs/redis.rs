//! A Redis of our own: on a free port of the loopback, in a folder of its own, ended with its owner whatever ends it.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::peer;

pub(crate) struct Redis {
    server: Child,
    pub(crate) port: u16,
}

impl Redis {
    /// Every write is on the disk before it is acknowledged, as it is with `synchronous=FULL`.
    pub(crate) fn start(folder: &Path) -> anyhow::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = server();
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--daemonize", "no"]);
        command.args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
        // What BullMQ's documentation asks for.
        command.args(["--maxmemory-policy", "noeviction"]);
        command.arg("--dir").arg(folder).stdout(Stdio::null());
        // Safety: this is one system call, which may be made between fork and exec.
        unsafe { command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?)) };
        let server = command.spawn().context(MISSING)?;
        let redis = Self { server, port };
        let until = Instant::now() + Duration::from_secs(10);
        while !redis.answers() {
            ensure!(Instant::now() < until, "redis-server does not answer on port {port}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(redis)
    }

    pub(crate) fn version() -> anyhow::Result<String> {
        let out = server().arg("--version").output().context(MISSING)?;
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        let version = said.split_whitespace().find_map(|word| word.strip_prefix("v=")).context(MISSING)?;
        Ok(format!("Redis {version}, appendfsync always"))
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> anyhow::Result<usize> {
        peer::resident(self.server.id())
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) else { return false };
        let mut pong = [0; 7];
        stream.write_all(b"PING\r\n").and_then(|()| stream.read_exact(&mut pong)).is_ok()
            && pong == *b"+PONG\r\n"
    }
}

const MISSING: &str = "there is no redis-server: `scripts/setup bench` installs one";

/// Debian's `redis-tools` holds the server too, as `redis-check-rdb`: one program that goes by the name it is called.
/// Unlike `redis-server`, that package starts no service of the system.
fn server() -> Command {
    let probe = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
    if !probe.is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Command::new("redis-server");
    }
    let mut command = Command::new("redis-check-rdb");
    command.arg0("redis-server");
    command
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
