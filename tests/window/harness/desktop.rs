use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{Process, until};

/// A display and a session bus for one program, with nothing else on them.
pub struct Desktop {
    display: String,
    bus: String,
    folder: TempDir,
    // Dropped in this order: the bus before the display, and both after the programs that use them.
    _bus: Process,
    _x: Process,
}

impl Desktop {
    /// Starts an X server on a free display, and a bus.
    ///
    /// # Errors
    /// Says which of them could not be started.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("eider-desktop-").tempdir()?;
        fs::create_dir(folder.path().join("run"))?;
        fs::set_permissions(folder.path().join("run"), fs::Permissions::from_mode(0o700))?;

        let log = File::create(folder.path().join("xvfb.log"))?;
        let (mut told, tell) = std::io::pipe()?;
        let x = Process::start(
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", "1440x900x24", "-nolisten", "tcp"])
                .stdout(Stdio::from(tell))
                .stderr(log),
        )?;
        let mut number = Vec::new();
        let mut byte = [0];
        while told.read(&mut byte)? == 1 && byte != *b"\n" {
            number.push(byte[0]);
        }
        let display = format!(":{}", String::from_utf8(number)?);
        anyhow::ensure!(display.len() > 1, "Xvfb ended without a display");

        let socket = folder.path().join("bus");
        let bus = format!("unix:path={}", socket.display());
        let daemon = Process::start(
            Command::new("dbus-daemon")
                .args(["--session", "--nofork", "--nopidfile", "--address", &bus])
                .stderr(File::create(folder.path().join("bus.log"))?),
        )?;
        until("the session bus", async || Ok(socket.exists().then_some(()))).await?;
        Ok(Self { display, bus, folder, _bus: daemon, _x: x })
    }

    /// Lets `command` run on this desktop and on no other.
    pub fn settle<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env("XDG_RUNTIME_DIR", self.runtime_dir())
            .env("GDK_BACKEND", "x11")
            .env("GTK_A11Y", "none")
            .env("NO_AT_BRIDGE", "1")
            .env_remove("WAYLAND_DISPLAY")
    }

    fn runtime_dir(&self) -> PathBuf {
        self.folder.path().join("run")
    }
}
