//! Marks that the database has yet to take. They hold in this process all the same, and are never given up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::journal::MarkRow;
use crate::marks::Scope;

/// Beyond so many marks they become one that covers everything.
const MARKS_MAX: usize = 10_000;

#[derive(Default)]
pub(crate) struct Backlog {
    /// Guards the marks, newest of each name; held for single changes and a copy.
    marks: Mutex<HashMap<(Scope, Arc<str>), u64>>,
}

impl Backlog {
    /// Adds a mark; returns the stamp of the one that took the place of all where there were too many.
    pub(crate) fn add(&self, row: &MarkRow) -> Option<u64> {
        let mut marks = self.lock();
        let held = marks.entry((row.scope, Arc::clone(&row.name))).or_default();
        *held = row.stamp.max(*held);
        if marks.len() <= MARKS_MAX {
            return None;
        }
        let newest = marks.values().copied().max()?;
        marks.retain(|(scope, _), _| *scope == Scope::Level);
        marks.insert((Scope::All, Arc::from("")), newest);
        Some(newest)
    }

    /// The database has taken these.
    pub(crate) fn done(&self, rows: &[MarkRow]) {
        let mut marks = self.lock();
        for row in rows {
            let key = (row.scope, Arc::clone(&row.name));
            if marks.get(&key) == Some(&row.stamp) {
                marks.remove(&key);
            }
        }
    }

    pub(crate) fn rows(&self) -> Vec<MarkRow> {
        let marks = self.lock();
        let row = |((scope, name), stamp): (&(Scope, Arc<str>), &u64)| MarkRow {
            scope: *scope,
            name: Arc::clone(name),
            stamp: *stamp,
        };
        marks.iter().map(row).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Scope, Arc<str>), u64>> {
        self.marks.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scope: Scope, name: &str, stamp: u64) -> MarkRow {
        MarkRow { scope, name: Arc::from(name), stamp }
    }

    #[test]
    fn the_newest_mark_of_a_name_waits_until_the_database_has_it() {
        let backlog = Backlog::default();
        backlog.add(&row(Scope::Tag, "a", 2));
        backlog.add(&row(Scope::Tag, "a", 1));
        backlog.done(&[row(Scope::Tag, "a", 1)]);
        assert_eq!(backlog.rows(), [row(Scope::Tag, "a", 2)]);
        backlog.done(&[row(Scope::Tag, "a", 2)]);
        assert!(backlog.is_empty());
    }

    #[test]
    fn too_many_marks_become_one_that_covers_them_all() {
        let backlog = Backlog::default();
        for n in 1..=MARKS_MAX as u64 {
            assert_eq!(backlog.add(&row(Scope::Tag, &n.to_string(), n)), None);
        }
        let newest = MARKS_MAX as u64 + 1;
        assert_eq!(backlog.add(&row(Scope::Tag, "one more", newest)), Some(newest));
        assert_eq!(backlog.rows(), [row(Scope::All, "", newest)]);
    }
}
