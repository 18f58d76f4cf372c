//! Frees what a mark on a region has made unreadable, a shard of the index at a time, while nothing is waiting.

use super::log::OTHER_REGIONS;
use super::writer::Writer;
use crate::name::region_hash;

/// A region to be swept, from a shard on.
pub(super) struct Sweep {
    region: u16,
    older_than: u64,
    shard: usize,
}

impl Writer {
    /// Plans a sweep, together with one of the same region that is not through yet.
    pub(super) fn plan_sweep(&mut self, region: &str, mut older_than: u64) {
        let region = self.log.regions.number(region_hash(region));
        if region != OTHER_REGIONS {
            let earlier = self.sweeps.extract_if(.., |sweep| sweep.region == region);
            older_than = earlier.map(|sweep| sweep.older_than).fold(older_than, u64::max);
            self.sweeps.push(Sweep { region, older_than, shard: 0 });
        }
    }

    /// Takes the next step of the planned sweeps; returns false where none is left.
    pub(super) fn sweep_step(&mut self) -> bool {
        let Some(sweep) = self.sweeps.first_mut() else { return false };
        let (mut freed, region, older_than) = (Vec::new(), sweep.region, sweep.older_than);
        let more = self.log.index.sweep_shard(sweep.shard, |entry| {
            let over = entry.region == region && entry.stamp <= older_than;
            if over {
                freed.push(*entry);
            }
            over
        });
        sweep.shard += 1;
        freed.iter().for_each(|entry| self.leave(entry));
        if !more {
            self.sweeps.remove(0);
        }
        true
    }
}
