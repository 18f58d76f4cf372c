//! Samples of the machine and of this process.

use sysinfo::{
    CpuRefreshKind, MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System,
};

/// What was in use at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Resources {
    /// Busy share of all cores since the last sample, `0.0..=1.0`.
    pub cpu: f64,
    /// Used share of the machine's memory, `0.0..=1.0`.
    pub memory: f64,
    /// Cores that this process kept busy since the last sample, `0.0` upwards.
    pub process_cpu: f64,
    /// Resident memory of this process, in bytes.
    pub process_memory_bytes: u64,
}

/// Takes [`Resources`]; the shares of CPU count from one sample to the next.
pub struct Sampler {
    system: System,
    process: Option<Pid>,
}

impl Sampler {
    /// Takes the first readings, so that the first sample has something to count from.
    ///
    /// # Errors
    /// Where this kind of machine cannot be read at all.
    pub fn new() -> Result<Self, sysinfo::Error> {
        let kinds = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing().with_usage())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(kinds)?;
        let mut sampler = Self { system, process: sysinfo::get_current_pid().ok() };
        sampler.refresh();
        Ok(sampler)
    }

    fn refresh(&mut self) {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        if let Some(pid) = self.process {
            let kinds = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
            self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kinds);
        }
    }

    /// Reads the machine now. Reading takes well under a millisecond; call it about once a second.
    pub fn sample(&mut self) -> Resources {
        self.refresh();
        let process = self.process.and_then(|pid| self.system.process(pid));
        Resources {
            cpu: share(f64::from(self.system.global_cpu_usage()), 100.0),
            memory: share(self.system.used_memory() as f64, self.system.total_memory() as f64),
            process_cpu: process.map_or(0.0, |process| f64::from(process.cpu_usage()) / 100.0),
            process_memory_bytes: process.map_or(0, sysinfo::Process::memory),
        }
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_of_this_machine_is_plausible() {
        let mut sampler = Sampler::new().expect("Linux, macOS and Windows can be read");
        let sample = sampler.sample();
        assert!((0.0..=1.0).contains(&sample.cpu));
        assert!(sample.memory > 0.0 && sample.memory <= 1.0, "{sample:?}");
        assert!(sample.process_memory_bytes > 1 << 20, "{sample:?}");
    }

    #[test]
    fn a_share_is_bounded_and_never_divides_by_zero() {
        assert_eq!(share(5.0, 0.0), 0.0);
        assert_eq!(share(101.0, 100.0), 1.0);
        assert_eq!(share(25.0, 100.0), 0.25);
    }
}
