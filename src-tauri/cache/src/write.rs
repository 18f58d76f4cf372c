//! Writing: to every level that the class names, so that none of them is left with something older.

use std::sync::Arc;

use futures::future::{BoxFuture, join_all};

use crate::areas::Area;
use crate::core::Core;
use crate::counters::Event;
use crate::distrust::Behind;
use crate::entry::{Cached, Life, Meta, Record, Slot, Traits};
use crate::guard::{Guard, Looked, NotTaken};
use crate::marks::{Cell, Scope};
use crate::name::{FullKey, Key};
use crate::{CacheError, Level, Levels};

/// A value with all that goes with it, ready to be written.
pub(crate) struct Made<T> {
    pub(crate) life: Life,
    pub(crate) tags: Box<[Arc<Cell>]>,
    pub(crate) traits: Traits,
    pub(crate) value: Arc<T>,
    pub(crate) compress_over: Option<u32>,
}

/// Where a value comes from, and so what may have overtaken it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// A caller sets it: it is the newest there is.
    Caller,
    /// A computation ends that started a while ago.
    Flight,
}

/// A key in the forms that the levels want.
#[derive(Clone)]
pub(crate) struct Spot {
    pub(crate) area: Arc<Area>,
    pub(crate) key: Key,
    pub(crate) full: FullKey,
}

impl Spot {
    pub(crate) fn new(area: &Arc<Area>, key: &str) -> Self {
        let full = FullKey { region: Arc::clone(&area.name), key: Arc::from(key) };
        Self { area: Arc::clone(area), key: Key { area: area.id, text: Arc::clone(&full.key) }, full }
    }
}

impl Core {
    /// The cells of these tags.
    pub(crate) fn cells(&self, tags: &[&str]) -> Box<[Arc<Cell>]> {
        tags.iter().map(|tag| self.marks.cell(Scope::Tag, tag)).collect()
    }

    /// Writes a value to every level of its class, unless a newer value or a removal stands there.
    ///
    /// # Errors
    /// Where the value cannot be encoded or fits no level; nothing is changed then. A level that fails is none.
    pub(crate) async fn store<T: Cached>(
        &self,
        spot: &Spot,
        made: Made<T>,
        by: Writer,
    ) -> Result<(), CacheError> {
        let Made { life, tags, traits, value, compress_over } = made;
        let on_disk = traits.levels.contains(Level::Files) || traits.levels.contains(Level::Database);
        let compress_over = compress_over.filter(|_| on_disk);
        let names = tags.iter().map(|tag| Arc::clone(&tag.name)).collect();
        let record = Record::encode(Meta::new(life, names), &traits, &*value, compress_over)?;
        let levels = self.levels_for(&record, traits.levels)?;
        let slot = Arc::new(Slot {
            area: Arc::clone(&spot.area),
            life,
            tags,
            value: Some(value),
            kind: T::KIND,
            traits,
            held_since_ms: self.clock.now().mono_ms,
            bytes: record.value_bytes(),
        });
        match by {
            Writer::Caller => {
                self.flights.overtake(&spot.key, life.stamp);
                self.setbacks.forget(spot.key.as_ref());
            }
            Writer::Flight if self.flights.is_overtaken(&spot.key, life.stamp) => return Ok(()),
            Writer::Flight => {}
        }
        // First told to the levels, then shown to readers: nobody who has seen it finds something older below.
        self.memory.announce(spot.key.as_ref());
        let (inside, outside): (Vec<_>, Vec<_>) =
            self.lower.iter().partition(|guard| levels.contains(guard.level));
        let attempts: Vec<_> =
            inside.iter().map(|guard| (guard.level, guard.announce(&spot.full, life.stamp))).collect();
        let before = if outside.is_empty() { None } else { self.memory.get(spot.key.as_ref()) };
        self.put_in_memory(spot, slot, levels, by);

        let mut writes: Vec<BoxFuture<'_, (Level, Result<(), NotTaken>)>> = Vec::new();
        for (level, attempt) in attempts {
            let record = record.clone();
            writes.push(Box::pin(async move { (level, attempt.put(record).await) }));
        }
        drop(record);
        for guard in outside {
            let known_absent = before
                .as_ref()
                .is_some_and(|slot| slot.value.is_some() && !slot.traits.levels.contains(guard.level));
            if !known_absent && guard.may_hold(&spot.area.name) {
                writes.push(Box::pin(self.remove_older(guard, spot, life.stamp)));
            }
        }
        self.carry_out(spot, writes).await;
        Ok(())
    }

    /// The levels that the class names and the record fits.
    fn levels_for(&self, record: &Record, wanted: Levels) -> Result<Levels, CacheError> {
        let mut fits = Levels::NONE;
        if record.bytes() <= self.memory.bound() {
            fits = fits.with(Level::Memory);
        }
        for guard in self.lower.iter().filter(|guard| guard.takes(record)) {
            fits = fits.with(guard.level);
        }
        let levels = Levels::from_bits(fits.bits() & wanted.bits());
        if levels == Levels::NONE {
            return Err(CacheError::OutOfBounds {
                what: "value",
                accepted: "at most the size of a level that its class names",
            });
        }
        Ok(levels)
    }

    fn put_in_memory(&self, spot: &Spot, slot: Arc<Slot>, levels: Levels, by: Writer) {
        let stamp = slot.life.stamp;
        if !levels.contains(Level::Memory) {
            self.memory.drop_older(&spot.key, stamp);
            return;
        }
        if by == Writer::Caller {
            self.memory.put(spot.key.clone(), slot);
            return;
        }
        // A write that overtakes the flight between the question and the put changes the stand.
        loop {
            let stand = self.memory.stand(spot.key.as_ref());
            if self.flights.is_overtaken(&spot.key, stamp)
                || self.memory.put_at(spot.key.clone(), Arc::clone(&slot), stand)
            {
                return;
            }
        }
    }

    /// Removes an older entry from a level that the class does not name, if there may be one.
    async fn remove_older(&self, guard: &Guard, spot: &Spot, stamp: u64) -> (Level, Result<(), NotTaken>) {
        let outcome = match guard.get(&spot.full, self.time_budget).await {
            Looked::Absent => Ok(()),
            Looked::Found(_) | Looked::Failed | Looked::Bypassed => {
                guard.announce(&spot.full, stamp).remove().await
            }
        };
        (guard.level, outcome)
    }

    /// Removes the key from every level; what is in flight for it is not kept.
    pub(crate) async fn remove(&self, spot: &Spot) -> Result<(), CacheError> {
        let now = self.clock.now();
        let stamp = self.marks.next_stamp(now.wall_ms);
        self.flights.overtake(&spot.key, stamp);
        self.setbacks.forget(spot.key.as_ref());
        self.memory.announce(spot.key.as_ref());
        let attempts: Vec<_> =
            self.lower.iter().map(|guard| (guard.level, guard.announce(&spot.full, stamp))).collect();
        self.memory.put(spot.key.clone(), Arc::new(Slot::trace(Arc::clone(&spot.area), stamp, now)));
        let mut writes: Vec<BoxFuture<'_, (Level, Result<(), NotTaken>)>> = Vec::new();
        for (level, attempt) in attempts {
            writes.push(Box::pin(async move { (level, attempt.remove().await) }));
        }
        match self.carry_out(spot, writes).await {
            Some(NotTaken(error)) => Err(CacheError::NotDurable(error)),
            None => Ok(()),
        }
    }

    /// Makes the writes side by side. What fails is counted and noted for the next process; returns one of them.
    async fn carry_out(
        &self,
        spot: &Spot,
        writes: Vec<BoxFuture<'_, (Level, Result<(), NotTaken>)>>,
    ) -> Option<NotTaken> {
        let mut failed = None;
        for (level, outcome) in join_all(writes).await {
            if let Err(error) = outcome {
                spot.area.counters.count(Event::failed(level));
                self.note_behind(if level == Level::Files { Behind::FILES } else { Behind::DATABASE }).await;
                failed = Some(error);
            }
        }
        failed
    }
}
