//! One attempt from its start to its end, whatever its handler does.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::admission::YEAR;
use crate::clock::millis;
use crate::core::{Core, Underway};
use crate::kind::{Kind, said};
use crate::running::{Progress, Running};
use crate::settle::{Ended, Ending, Started};
use crate::turn::Fetched;
use crate::{Backoff, Hold, Outcome, Priority};

/// How long a handler that was told to end may take over it.
const GRACE: Duration = Duration::from_secs(1);
/// The most bytes of a result, as JSON.
const RESULT_MAX: usize = 64 << 10;
/// The most characters of an error.
const ERROR_MAX: usize = 1000;

/// A job of a kind that this version does not know is looked at again after so long,
const UNKNOWN_STEP: Duration = Duration::from_secs(600);
/// and fails when it is older than this.
const UNKNOWN_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// What the dispatcher hears of an attempt.
pub(crate) enum News {
    /// It ended; its place is free where `freed`.
    Ended { ended: Arc<Ended>, freed: bool },
    /// A handler that was told to end long ago has ended.
    Freed { queue: String, priority: Priority },
}

/// Starts the attempt; its end arrives as news.
pub(crate) fn spawn(core: &Arc<Core>, fetched: Fetched, news: UnboundedSender<News>) {
    let Fetched { job, key, payload } = fetched;
    let (cancel, progress) = (CancellationToken::new(), Progress::default());
    let underway = Underway { start: job.starts, cancel: cancel.clone(), progress: Arc::clone(&progress) };
    core.live().running.insert(job.id, underway);
    let (core, told) = (Arc::clone(core), CancellationToken::new());
    tokio::spawn(async move {
        let Kind { defaults, handler } = match startable(&core, &job) {
            Ok(kind) => kind.clone(),
            Err(ending) => {
                core.live().ended(&job);
                send(&news, job, ending, Backoff::Fixed(GRACE), true);
                return;
            }
        };
        let running = Running {
            id: job.id,
            attempt: job.attempt,
            attempts: job.attempts,
            key: key.map(Arc::from),
            cancel: told.clone(),
            progress,
        };
        let mut task = tokio::spawn(async move {
            AssertUnwindSafe(async move { handler.run(&payload, running).await }).catch_unwind().await
        });
        let ending = watch(&core, &job, &mut task, &cancel, &told).await;
        core.live().ended(&job);
        let (id, queue, priority) = (job.id, job.queue.clone(), job.priority);
        let freed = task.is_finished();
        send(&news, job, ending, defaults.backoff, freed);
        if !freed {
            ignored(&core, id, (&queue, priority), task, &news).await;
        }
    });
}

fn send(news: &UnboundedSender<News>, job: Started, ending: Ending, backoff: Backoff, freed: bool) {
    // Without a dispatcher the program has ended, and the next start takes the job up.
    let _ = news.send(News::Ended { ended: Arc::new(Ended { job, ending, backoff }), freed });
}

/// A handler that ignored its cancellation: dropped where it waits, its place counts until it really ends.
async fn ignored(
    core: &Core,
    id: crate::JobId,
    (queue, priority): (&str, Priority),
    task: Task,
    news: &UnboundedSender<News>,
) {
    tracing::warn!(%id, queue, "a job ignores that it was told to end; its place stays taken until it does");
    if let Some(queue) = core.live().queue(queue) {
        queue.figures.stuck += 1;
    }
    let _ = task.await;
    if let Some(queue) = core.live().queue(queue) {
        queue.figures.stuck -= 1;
    }
    let _ = news.send(News::Freed { queue: queue.to_owned(), priority });
}

/// The job's kind, or how the job ends without a run.
///
/// Another version of the program may know an unknown kind: one that was run before this one, or will be after it. The
/// job waits for it, without spending an attempt, and is there to be looked at and cancelled meanwhile.
fn startable<'a>(core: &'a Core, job: &Started) -> Result<&'a Kind, Ending> {
    if job.deadline_ms.is_some_and(|deadline| deadline <= job.started_at_ms) {
        return Err(Ending::Fail("its overall time is up".into()));
    }
    core.kinds.get(&*job.kind).ok_or_else(|| {
        let error = format!("this version has no handler for {}", job.kind);
        if job.started_at_ms - job.created_at_ms > millis(UNKNOWN_FOR) {
            return Ending::Fail(error);
        }
        Ending::Snooze { for_ms: millis(UNKNOWN_STEP), because: Hold::Other(error) }
    })
}

type Finished = Result<Outcome, Box<dyn Any + Send>>;
type Task = JoinHandle<Finished>;

async fn watch(
    core: &Core,
    job: &Started,
    task: &mut Task,
    cancel: &CancellationToken,
    told: &CancellationToken,
) -> Ending {
    let left_ms = job.deadline_ms.map_or(i64::MAX, |deadline| deadline - job.started_at_ms);
    let timeout_ms = job.timeout_ms.min(left_ms).max(0);
    let otherwise = tokio::select! {
        biased;
        finished = &mut *task => return ending_of(finished.ok()),
        () = cancel.cancelled() => Ending::Cancel("it was cancelled".into()),
        () = core.quitting.cancelled() => Ending::Interrupted,
        () = tokio::time::sleep(Duration::from_millis(timeout_ms as u64)) => Ending::Retry {
            outcome: "timed_out",
            error: format!("no end within {timeout_ms} ms"),
            after_ms: None,
        },
    };
    told.cancel();
    match tokio::time::timeout(GRACE, &mut *task).await {
        // What it finished is not thrown away.
        Ok(Ok(Ok(done @ (Outcome::Done | Outcome::DoneWith(_))))) => ending_of(Some(Ok(done))),
        Ok(_) => otherwise,
        Err(_elapsed) => {
            task.abort();
            // What only waits ends at once; what blocks its thread does not.
            let _ = tokio::time::timeout(GRACE, &mut *task).await;
            otherwise
        }
    }
}

fn ending_of(finished: Option<Finished>) -> Ending {
    let retry = |outcome, error, after_ms| Ending::Retry { outcome, error, after_ms };
    match finished {
        Some(Ok(Outcome::Done)) => Ending::Done(None),
        Some(Ok(Outcome::DoneWith(value))) => {
            let text = value.to_string();
            if text.len() <= RESULT_MAX {
                return Ending::Done(Some(text));
            }
            Ending::Fail(format!("its result has {} bytes: at most {RESULT_MAX} are kept", text.len()))
        }
        Some(Ok(Outcome::Retry { error, after })) => retry("retry", shortened(error), after.map(wait_ms)),
        Some(Ok(Outcome::Snooze { for_, because })) => {
            Ending::Snooze { for_ms: wait_ms(for_), because: because.shortened() }
        }
        Some(Ok(Outcome::Cancel { because })) => Ending::Cancel(shortened(because)),
        Some(Ok(Outcome::Fail { error })) => Ending::Fail(shortened(error)),
        Some(Err(panic)) => retry("panicked", shortened(said(&*panic)), None),
        None => retry("panicked", "its handler was ended from outside".into(), None),
    }
}

impl Hold {
    fn shortened(self) -> Self {
        match self {
            Self::RateLimited { service } => Self::RateLimited { service: shortened(service) },
            Self::BreakerOpen { service } => Self::BreakerOpen { service: shortened(service) },
            Self::Load => Self::Load,
            Self::Other(text) => Self::Other(shortened(text)),
        }
    }
}

fn shortened(text: String) -> String {
    if text.chars().count() <= ERROR_MAX { text } else { text.chars().take(ERROR_MAX).collect() }
}

/// No wait is longer than a year.
fn wait_ms(wait: Duration) -> i64 {
    millis(wait.min(YEAR))
}
