use std::cell::RefCell;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::trace::TraceEvent;

thread_local! {
    /// The call this thread is running. SQLite's trace takes a bare function without state; every
    /// connection belongs to one thread, so the thread is the state.
    static CURRENT: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// What was seen of one call.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) elapsed: Duration,
    /// Rows that its statements returned or changed.
    pub(crate) rows: u64,
    pub(crate) changed: u64,
    pub(crate) statements: u64,
    /// The statement that took longest, as it was prepared: never with the values bound to it.
    pub(crate) slowest: Option<(String, Duration)>,
}

/// Runs `work` and watches the statements it makes on this thread.
pub(crate) fn watch(conn: &Connection, work: impl FnOnce()) -> Watch {
    let (started, changes) = (Instant::now(), conn.total_changes());
    let begun = Watch { elapsed: Duration::ZERO, rows: 0, changed: 0, statements: 0, slowest: None };
    CURRENT.with_borrow_mut(|current| *current = Some(begun));
    work();
    let seen = CURRENT.with_borrow_mut(Option::take);
    let mut seen = seen.expect("set above, and calls do not nest on one thread");
    seen.elapsed = started.elapsed();
    seen.changed = conn.total_changes() - changes;
    seen.rows += seen.changed;
    seen
}

/// What every connection calls when a statement returns a row or ends.
pub(crate) fn on_event(event: TraceEvent<'_>) {
    CURRENT.with_borrow_mut(|current| {
        let Some(seen) = current else { return };
        match event {
            TraceEvent::Row(_) => seen.rows += 1,
            TraceEvent::Profile(statement, took) => {
                seen.statements += 1;
                if seen.slowest.as_ref().is_none_or(|(_, longest)| took > *longest) {
                    seen.slowest = Some((statement.sql().into_owned(), took));
                }
            }
            _ => {}
        }
    });
}
