//! Who takes part, each in a fresh folder for every round.

use std::path::Path;
use std::process::Command;

use anyhow::ensure;
use tempfile::TempDir;

use crate::peer::Peer;
use crate::redis::Redis;
use crate::work::{Answer, Work};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Eider,
    BullMq,
    /// With what its client calls auto-pipelining, of which BullMQ's documentation does not speak.
    BullMqPipelined,
    Apalis,
}

/// A contender that is ready for work; its processes end with it.
pub(crate) struct Contender {
    adder: Peer,
    /// BullMQ's documentation has workers in processes of their own.
    worker: Option<Peer>,
    redis: Option<Redis>,
    _folder: TempDir,
}

impl Name {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Eider => "Eider",
            Self::BullMq => "BullMQ",
            Self::BullMqPipelined => "BullMQ, pipelined",
            Self::Apalis => "apalis",
        }
    }

    pub(crate) fn start(self) -> anyhow::Result<Contender> {
        let folder = tempfile::tempdir()?;
        let (adder, worker, redis) = match self {
            Self::Eider => {
                let own = std::env::current_exe()?;
                (Peer::start(Command::new(own).arg("--serve").arg(folder.path()))?, None, None)
            }
            Self::Apalis => {
                let program = std::env::current_exe()?.with_file_name("eider-jobs-bench-apalis");
                ensure!(program.exists(), "{} is to be built first: see the README", program.display());
                (Peer::start(Command::new(program).arg(folder.path()))?, None, None)
            }
            Self::BullMq | Self::BullMqPipelined => {
                let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bullmq/bullmq.mjs");
                let redis = Redis::start(folder.path())?;
                let peer = || {
                    let mut command = Command::new("node");
                    command.arg(&script).arg(redis.port.to_string());
                    command.args((self == Self::BullMqPipelined).then_some("pipelined"));
                    Peer::start(&mut command)
                };
                (peer()?, Some(peer()?), Some(redis))
            }
        };
        Ok(Contender { adder, worker, redis, _folder: folder })
    }
}

impl Contender {
    /// What it is, in which versions.
    pub(crate) fn version(&self) -> anyhow::Result<String> {
        let version = self.adder.version.clone();
        Ok(if self.redis.is_some() { format!("{version}, {}", Redis::version()?) } else { version })
    }

    pub(crate) fn ask(&mut self, work: Work) -> anyhow::Result<Answer> {
        let adds = matches!(work, Work::Add { .. } | Work::AddMany { .. } | Work::AddPaced { .. });
        let worker = self.worker.as_mut().filter(|_| !adds);
        worker.unwrap_or(&mut self.adder).ask(&work)
    }

    /// Resident memory in bytes of what holds the jobs.
    pub(crate) fn resident(&self) -> anyhow::Result<usize> {
        self.redis.as_ref().map_or_else(|| self.adder.resident(), Redis::resident)
    }
}
