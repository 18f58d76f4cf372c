use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rusqlite::Connection;

use crate::request::Request;
use crate::slow::{self, SlowCall};
use crate::stats::{Kind, Latency, PoolStats, QueryStats, Stats, WriterStats};
use crate::watch::Watch;
use crate::{StoreError, damage};

/// Slow calls kept for showing.
const RECENT_SLOW: usize = 32;

/// Where the threads of a store write down what they did.
pub(crate) struct Recorder {
    path: PathBuf,
    slow_query: Duration,
    /// Held for moments only, by whoever finished a call or asks for the figures.
    figures: Mutex<Figures>,
    queued: AtomicUsize,
    refused: AtomicU64,
    waiting: AtomicUsize,
}

struct Figures {
    /// Names are part of the program, so their number is bounded by it.
    queries: BTreeMap<(&'static str, Kind), Query>,
    recent_slow: VecDeque<SlowCall>,
    waits: Histogram<u64>,
    wait_timeouts: u64,
    commits: Histogram<u64>,
    groups: u64,
    failed_groups: u64,
    grouped: u64,
    largest_group: usize,
    trouble: Option<String>,
}

struct Query {
    calls: u64,
    errors: u64,
    slow: u64,
    rows: u64,
    took: Histogram<u64>,
}

impl Recorder {
    pub(crate) fn new(path: PathBuf, slow_query: Duration) -> Recorder {
        let figures = Figures {
            queries: BTreeMap::new(),
            recent_slow: VecDeque::with_capacity(RECENT_SLOW),
            waits: histogram(),
            wait_timeouts: 0,
            commits: histogram(),
            groups: 0,
            failed_groups: 0,
            grouped: 0,
            largest_group: 0,
            trouble: None,
        };
        let (queued, refused, waiting) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicUsize::new(0));
        Recorder { path, slow_query, figures: Mutex::new(figures), queued, refused, waiting }
    }

    /// The file these figures are about.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down one call: what was seen of it and where, unless it was refused before it began.
    pub(crate) fn record(&self, kind: Kind, request: &dyn Request, seen: Option<(&Connection, Watch)>) {
        let error = request.error();
        if matches!(error, Some(StoreError::Corrupt)) {
            damage::suspect(&self.path);
        }
        let figures = seen.as_ref().map(|(_, seen)| (seen.elapsed, seen.rows));
        let wrote = seen.as_ref().is_some_and(|(_, seen)| seen.changed > 0);
        // The plan is asked for, and the line logged, before the lock is taken.
        let slow = seen
            .filter(|(_, seen)| seen.elapsed >= self.slow_query)
            .map(|(conn, seen)| slow::report(conn, request.name(), seen));
        let mut all = self.figures();
        if kind == Kind::Write {
            all.trouble = trouble(error, wrote, all.trouble.take());
        }
        let query = all.queries.entry((request.name(), kind)).or_insert_with(Query::new);
        query.calls += 1;
        query.errors += u64::from(error.is_some());
        query.slow += u64::from(slow.is_some());
        if let Some((took, rows)) = figures {
            add(&mut query.took, took);
            query.rows += rows;
        }
        if let Some(slow) = slow {
            if all.recent_slow.len() == RECENT_SLOW {
                all.recent_slow.pop_front();
            }
            all.recent_slow.push_back(slow);
        }
    }

    /// Writes down a group; `commit` is missing when it failed.
    pub(crate) fn record_group(&self, size: usize, commit: Option<Duration>) {
        let mut figures = self.figures();
        match commit {
            Some(took) => add(&mut figures.commits, took),
            None => figures.failed_groups += 1,
        }
        figures.groups += 1;
        figures.grouped += size as u64;
        figures.largest_group = figures.largest_group.max(size);
    }

    pub(crate) fn joined_queue(&self) {
        self.queued.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn left_queue(&self, count: usize) {
        self.queued.fetch_sub(count, Ordering::Relaxed);
    }

    pub(crate) fn refused_by_queue(&self) {
        self.queued.fetch_sub(1, Ordering::Relaxed);
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a read among those waiting, or `None` if `bound` of them do already.
    pub(crate) fn begin_wait(&self, bound: usize) -> Option<Waiting<'_>> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= bound {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Waiting { recorder: self, since: Instant::now(), timed_out: false })
    }

    /// The figures so far; the pool adds what only it knows.
    pub(crate) fn stats(&self, open: usize, busy: usize) -> Stats {
        let figures = self.figures();
        let queries = figures.queries.iter().map(|(&(name, kind), query)| QueryStats {
            name,
            kind,
            calls: query.calls,
            errors: query.errors,
            slow: query.slow,
            rows: query.rows,
            took: Latency::of(&query.took),
        });
        Stats {
            queries: queries.collect(),
            pool: PoolStats {
                open,
                busy,
                waiting: self.waiting.load(Ordering::Relaxed),
                waits: figures.waits.len(),
                timeouts: figures.wait_timeouts,
                wait: Latency::of(&figures.waits),
            },
            writer: WriterStats {
                queue: self.queued.load(Ordering::Relaxed),
                refused: self.refused.load(Ordering::Relaxed),
                groups: figures.groups,
                failed_groups: figures.failed_groups,
                grouped: figures.grouped,
                largest_group: figures.largest_group,
                commit: Latency::of(&figures.commits),
                trouble: figures.trouble.clone(),
            },
            recent_slow: figures.recent_slow.iter().cloned().collect(),
        }
    }

    fn figures(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().expect("nothing panics while it holds this lock")
    }
}

/// A read in the line for a connection; its time is written down however the wait ends.
pub(crate) struct Waiting<'a> {
    recorder: &'a Recorder,
    since: Instant,
    pub(crate) timed_out: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.recorder.waiting.fetch_sub(1, Ordering::Relaxed);
        let mut figures = self.recorder.figures();
        add(&mut figures.waits, self.since.elapsed());
        figures.wait_timeouts += u64::from(self.timed_out);
    }
}

/// Only a write that changed something shows that the file takes writes again.
fn trouble(error: Option<&StoreError>, wrote: bool, before: Option<String>) -> Option<String> {
    match error {
        Some(StoreError::Full | StoreError::Busy | StoreError::Io { .. } | StoreError::Corrupt) => {
            error.map(ToString::to_string)
        }
        None if wrote => None,
        _ => before,
    }
}

impl Query {
    fn new() -> Query {
        Query { calls: 0, errors: 0, slow: 0, rows: 0, took: histogram() }
    }
}

/// Microseconds up to an hour, to 1 %.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 2).expect("constant bounds that the crate's docs allow")
}

fn add(histogram: &mut Histogram<u64>, took: Duration) {
    histogram.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
}
