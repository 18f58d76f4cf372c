//! Invalidation by marks: one stamp for a tag, a region or everything.
//!
//! An entry is valid only if its own stamp is newer than every mark that covers it. An entry's stamp is taken
//! when its computation starts, so a mark also covers what was in flight. Entries hold the [`Cell`]s of their
//! tags, so that checking one is a few loads, whatever the number of marks.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use foldhash::fast::RandomState;

/// What a mark covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// Every entry of every region; it has no name.
    All,
    /// The entries of one region.
    Region,
    /// The entries that carry one tag.
    Tag,
    /// What one level held when it could no longer be trusted.
    Level,
}

impl Scope {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Region => "region",
            Self::Tag => "tag",
            Self::Level => "level",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::All, Self::Region, Self::Tag, Self::Level].into_iter().find(|scope| scope.word() == word)
    }
}

/// The stamp of one mark; zero where none was set. There is never more than one cell for a scope and name.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) name: Arc<str>,
    stamp: AtomicU64,
}

impl Cell {
    pub(crate) fn stamp(&self) -> u64 {
        self.stamp.load(Ordering::Acquire)
    }

    fn raise(&self, stamp: u64) {
        self.stamp.fetch_max(stamp, Ordering::AcqRel);
    }
}

/// The shards of the table; each sweeps alone, so that no call waits for a walk over all.
const SHARDS: usize = 64;
/// A shard with fewer cells is not swept.
const SWEEP_FROM: usize = 64;
/// Marks beyond this number are folded into one that covers everything as old as they are.
pub(crate) const MARKS_MAX: usize = 100_000;
/// A mark is dropped when it is older than any entry can be: the longest life and stale time (732 days), and
/// a day for what is in flight.
const OLDEST_MS: u64 = 733 * 24 * 3600 * 1000;

/// All marks in memory, and the scale of stamps.
pub(crate) struct Marks {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    /// Entries with older stamps are invalid, whatever they are.
    floor: AtomicU64,
    /// No mark is newer than this, so an entry that is newer is valid without a look at its own marks.
    newest_mark: AtomicU64,
    /// The newest stamp given out. It grows for ever, also across restarts and clock steps.
    newest: AtomicU64,
}

/// Guards the cells by name; held for look-ups, inserts and the sweep of one shard.
#[derive(Default)]
struct Shard {
    regions: HashMap<Arc<str>, Arc<Cell>>,
    tags: HashMap<Arc<str>, Arc<Cell>>,
    /// The number of cells at which unused ones are looked for next.
    sweep_at: usize,
}

impl Shard {
    fn cell(&mut self, scope: Scope, name: &str) -> &Arc<Cell> {
        let cells = if scope == Scope::Region { &mut self.regions } else { &mut self.tags };
        if !cells.contains_key(name) {
            let name: Arc<str> = Arc::from(name);
            cells.insert(Arc::clone(&name), Arc::new(Cell { name, stamp: AtomicU64::new(0) }));
        }
        &cells[name]
    }

    fn len(&self) -> usize {
        self.regions.len() + self.tags.len()
    }

    /// Frees the cells that nobody holds and whose mark, if any, is as old as `useless`.
    ///
    /// A cell that somebody holds stays even so: a second one of the same name would not reach that holder.
    fn sweep(&mut self, useless: u64) {
        let used = |_: &Arc<str>, cell: &mut Arc<Cell>| Arc::strong_count(cell) > 1 || cell.stamp() > useless;
        self.regions.retain(used);
        self.tags.retain(used);
        self.sweep_at = (self.len() * 2).max(SWEEP_FROM);
    }

    fn marked(&self) -> impl Iterator<Item = u64> {
        self.regions.values().chain(self.tags.values()).map(|cell| cell.stamp()).filter(|stamp| *stamp > 0)
    }
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::default(),
            floor: AtomicU64::new(0),
            newest_mark: AtomicU64::new(0),
            newest: AtomicU64::new(0),
        }
    }
}

impl Marks {
    /// A stamp newer than every earlier one.
    ///
    /// Stamps follow the wall clock (65,536 steps a millisecond) where it moves forward, so that stamps which
    /// were given out but never written cannot be given out again after a crash.
    pub(crate) fn next_stamp(&self, wall_ms: i64) -> u64 {
        let floor = (wall_ms.max(0) as u64) << 16;
        let advance = |newest: u64| Some(floor.max(newest + 1));
        let before = self.newest.fetch_update(Ordering::SeqCst, Ordering::SeqCst, advance);
        floor.max(before.unwrap_or_default() + 1)
    }

    /// Makes every later stamp newer than this one, which was found on disk.
    pub(crate) fn seen(&self, stamp: u64) {
        self.newest.fetch_max(stamp, Ordering::SeqCst);
    }

    pub(crate) fn newest(&self) -> u64 {
        self.newest.load(Ordering::SeqCst)
    }

    /// Whether a mark may cover an entry of this stamp at all; most entries are newer than every mark.
    pub(crate) fn may_cover(&self, stamp: u64) -> bool {
        stamp <= self.newest_mark.load(Ordering::Acquire)
    }

    /// Entries with a stamp up to this one are invalid.
    pub(crate) fn floor(&self) -> u64 {
        self.floor.load(Ordering::Acquire)
    }

    /// The one cell of this region or tag; it lives as long as somebody holds it or its mark counts.
    pub(crate) fn cell(&self, scope: Scope, name: &str) -> Arc<Cell> {
        let mut shard = self.shard(name);
        if shard.len() >= shard.sweep_at.max(SWEEP_FROM) {
            shard.sweep(self.floor());
        }
        Arc::clone(shard.cell(scope, name))
    }

    /// Sets the mark of a region, a tag or everything; it holds for every read from now on.
    pub(crate) fn set(&self, scope: Scope, name: &str, stamp: u64) {
        self.seen(stamp);
        self.newest_mark.fetch_max(stamp, Ordering::AcqRel);
        match scope {
            Scope::All => {
                self.floor.fetch_max(stamp, Ordering::AcqRel);
            }
            Scope::Region | Scope::Tag => self.cell(scope, name).raise(stamp),
            // A level keeps its own.
            Scope::Level => {}
        }
    }

    /// The stamp up to which marks are of no use any more: older than any entry, or as old as half of them where
    /// there are too many.
    pub(crate) fn useless_up_to(&self) -> u64 {
        let by_age = (self.newest() >> 16).saturating_sub(OLDEST_MS) << 16;
        let mut stamps: Vec<u64> =
            self.shards.iter().flat_map(|s| lock(s).marked().collect::<Vec<_>>()).collect();
        if stamps.len() <= MARKS_MAX {
            return by_age.max(self.floor());
        }
        let middle = stamps.len() / 2;
        let by_number = *stamps.select_nth_unstable(middle).1;
        by_age.max(by_number).max(self.floor())
    }

    /// Makes entries up to this stamp invalid, and frees the marks that say so of fewer.
    pub(crate) fn fold_up_to(&self, stamp: u64) {
        self.newest_mark.fetch_max(stamp, Ordering::AcqRel);
        self.floor.fetch_max(stamp, Ordering::AcqRel);
        self.shards.iter().for_each(|shard| lock(shard).sweep(stamp));
    }

    fn shard(&self, name: &str) -> MutexGuard<'_, Shard> {
        lock(&self.shards[self.hasher.hash_one(name) as usize % SHARDS])
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn len(marks: &Marks) -> usize {
        marks.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    #[test]
    fn stamps_grow_whatever_the_wall_clock_does() {
        let marks = Marks::default();
        let mut last = 0;
        for wall_ms in [5, 5, 4, 1_000, -7, 1_000] {
            let next = marks.next_stamp(wall_ms);
            assert!(next > last);
            last = next;
        }
        marks.seen(1 << 60);
        assert!(marks.next_stamp(0) > 1 << 60);
    }

    #[test]
    fn a_mark_reaches_every_holder_and_outlives_them() {
        let marks = Marks::default();
        let held = marks.cell(Scope::Tag, "usd");
        marks.set(Scope::Tag, "usd", 7);
        marks.set(Scope::Tag, "usd", 3);
        assert_eq!(held.stamp(), 7, "an older mark changes nothing");
        assert_eq!(marks.cell(Scope::Region, "usd").stamp(), 0, "a region of that name is something else");
        drop(held);
        marks.fold_up_to(6);
        assert_eq!(marks.cell(Scope::Tag, "usd").stamp(), 7);
        marks.fold_up_to(7);
        assert_eq!((len(&marks), marks.floor()), (0, 7), "what it covered is covered by the floor");
    }

    #[test]
    fn cells_that_nobody_holds_are_freed() {
        let marks = Marks::default();
        let held: Vec<_> = (0..100).map(|n| marks.cell(Scope::Tag, &format!("held {n}"))).collect();
        (0..100_000).for_each(|n| drop(marks.cell(Scope::Tag, &format!("t{n}"))));
        assert!(len(&marks) <= 2 * held.len() + SHARDS * SWEEP_FROM, "{}", len(&marks));
        assert!(held.iter().all(|cell| Arc::ptr_eq(cell, &marks.cell(Scope::Tag, &cell.name))));
    }

    #[test]
    fn too_many_marks_are_folded_into_the_floor() {
        let marks = Marks::default();
        (1..=MARKS_MAX as u64).for_each(|n| marks.set(Scope::Tag, &format!("t{n}"), n));
        assert_eq!(marks.useless_up_to(), 0);
        marks.set(Scope::Tag, "one more", MARKS_MAX as u64 + 1);
        let useless = marks.useless_up_to();
        marks.fold_up_to(useless);
        assert!(len(&marks) <= MARKS_MAX / 2);
        assert!(marks.floor() >= MARKS_MAX as u64 / 2);
    }
}
