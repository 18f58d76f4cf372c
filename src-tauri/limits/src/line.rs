use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::Priority;

/// A bounded waiting line in order of priority, in which waiting makes more urgent.
///
/// A waiter is served as if it had come `priority.rank() × age_step` later than it did. So a more urgent
/// one goes first, but only where it came within that span after: a `Low` waiter is overtaken only by
/// waiters that come at most `3 × age_step` after it, and never starves. Equal ones go in order of arrival.
/// The order of two waiters never changes, so a sorted map is the whole mechanism.
#[derive(Debug)]
pub struct Line<T> {
    bound: usize,
    age_step: Duration,
    next: u64,
    waiting: BTreeMap<Place, T>,
}

/// Where a waiter stands; the order is the order of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    due: Instant,
    number: u64,
    priority: Priority,
}

impl Place {
    /// The priority with which the waiter came.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.priority
    }
}

/// A waiter that joined, and the one that had to make room for it.
#[derive(Debug)]
pub struct Joined<T> {
    /// The new waiter's place.
    pub place: Place,
    /// The least urgent waiter, put out because the line was full.
    pub put_out: Option<T>,
}

/// The line is full of waiters that are as urgent, or have waited long enough to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl<T> Line<T> {
    /// An empty line for at most `bound` waiters.
    #[must_use]
    pub fn new(bound: usize, age_step: Duration) -> Self {
        Self { bound, age_step, next: 0, waiting: BTreeMap::new() }
    }

    /// Joins; a full line puts its last waiter out where that one is less urgent.
    ///
    /// # Errors
    /// [`Full`] where the last waiter is not less urgent.
    pub fn join(&mut self, now: Instant, priority: Priority, waiter: T) -> Result<Joined<T>, Full> {
        let mut put_out = None;
        if self.waiting.len() >= self.bound {
            let last = self.waiting.last_entry().filter(|last| last.key().priority > priority);
            put_out = Some(last.ok_or(Full)?.remove());
        }
        let place = Place { due: now + self.age_step * priority.rank(), number: self.next, priority };
        self.next += 1;
        self.waiting.insert(place, waiter);
        Ok(Joined { place, put_out })
    }

    /// Leaves the line, served or not; a place that is gone already is fine.
    pub fn leave(&mut self, place: Place) -> Option<T> {
        self.waiting.remove(&place)
    }

    /// The waiter to be served next.
    #[must_use]
    pub fn head(&self) -> Option<(Place, &T)> {
        self.waiting.first_key_value().map(|(place, waiter)| (*place, waiter))
    }

    /// Whether this place is still in the line.
    #[must_use]
    pub fn holds(&self, place: Place) -> bool {
        self.waiting.contains_key(&place)
    }

    /// How many are served before this place.
    #[must_use]
    pub fn ahead_of(&self, place: Place) -> usize {
        self.waiting.range(..place).count()
    }

    /// All waiters in the order of service.
    pub fn iter(&self) -> impl Iterator<Item = (Place, &T)> {
        self.waiting.iter().map(|(place, waiter)| (*place, waiter))
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
