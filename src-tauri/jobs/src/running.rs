//! What a handler holds of the job that it runs.

use std::sync::{Arc, Mutex};

use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::JobId;

/// The job under way, for its handler.
#[derive(Debug, Clone)]
pub struct Running {
    pub(crate) id: JobId,
    pub(crate) attempt: u32,
    pub(crate) attempts: u32,
    pub(crate) key: Option<Arc<str>>,
    pub(crate) cancel: CancellationToken,
    pub(crate) progress: Progress,
}

/// The latest progress that was told and not yet written.
pub(crate) type Progress = Arc<Mutex<Option<(f64, String)>>>;

impl Running {
    /// The job's number.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Which attempt this is, the first being 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The most attempts.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The job's key.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Completes once the attempt is to end: it was cancelled, its time is up, or the program quits.
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        self.cancel.cancelled()
    }

    /// Whether the attempt is to end.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Tells how far it is, 0 to 1, with a few words. The latest is written about once a second.
    pub fn progress(&self, share: f64, note: &str) {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        let note = note.chars().take(NOTE_MAX).collect();
        *self.progress.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some((share, note));
    }
}

const NOTE_MAX: usize = 120;
