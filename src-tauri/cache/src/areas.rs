//! What this process knows of each region: its number, its mark and its counters.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, RwLock};

use crate::CacheError;
use crate::counters::Counters;
use crate::marks::{Cell, Marks, Scope};
use crate::name::{REGIONS_MAX, check_region};

/// One region, interned: there is one of each name.
pub(crate) struct Area {
    /// What memory keys say instead of the name.
    pub(crate) id: u32,
    pub(crate) name: Arc<str>,
    pub(crate) mark: Arc<Cell>,
    pub(crate) counters: Counters,
    /// Encoded bytes that memory holds for it.
    bytes: AtomicI64,
}

impl Area {
    pub(crate) fn grew(&self, bytes: i64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed).max(0) as u64
    }
}

/// Every region that was opened.
#[derive(Default)]
pub(crate) struct Areas {
    /// Guards the names; held for look-ups and single inserts.
    by_name: RwLock<BTreeMap<Arc<str>, Arc<Area>>>,
}

impl Areas {
    pub(crate) fn open(&self, name: &str, marks: &Marks) -> Result<Arc<Area>, CacheError> {
        check_region(name)?;
        if let Some(area) = self.find(name) {
            return Ok(area);
        }
        let mut areas = self.by_name.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(area) = areas.get(name) {
            return Ok(Arc::clone(area));
        }
        if areas.len() >= REGIONS_MAX {
            return Err(CacheError::OutOfBounds { what: "number of regions", accepted: "at most 1,024" });
        }
        let area = Arc::new(Area {
            id: areas.len() as u32,
            name: Arc::from(name),
            mark: marks.cell(Scope::Region, name),
            counters: Counters::default(),
            bytes: AtomicI64::new(0),
        });
        areas.insert(Arc::clone(&area.name), Arc::clone(&area));
        Ok(area)
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Area>> {
        let areas = self.by_name.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        areas.get(name).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Area>> {
        let areas = self.by_name.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        areas.values().cloned().collect()
    }
}
