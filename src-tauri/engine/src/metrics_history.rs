//! Samples over time, in `metrics.db`: 10 s means for 48 hours, 5 min means for 31 days.

use store::rusqlite::{Connection, Transaction};
use store::{Migrations, Store, StoreError};

use crate::api::{MetricsHistory, Range, Sample};

pub(crate) const MIGRATIONS: Migrations = Migrations {
    owner: "engine",
    steps: &[
        include_str!("metrics_schema.sql"),
        include_str!("metrics_files.sql"),
        include_str!("metrics_jobs.sql"),
    ],
};

/// The columns of a row after its key.
const COLUMNS: [&str; 15] = [
    "load",
    "cpu",
    "memory",
    "cache_memory",
    "cache_files",
    "cache_database",
    "cache_origin",
    "queue_critical",
    "queue_high",
    "queue_normal",
    "queue_low",
    "jobs_per_minute",
    "jobs_failed",
    "jobs_wait_p95_ms",
    "jobs_run_p95_ms",
];
type Row = [Option<f64>; COLUMNS.len()];

const FINE: Tier = Tier { id: 0, step_ms: 10_000, keep_ms: 48 * 3_600_000 };
const COARSE: Tier = Tier { id: 1, step_ms: 300_000, keep_ms: 31 * 86_400_000 };

struct Tier {
    id: i64,
    step_ms: i64,
    keep_ms: i64,
}

/// The tier that a range is read from, and the distance of its points: at most 720 of them.
fn resolution(range: Range) -> (&'static Tier, i64, i64) {
    match range {
        Range::Hour => (&FINE, 10_000, 3_600_000),
        Range::Day => (&FINE, 120_000, 86_400_000),
        Range::Week => (&COARSE, 900_000, 7 * 86_400_000),
        Range::Month | Range::Year => (&COARSE, 3_600_000, 30 * 86_400_000),
    }
}

/// Collects samples to 10 s means and writes them.
pub(crate) struct Recorder {
    store: Store,
    bucket: i64,
    /// Sums and counts of the current bucket.
    sums: [(f64, u32); COLUMNS.len()],
}

impl Recorder {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, bucket: 0, sums: [(0.0, 0); COLUMNS.len()] }
    }

    /// Takes one sample; where it begins a new bucket, the last one is written.
    pub(crate) async fn record(&mut self, sample: &Sample) -> Result<(), StoreError> {
        let bucket = sample.at_ms - sample.at_ms.rem_euclid(FINE.step_ms);
        let written = if bucket != self.bucket { self.flush().await } else { Ok(()) };
        self.bucket = bucket;
        for (sum, value) in self.sums.iter_mut().zip(row_of(sample)) {
            if let Some(value) = value {
                *sum = (sum.0 + value, sum.1 + 1);
            }
        }
        written
    }

    /// Writes the bucket as far as it has come.
    pub(crate) async fn flush(&mut self) -> Result<(), StoreError> {
        let sums = std::mem::replace(&mut self.sums, [(0.0, 0); COLUMNS.len()]);
        if sums.iter().all(|(_, count)| *count == 0) {
            return Ok(());
        }
        let row: Row = sums.map(|(sum, count)| (count > 0).then(|| sum / f64::from(count)));
        let at_ms = self.bucket;
        self.store.write("metrics.record", move |db| write_bucket(db, at_ms, &row)).await
    }
}

fn row_of(sample: &Sample) -> Row {
    [
        Some(sample.load),
        Some(sample.cpu),
        Some(sample.memory),
        sample.cache.memory,
        sample.cache.files,
        sample.cache.database,
        sample.cache.origin,
        Some(f64::from(sample.queue.critical)),
        Some(f64::from(sample.queue.high)),
        Some(f64::from(sample.queue.normal)),
        Some(f64::from(sample.queue.low)),
        Some(f64::from(sample.jobs.ended_per_minute)),
        Some(f64::from(sample.jobs.failed)),
        sample.jobs.wait_p95_ms,
        sample.jobs.run_p95_ms,
    ]
}

fn write_bucket(db: &Transaction<'_>, at_ms: i64, row: &Row) -> Result<(), StoreError> {
    let marks: Vec<_> = (3..3 + COLUMNS.len()).map(|place| format!("?{place}")).collect();
    let insert = format!(
        "REPLACE INTO sample (tier, at_ms, {}) VALUES (?1, ?2, {})",
        COLUMNS.join(", "),
        marks.join(", ")
    );
    let mut insert = db.prepare_cached(&insert)?;
    insert.raw_bind_parameter(1, FINE.id)?;
    insert.raw_bind_parameter(2, at_ms)?;
    for (place, value) in row.iter().enumerate() {
        insert.raw_bind_parameter(3 + place, value)?;
    }
    insert.raw_execute()?;
    drop(insert);
    let first_of_a_coarse_bucket = at_ms.rem_euclid(COARSE.step_ms) < FINE.step_ms;
    if first_of_a_coarse_bucket { roll_up(db, at_ms) } else { Ok(()) }
}

/// Brings the coarse tier up to date from the fine one, and drops what is past its time.
fn roll_up(db: &Transaction<'_>, now_ms: i64) -> Result<(), StoreError> {
    let means: Vec<_> = COLUMNS.iter().map(|column| format!("avg({column})")).collect();
    db.prepare_cached(&format!(
        "REPLACE INTO sample (tier, at_ms, {})
         SELECT ?1, at_ms / ?2 * ?2 AS bucket, {} FROM sample
         WHERE tier = ?3 AND at_ms >= (SELECT coalesce(max(at_ms), 0) FROM sample WHERE tier = ?1) AND at_ms < ?4
         GROUP BY bucket",
        COLUMNS.join(", "),
        means.join(", ")
    ))?
    .execute((COARSE.id, COARSE.step_ms, FINE.id, now_ms - now_ms.rem_euclid(COARSE.step_ms)))?;
    for tier in [FINE, COARSE] {
        db.prepare_cached("DELETE FROM sample WHERE tier = ?1 AND at_ms < ?2")?
            .execute((tier.id, now_ms - tier.keep_ms))?;
    }
    Ok(())
}

/// The samples of a range up to now.
pub(crate) async fn read(store: &Store, range: Range, now_ms: i64) -> Result<MetricsHistory, StoreError> {
    store.read("metrics.history", move |db| read_range(db, range, now_ms)).await
}

fn read_range(db: &Connection, range: Range, now_ms: i64) -> Result<MetricsHistory, StoreError> {
    let (tier, step_ms, span_ms) = resolution(range);
    let means: Vec<_> = COLUMNS.iter().map(|column| format!("avg({column})")).collect();
    let mut select = db.prepare_cached(&format!(
        "SELECT at_ms / ?2 * ?2 AS bucket, {} FROM sample WHERE tier = ?1 AND at_ms >= ?3 AND at_ms <= ?4
         GROUP BY bucket ORDER BY bucket",
        means.join(", ")
    ))?;
    let mut history = MetricsHistory { step_ms, ..MetricsHistory::default() };
    let mut rows = select.query((tier.id, step_ms, now_ms - span_ms, now_ms))?;
    while let Some(row) = rows.next()? {
        history.at_ms.push(row.get(0)?);
        let columns = [
            &mut history.load,
            &mut history.cpu,
            &mut history.memory,
            &mut history.cache_memory,
            &mut history.cache_files,
            &mut history.cache_database,
            &mut history.cache_origin,
            &mut history.queue_critical,
            &mut history.queue_high,
            &mut history.queue_normal,
            &mut history.queue_low,
            &mut history.jobs_per_minute,
            &mut history.jobs_failed,
            &mut history.jobs_wait_p95_ms,
            &mut history.jobs_run_p95_ms,
        ];
        for (place, column) in columns.into_iter().enumerate() {
            column.push(row.get(1 + place)?);
        }
    }
    Ok(history)
}
