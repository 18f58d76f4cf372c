//! Which regions a level may hold something of, so that it is not asked in vain.

use std::collections::HashSet;
use std::sync::RwLock;

use crate::name::region_hash;

/// Two regions of one hash count as one, which costs a look-up and nothing else.
#[derive(Default)]
pub(crate) struct Holdings(
    /// Guards what is known; held for look-ups and single inserts.
    RwLock<Known>,
);

#[derive(Default)]
struct Known {
    /// Whether the level has said what it held when it was opened. Until then it may hold anything.
    from_the_level: bool,
    regions: HashSet<u32>,
}

impl Holdings {
    /// What the level held when it was opened; `None` where it cannot say.
    pub(crate) fn learn(&self, held: Option<Vec<u32>>) {
        let mut known = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        known.from_the_level = held.is_some();
        known.regions.extend(held.into_iter().flatten());
    }

    /// Something of this region is about to be written.
    pub(crate) fn add(&self, region: &str) {
        let hash = region_hash(region);
        let known = self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        if known.regions.contains(&hash) {
            return;
        }
        drop(known);
        self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner()).regions.insert(hash);
    }

    pub(crate) fn may_include(&self, region: &str) -> bool {
        let known = self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        !known.from_the_level || known.regions.contains(&region_hash(region))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_may_hold_anything_until_it_has_said_what_it_holds() {
        let holdings = Holdings::default();
        holdings.add("written");
        assert!(holdings.may_include("other"));
        holdings.learn(None);
        assert!(holdings.may_include("other"));
        holdings.learn(Some(vec![region_hash("stored")]));
        let held = ["written", "stored", "other"].map(|region| holdings.may_include(region));
        assert_eq!(held, [true, true, false]);
        holdings.add("other");
        assert!(holdings.may_include("other"));
    }
}
