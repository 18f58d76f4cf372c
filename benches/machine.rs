use std::{fmt, fs};

use serde::Serialize;

/// What the figures were measured on.
#[derive(Serialize)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    memory_mib: u64,
    kernel: String,
    system: String,
}

impl Machine {
    pub(crate) fn this() -> anyhow::Result<Self> {
        let field = |file: &str, name: &str| -> anyhow::Result<String> {
            let text = fs::read_to_string(file)?;
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            let value = line.split_once([':', '=']).map_or("", |(_, value)| value);
            Ok(value.trim().trim_matches('"').to_owned())
        };
        let memory = field("/proc/meminfo", "MemTotal")?;
        let kib: u64 = memory.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(0);
        Ok(Self {
            processor: field("/proc/cpuinfo", "model name")?,
            cores: std::thread::available_parallelism()?.get(),
            memory_mib: kib / 1024,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            system: field("/etc/os-release", "PRETTY_NAME")?,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, memory_mib, kernel, system } = self;
        write!(f, "{processor}, {cores} cores, {memory_mib} MiB, {system}, Linux {kernel}")
    }
}
