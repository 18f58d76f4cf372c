//! Reading: memory first, then the levels below it, and copies upwards of what they hold.

use std::sync::Arc;
use std::time::Instant;

use crate::areas::Area;
use crate::core::Core;
use crate::counters::{Event, KEY_SAMPLE, Sample, sample};
use crate::entry::{Age, Cached, Record, Slot};
use crate::guard::{Guard, Looked};
use crate::marks::Scope;
use crate::memory::Stand;
use crate::name::{FullKey, Key, KeyRef, check_key};
use crate::{Hit, Level};

/// What a walk through the levels found.
pub(crate) enum Found<T> {
    Fresh(Hit<T>, Ripeness),
    /// Past its time to live, but within what its class allows; with what decides whether it still may serve.
    Stale(Hit<T>, Arc<Slot>),
    Nothing,
}

/// How far a fresh value has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ripeness {
    pub(crate) age_ms: i64,
    /// The effective time to live.
    pub(crate) ttl_ms: i64,
}

impl Ripeness {
    pub(crate) fn is_past(&self, share: f64) -> bool {
        self.age_ms as f64 >= self.ttl_ms as f64 * share
    }
}

/// How many copies to L2 are under way at most; beyond it a copy is left for the next hit.
pub(crate) const COPIES_MAX: usize = 32;

impl Core {
    /// What memory says of this key; `None` where it holds nothing at all and the levels below decide.
    ///
    /// Every write passes memory, so what stands there is the newest: nothing below is asked.
    #[inline]
    pub(crate) fn at_hand<T: Cached>(&self, area: &Area, key: &str) -> Option<Found<T>> {
        let key = KeyRef { area: area.id, text: key };
        let sample = sample();
        let started = (sample == Sample::Time).then(Instant::now);
        let found = self.memory.get(key).map(|slot| self.judge(slot, Level::Memory));
        if !matches!(found, Some(Found::Fresh(..))) {
            area.counters.count(Event::MemoryMiss);
            return found;
        }
        area.counters.count(Event::MemoryHit);
        match (sample, started) {
            (Sample::Key, _) => self.hot.note(&area.name, key.text, u64::from(KEY_SAMPLE)),
            (_, Some(started)) => self.memory.hits.add(started.elapsed()),
            _ => {}
        }
        found
    }

    /// As [`at_hand`](Self::at_hand), but nothing is counted.
    pub(crate) fn in_memory<T: Cached>(&self, key: &Key) -> Found<T> {
        self.memory.get(key.as_ref()).map_or(Found::Nothing, |slot| self.judge(slot, Level::Memory))
    }

    /// Walks the levels below memory, and copies upwards what it finds.
    pub(crate) async fn look_below<T: Cached>(&self, area: &Arc<Area>, key: &str) -> Found<T> {
        if check_key(key).is_err() {
            return Found::Nothing;
        }
        self.hot.note(&area.name, key, 1);
        let full = FullKey { region: Arc::clone(&area.name), key: Arc::from(key) };
        let memory_key = Key { area: area.id, text: Arc::clone(&full.key) };
        let stand = self.memory.stand(memory_key.as_ref());
        let started = Instant::now();
        for (at, guard) in self.lower.iter().enumerate() {
            let left = self.time_budget.saturating_sub(started.elapsed());
            if left.is_zero() {
                break;
            }
            let record = match guard.get(&full, left).await {
                Looked::Found(record) => Some(record),
                Looked::Absent | Looked::Bypassed => None,
                Looked::Failed => {
                    area.counters.count(Event::failed(guard.level));
                    None
                }
            };
            let slot =
                record.and_then(|record| Some((Arc::new(self.slot_from::<T>(area, &record)?), record)));
            let Some((slot, record)) = slot else {
                area.counters.count(Event::looked_up(guard.level, false));
                continue;
            };
            let found = self.judge(Arc::clone(&slot), guard.level);
            area.counters.count(Event::looked_up(guard.level, matches!(found, Found::Fresh(..))));
            if !matches!(found, Found::Nothing) {
                self.promote(area, &memory_key, stand, &slot);
                self.copy_up(&self.lower[..at], &memory_key, &full, stand, &slot, record);
                return found;
            }
        }
        Found::Nothing
    }

    /// The record as memory would hold it, with its creation time and life as they were.
    fn slot_from<T: Cached>(&self, area: &Arc<Area>, record: &Record) -> Option<Slot> {
        let (traits, value) = record.decode::<T>()?;
        Some(Slot {
            area: Arc::clone(area),
            life: record.meta.life(),
            tags: record.meta.tags.iter().map(|tag| self.marks.cell(Scope::Tag, tag)).collect(),
            value: Some(Arc::new(value)),
            kind: T::KIND,
            traits,
            held_since_ms: self.clock.now().mono_ms,
            bytes: record.value_bytes(),
        })
    }

    fn promote(&self, area: &Area, key: &Key, stand: Stand, slot: &Arc<Slot>) {
        if slot.traits.levels.contains(Level::Memory)
            && self.memory.put_at(key.clone(), Arc::clone(slot), stand)
        {
            area.counters.count(Event::Promoted);
        }
    }

    /// Copies a record to the levels above the one that held it, in the background.
    fn copy_up(
        &self,
        above: &[Arc<Guard>],
        key: &Key,
        full: &FullKey,
        stand: Stand,
        slot: &Slot,
        record: Record,
    ) {
        for guard in above {
            let wanted = slot.traits.levels.contains(guard.level) && guard.takes(&record);
            if !wanted || guard.is_passed_over() || self.memory.stand(key.as_ref()) != stand {
                continue;
            }
            let Ok(turn) = Arc::clone(&self.copies).try_acquire_owned() else { return };
            let (guard, full, record) = (Arc::clone(guard), full.clone(), record.clone());
            self.flights.tasks.spawn(async move {
                let _turn = turn;
                // One that fails costs nothing: the level below still has it. A level never takes an older entry
                // over a newer one, so a write that came meanwhile stands.
                guard.copy(&full, record).await;
            });
        }
    }

    pub(crate) fn judge<T: Cached>(&self, slot: Arc<Slot>, level: Level) -> Found<T> {
        if !slot.valid(&self.marks) {
            return Found::Nothing;
        }
        let Some(Ok(value)) = slot.value.clone().map(Arc::downcast::<T>) else { return Found::Nothing };
        let permille = if slot.traits.adaptive { self.load.permille() } else { 1000 };
        let mut age_ms = slot.age_ms(self.clock.glance());
        if age_ms < 0 {
            // The glance may lie before a creation that has just been.
            age_ms = slot.age_ms(self.clock.now());
        }
        let hit = |stale| Hit { value, created_at_ms: slot.life.created_at_ms, level, stale };
        match slot.life.age(age_ms, permille) {
            Age::Fresh => {
                let ttl_ms = slot.life.effective_ttl_ms(permille);
                Found::Fresh(hit(false), Ripeness { age_ms, ttl_ms })
            }
            Age::Stale => Found::Stale(hit(true), slot),
            Age::Dead => Found::Nothing,
        }
    }

    /// Whether neither a mark nor a newer write nor a removal has come since this slot was read.
    pub(crate) fn still_valid(&self, key: &Key, slot: &Slot) -> bool {
        let newer = |standing: Arc<Slot>| standing.life.stamp > slot.life.stamp;
        slot.valid(&self.marks) && !self.memory.get(key.as_ref()).is_some_and(newer)
    }
}
