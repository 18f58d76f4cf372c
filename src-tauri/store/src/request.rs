use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Transaction;
use tokio::sync::oneshot;

use crate::StoreError;

/// A call on its way through a thread of the store: the closure, its answer, and who waits for it.
///
/// The answer is kept until [`Request::answer`], since a write may be told "done" only after the commit.
pub(crate) trait Request: Send {
    fn name(&self) -> &'static str;
    /// Runs the closure; a panic becomes its answer.
    fn run(&mut self, tx: &Transaction<'_>);
    /// Why the answer is an error, if it is.
    fn error(&self) -> Option<&StoreError>;
    /// Replaces the answer by a refusal.
    fn refuse(&mut self, error: StoreError);
    /// Tells the caller, unless its future was dropped.
    fn answer(self: Box<Self>);
}

/// Makes a request, and the receiver on which its caller waits.
pub(crate) fn request<T, F>(
    name: &'static str,
    work: F,
) -> (Box<dyn Request>, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    F: FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
{
    let (caller, receiver) = oneshot::channel();
    (Box::new(Pending { name, work: Some(work), answer: Err(StoreError::Closed), caller }), receiver)
}

struct Pending<T, F> {
    name: &'static str,
    work: Option<F>,
    answer: Result<T, StoreError>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Request for Pending<T, F>
where
    T: Send,
    F: FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&mut self, tx: &Transaction<'_>) {
        let Some(work) = self.work.take() else { return };
        // What the closure owned dies with it, and what it changed is rolled back: nothing half-done is seen.
        let result = catch_unwind(AssertUnwindSafe(|| work(tx)));
        self.answer = result.unwrap_or(Err(StoreError::Panicked { name: self.name }));
    }

    fn error(&self) -> Option<&StoreError> {
        self.answer.as_ref().err()
    }

    fn refuse(&mut self, error: StoreError) {
        self.answer = Err(error);
    }

    fn answer(self: Box<Self>) {
        // Fails only when the caller's future was dropped: nobody is left to tell.
        let _ = self.caller.send(self.answer);
    }
}
