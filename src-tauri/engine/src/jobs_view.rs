//! Jobs and queues as the API tells them.

use std::time::Duration;

use jobs::{AddError, Hold, Job, JobRow, JobsError, KindView, NewJob, Priority, State, Why};

use crate::api::{
    ByPriority, JobAttempt, JobCounts, JobDetail, JobFilter, JobItem, JobKindView, JobPriority, JobState,
    NewJobRequest, Problem, QueueView, WaitReason,
};
use crate::views::sentence;

/// A full disk or a locked file may have changed after this.
const STORE_AGAIN_MS: u64 = 5_000;

macro_rules! same_names {
    ($from:ident <=> $to:ident: $($name:ident),*) => {
        impl From<$from> for $to {
            fn from(value: $from) -> Self {
                match value { $($from::$name => Self::$name),* }
            }
        }
        impl From<$to> for $from {
            fn from(value: $to) -> Self {
                match value { $($to::$name => Self::$name),* }
            }
        }
    };
}
same_names!(State <=> JobState: Waiting, Scheduled, Snoozed, Blocked, Running, Done, Failed, Cancelled);
same_names!(Priority <=> JobPriority: Critical, High, Normal, Low);

pub(crate) fn item(row: JobRow, now_ms: i64) -> JobItem {
    // A job that waits again keeps the times of its last attempt; one that never started has none.
    let ended_at_ms = row.ended_at_ms.filter(|_| row.state != State::Running);
    let until_ms = ended_at_ms.or((row.state == State::Running).then_some(now_ms));
    let took_ms = row.started_at_ms.zip(until_ms).map(|(started, until)| (until - started).max(0));
    JobItem {
        id: row.id.0,
        kind: row.kind,
        about: row.about,
        queue: row.queue,
        priority: row.priority.into(),
        state: row.state.into(),
        attempt: row.attempt,
        attempts: row.attempts,
        created_at_ms: row.created_at_ms,
        run_at_ms: row.run_at_ms,
        started_at_ms: row.started_at_ms,
        ended_at_ms,
        took_ms,
        progress: row.progress.map(|share| share as f32),
        progress_note: row.progress_note,
        error: row.error,
        key: row.key,
    }
}

pub(crate) fn detail(job: Job, why: &Why, now_ms: i64) -> JobDetail {
    let timeline = job.timeline.into_iter().map(|attempt| JobAttempt {
        attempt: attempt.attempt,
        started_at_ms: attempt.started_at_ms,
        took_ms: Some((attempt.ended_at_ms.unwrap_or(now_ms) - attempt.started_at_ms).max(0)),
        ended_at_ms: attempt.ended_at_ms,
        outcome: attempt.outcome,
        error: attempt.error,
    });
    JobDetail {
        timeline: timeline.collect(),
        payload: indented(&job.payload),
        result: job.result.as_deref().map(indented),
        why: reason(why),
        batch: job.batch,
        parent: job.parent.map(|id| id.0),
        children_open: job.children_open,
        job: item(job.row, now_ms),
    }
}

fn indented(json: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(json).ok();
    let text = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
    // What is no JSON any more is shown as it lies there.
    text.unwrap_or_else(|| json.to_owned())
}

fn reason(why: &Why) -> Option<WaitReason> {
    let (code, message, until_ms) = match why {
        Why::NotWaiting(_) => return None,
        Why::Next => ("next", "It starts in a moment.".to_owned(), None),
        Why::Paused => ("paused", "Its queue is paused; resume it to let the job start.".to_owned(), None),
        Why::Concurrency { running, limit } => {
            let text = format!("All places of its queue are taken: {running} of {limit} run.");
            ("concurrency", text, None)
        }
        Why::QueueRate { until_ms } => (
            "queue_rate",
            "Its queue starts no more than so many jobs in a time.".to_owned(),
            Some(*until_ms),
        ),
        Why::Load { factor } => {
            let text = format!(
                "The machine is loaded ({factor:.2}), and it is not urgent; it starts when the load falls."
            );
            ("load", text, None)
        }
        Why::Scheduled { at_ms } => ("scheduled", "It is due later.".to_owned(), Some(*at_ms)),
        Why::Backoff { at_ms, attempt } => {
            let text = format!("Attempt {attempt} failed; the next one follows after a pause.");
            ("backoff", text, Some(*at_ms))
        }
        Why::Snoozed { until_ms, because } => {
            let (code, text) = held(because.as_ref());
            (code, text, Some(*until_ms))
        }
        Why::Blocked { children_open: 1 } => {
            ("blocked", "One job that it depends on has not ended.".to_owned(), None)
        }
        Why::Blocked { children_open } => {
            ("blocked", format!("{children_open} jobs that it depends on have not ended."), None)
        }
    };
    Some(WaitReason { code: code.to_owned(), message, until_ms })
}

fn held(hold: Option<&Hold>) -> (&'static str, String) {
    match hold {
        Some(Hold::RateLimited { service }) => {
            ("rate_limited", format!("The limit of calls to {service} is reached."))
        }
        Some(Hold::BreakerOpen { service }) => {
            ("breaker_open", format!("{service} failed too often or is switched off, and is given a pause."))
        }
        Some(Hold::Load) => ("load", "The machine is loaded, and the call is not urgent.".to_owned()),
        Some(Hold::Other(text)) => ("snoozed", sentence(text)),
        None => ("snoozed", "Its handler put it off.".to_owned()),
    }
}

pub(crate) fn queue(view: jobs::QueueView) -> QueueView {
    let at = |quantiles: Option<jobs::Quantiles>, pick: fn(jobs::Quantiles) -> f64| quantiles.map(pick);
    QueueView {
        name: view.name,
        paused: view.paused,
        draining: view.draining,
        concurrency: view.concurrency,
        concurrency_max: *jobs::CONCURRENCY.end(),
        counts: counts(&view.counts),
        waiting_by_priority: by_priority(&view.counts),
        bound: view.bound,
        deferred: view.deferring,
        rate: view.rate.map(|rate| format!("{} in {}", rate.jobs, span(rate.per))),
        wait_p50_ms: at(view.waits, |times| times.p50_ms),
        wait_p95_ms: at(view.waits, |times| times.p95_ms),
        wait_p99_ms: at(view.waits, |times| times.p99_ms),
        run_p50_ms: at(view.runs, |times| times.p50_ms),
        run_p95_ms: at(view.runs, |times| times.p95_ms),
        run_p99_ms: at(view.runs, |times| times.p99_ms),
        ended_per_minute: view.ended_per_minute,
        completion_rate: view.completion_rate,
        stuck: view.stuck,
        depth: view.depth,
    }
}

fn span(span: Duration) -> String {
    match span.as_secs() {
        0 => format!("{} ms", span.as_millis()),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

pub(crate) fn counts(counts: &jobs::Counts) -> JobCounts {
    JobCounts {
        all: State::ALL.into_iter().map(|state| counts.of(state)).sum(),
        waiting: counts.of(State::Waiting),
        scheduled: counts.of(State::Scheduled),
        snoozed: counts.of(State::Snoozed),
        blocked: counts.of(State::Blocked),
        running: counts.of(State::Running),
        done: counts.of(State::Done),
        failed: counts.of(State::Failed),
        cancelled: counts.of(State::Cancelled),
    }
}

impl std::iter::Sum for JobCounts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            all: sum.all + one.all,
            waiting: sum.waiting + one.waiting,
            scheduled: sum.scheduled + one.scheduled,
            snoozed: sum.snoozed + one.snoozed,
            blocked: sum.blocked + one.blocked,
            running: sum.running + one.running,
            done: sum.done + one.done,
            failed: sum.failed + one.failed,
            cancelled: sum.cancelled + one.cancelled,
        })
    }
}

fn by_priority(counts: &jobs::Counts) -> ByPriority {
    let at = |priority| counts.at(State::Waiting, priority);
    ByPriority {
        critical: at(Priority::Critical),
        high: at(Priority::High),
        normal: at(Priority::Normal),
        low: at(Priority::Low),
    }
}

pub(crate) fn kind(view: KindView) -> JobKindView {
    JobKindView {
        kind: view.kind.to_owned(),
        queue: view.queue.to_owned(),
        priority: view.priority.into(),
        attempts: view.attempts,
        example_payload: serde_json::to_string_pretty(&view.example).unwrap_or_default(),
    }
}

pub(crate) fn filter(filter: JobFilter) -> jobs::Filter {
    jobs::Filter {
        states: filter.states.into_iter().map(State::from).collect(),
        queues: filter.queues,
        kinds: filter.kinds,
        created_from_ms: filter.created_from_ms,
        created_to_ms: filter.created_to_ms,
        batch: None,
    }
}

/// The job that a request asks for; what is out of its range is refused with the field.
pub(crate) fn new_job(request: NewJobRequest) -> Result<NewJob, Problem> {
    let mut job = NewJob::raw(&request.kind, request.payload);
    if let Some(queue) = &request.queue {
        job = job.queue(queue);
    }
    if let Some(priority) = request.priority {
        job = job.priority(priority.into());
    }
    if let Some(key) = &request.key {
        job = job.key(key);
    }
    if let Some(batch) = &request.batch {
        job = job.batch(batch);
    }
    if let Some(attempts) = request.attempts {
        job = job.attempts(attempts);
    }
    match (request.delay_ms, request.run_at_ms) {
        (Some(_), Some(_)) => {
            Err(Problem::new("invalid", "A job is due after delay_ms or at run_at_ms: send one of the two."))
        }
        (Some(delay_ms), None) => match u64::try_from(delay_ms) {
            Ok(delay_ms) => Ok(job.delay(Duration::from_millis(delay_ms))),
            Err(_) => {
                let text = format!("delay_ms = {delay_ms} is not accepted: use 0 to 31622400000 (366 days).");
                Err(Problem::new("invalid", text))
            }
        },
        (None, Some(at_ms)) => Ok(job.at_ms(at_ms)),
        (None, None) => Ok(job),
    }
}

pub(crate) fn refused(error: &AddError) -> Problem {
    let (code, retry_after) = match error {
        AddError::UnknownKind { .. } => ("unknown_kind", None),
        AddError::UnknownQueue(_) => ("invalid", None),
        AddError::PayloadTooLarge { .. } => ("payload_too_large", None),
        AddError::BadPayload { .. } => ("bad_payload", None),
        AddError::QueueFull { retry_after, .. } => ("queue_full", Some(*retry_after)),
        AddError::Overloaded { retry_after, .. } => ("overloaded", Some(*retry_after)),
        AddError::Draining { .. } => ("queue_draining", None),
        AddError::Store(_) => ("store_failed", Some(Duration::from_millis(STORE_AGAIN_MS))),
        _ => ("invalid", None),
    };
    let problem = Problem::new(code, sentence(&error.to_string()));
    match retry_after {
        Some(wait) => problem.retry_after_ms(wait.as_millis() as u64),
        None => problem,
    }
}

/// As [`problem`], where a queue is no more than a condition of a list.
pub(crate) fn refused_filter(error: &JobsError) -> Problem {
    match error {
        JobsError::UnknownQueue(_) => Problem::new("invalid", sentence(&error.to_string())),
        error => problem(error),
    }
}

pub(crate) fn problem(error: &JobsError) -> Problem {
    let code = match error {
        JobsError::NotFound { .. } => "unknown_job",
        JobsError::NotAllowed { .. } | JobsError::KeyTaken { .. } => "not_allowed",
        JobsError::UnknownQueue(_) => "unknown_queue",
        JobsError::QueueFull { .. } => "queue_full",
        JobsError::Draining { .. } => "queue_draining",
        JobsError::Store(_) => "store_failed",
        _ => "invalid",
    };
    let retry_after_ms = match error {
        JobsError::QueueFull { retry_after, .. } => Some(retry_after.as_millis() as u64),
        JobsError::Store(_) => Some(STORE_AGAIN_MS),
        _ => None,
    };
    let problem = Problem::new(code, sentence(&error.to_string()));
    match retry_after_ms {
        Some(wait_ms) => problem.retry_after_ms(wait_ms),
        None => problem,
    }
}
