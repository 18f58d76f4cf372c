//! What is known of an entry, for people who wonder why they see what they see.

use std::sync::Arc;

use crate::core::Core;
use crate::entry::{Life, Slot, Traits};
use crate::guard::Looked;
use crate::name::{FullKey, KeyRef, check_key, check_region};
use crate::{CacheError, Level};

/// An entry as it stands, but for its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryInfo {
    /// The levels that hold it, fastest first.
    pub levels: Vec<Level>,
    /// When it was computed, set or renewed.
    pub created_at_ms: i64,
    /// How old it is by the clock that says more.
    pub age_ms: i64,
    /// How long it is fresh before the load stretches that, jitter taken off.
    pub base_ttl_ms: i64,
    /// How long it is fresh as things stand.
    pub effective_ttl_ms: i64,
    /// When it is fresh no more, as things stand.
    pub expires_at_ms: i64,
    /// When it may not even serve as stale any more.
    pub stale_until_ms: i64,
    /// Whether it could serve now as a fresh value.
    pub fresh: bool,
    /// Whether a mark has made it invalid.
    pub invalidated: bool,
    /// The tags that can end it early.
    pub tags: Vec<String>,
    /// The type of its value.
    pub kind: String,
    /// Encoded bytes of its value.
    pub bytes: u64,
    /// Whether its value must not be shown outside the program that holds it.
    pub secret: bool,
    /// What its source is asked with for something newer.
    pub validator: Option<String>,
}

impl Core {
    pub(crate) async fn inspect(&self, region: &str, key: &str) -> Result<Option<EntryInfo>, CacheError> {
        check_region(region)?;
        check_key(key)?;
        let area = self.areas.open(region, &self.marks)?;
        let slot = self.memory.get(KeyRef { area: area.id, text: key });
        let mut info = slot.filter(|slot| slot.value.is_some()).map(|slot| self.info_of_slot(&slot));
        let full = FullKey { region: Arc::clone(&area.name), key: Arc::from(key) };
        for guard in &self.lower {
            let Looked::Found(record) = guard.get(&full, self.time_budget).await else { continue };
            let Some(traits) = record.traits() else { continue };
            let info = info.get_or_insert_with(|| {
                let stamp = record.meta.stamp;
                let cell = |tag: &Arc<str>| self.marks.cell(crate::marks::Scope::Tag, tag).stamp();
                let marked = stamp <= self.marks.floor()
                    || stamp <= area.mark.stamp()
                    || record.meta.tags.iter().any(|tag| stamp <= cell(tag));
                let tags = record.meta.tags.iter().map(|tag| tag.to_string()).collect();
                let bytes = u64::from(record.value_bytes());
                self.info(record.meta.life(), 0, &traits, marked, tags, record.kind.clone(), bytes)
            });
            info.levels.push(guard.level);
        }
        Ok(info)
    }

    fn info_of_slot(&self, slot: &Slot) -> EntryInfo {
        let held_ms = self.clock.now().mono_ms.saturating_sub(slot.held_since_ms);
        let marked = !slot.valid(&self.marks);
        let tags = slot.tags.iter().map(|tag| tag.name.to_string()).collect();
        let kind = slot.kind.to_owned();
        let mut info = self.info(slot.life, held_ms, &slot.traits, marked, tags, kind, u64::from(slot.bytes));
        info.levels.push(Level::Memory);
        info
    }

    #[expect(clippy::too_many_arguments, reason = "the two forms of an entry share nothing but these")]
    fn info(
        &self,
        life: Life,
        held_ms: u64,
        traits: &Traits,
        invalidated: bool,
        tags: Vec<String>,
        kind: String,
        bytes: u64,
    ) -> EntryInfo {
        let permille = if traits.adaptive { self.load.permille() } else { 1000 };
        let age_ms = life.age_ms(self.clock.now(), held_ms);
        let effective_ttl_ms = life.effective_ttl_ms(permille);
        EntryInfo {
            levels: Vec::new(),
            created_at_ms: life.created_at_ms,
            age_ms,
            base_ttl_ms: life.ttl_ms,
            effective_ttl_ms,
            expires_at_ms: life.created_at_ms.saturating_add(effective_ttl_ms),
            stale_until_ms: life.created_at_ms.saturating_add(life.max_age_ms()),
            fresh: !invalidated && life.age(age_ms, permille) == crate::entry::Age::Fresh,
            invalidated,
            tags,
            kind,
            bytes,
            secret: traits.secret,
            validator: traits.validator.as_deref().map(str::to_owned),
        }
    }
}
