use async_trait::async_trait;

/// The durable memory of calls, so that a restart neither forgets the window nor the month nor a hold.
///
/// The pipeline writes one [`Batch`] before each call it sends, and one when it stops. Ends of earlier calls
/// travel with the next batch; ends that a crash loses cost nothing but patience, because a call without an
/// end counts as ending at the restart.
///
/// # Contract
/// - When `write` returns `Ok` the batch is durable, all of it. On `Err` any part of it may be.
/// - Batches may arrive in another order than they were made, and a part of one may arrive twice: starts and
///   ends are upserts by id, `month` and `hold_until_ms` keep the greater value, an end for an unknown id is
///   ignored.
/// - A future of `write` may be dropped half way; it then counts as failed.
///
/// [`conformance::check_journal`](crate::conformance::check_journal) tests an implementation against this.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Everything that is remembered.
    async fn load(&self) -> Result<Recorded, JournalError>;

    /// Makes a batch durable.
    async fn write(&self, batch: Batch) -> Result<(), JournalError>;
}

/// Why a journal could not be read or written; one sentence for the log and the status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JournalError(pub String);

/// What a journal remembers of earlier processes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Every call that has not been forgotten, in any order: its id, and when it ended, where that is known.
    pub calls: Vec<(i64, Option<i64>)>,
    /// The latest month with a count.
    pub month: Option<MonthCount>,
    /// Until when the provider asked for silence.
    pub hold_until_ms: Option<i64>,
}

/// What is to be made durable at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Calls about to be sent.
    pub started: Vec<Started>,
    /// Calls whose reply is here, or that were given up.
    pub finished: Vec<Finished>,
    /// The calls of a month so far, to replace a smaller count.
    pub month: Option<MonthCount>,
    /// Until when the provider asked for silence, to replace an earlier time; `None` changes nothing.
    pub hold_until_ms: Option<i64>,
    /// Calls that ended before this time may be forgotten; calls without an end may not.
    pub forget_before_ms: i64,
}

/// A call about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// Unique among the calls remembered, across restarts.
    pub id: i64,
    /// When its slot was taken.
    pub at_ms: i64,
}

/// The end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// The id with which it started.
    pub id: i64,
    /// When the reply was here or the call was given up.
    pub at_ms: i64,
}

/// The calls of one calendar month (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthCount {
    /// Year and month as one number: `202611`.
    pub month: i32,
    /// The calls in it.
    pub calls: u32,
}

/// Remembers nothing: for sources without a provider's limit, such as the simulator, and for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJournal;

#[async_trait]
impl Journal for NoJournal {
    async fn load(&self) -> Result<Recorded, JournalError> {
        Ok(Recorded::default())
    }

    async fn write(&self, _batch: Batch) -> Result<(), JournalError> {
        Ok(())
    }
}
