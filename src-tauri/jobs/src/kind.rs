//! A kind of job, whatever its payload: its handler, and what holds for its jobs.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::Value;

use crate::admission::{ATTEMPTS, OVERALL, TIMEOUT};
use crate::running::Running;
use crate::{Config, Defaults, Handler, Outcome, StartError};

/// What is known of a kind once the processor runs.
#[derive(Clone)]
pub(crate) struct Kind {
    pub(crate) defaults: Defaults,
    pub(crate) handler: Arc<dyn Erased>,
}

/// A [`Handler`] whatever its payload. What its methods panic with stays in here.
pub(crate) trait Erased: Send + Sync {
    fn defaults(&self) -> Result<Defaults, String>;
    fn example(&self) -> Value;
    /// What is to be known of a payload, or why it is none.
    fn examine(&self, payload: &Value) -> Result<Examined, String>;
    /// The work; it may panic when it is called and when it is polled.
    fn run<'a>(&'a self, payload: &str, job: Running) -> BoxFuture<'a, Outcome>;
}

/// What lists and uniqueness go by.
pub(crate) struct Examined {
    pub(crate) about: String,
    pub(crate) key: Option<String>,
}

impl Kind {
    pub(crate) fn new(
        name: &'static str,
        handler: Arc<dyn Erased>,
        config: &Config,
    ) -> Result<Self, StartError> {
        let wrong = |value: &str, (value_of, accepted): (String, &str)| {
            let field = format!("{name}.{value}");
            Err(StartError::Invalid { field, value: value_of, accepted: accepted.to_owned() })
        };
        let defaults = match handler.defaults() {
            Ok(defaults) => defaults,
            Err(panic) => return wrong("defaults", (panic, "what does not panic")),
        };
        if !config.queues.iter().any(|known| known.name == defaults.queue) {
            return wrong("queue", (defaults.queue.into(), &config.names().join(", ")));
        }
        if let Some(refusal) = ATTEMPTS.refusal(&defaults.attempts) {
            return wrong("attempts", refusal);
        }
        if let Some(refusal) = TIMEOUT.refusal(&defaults.timeout) {
            return wrong("timeout", refusal);
        }
        if let Some(refusal) = defaults.overall.and_then(|overall| OVERALL.refusal(&overall)) {
            return wrong("overall", refusal);
        }
        Ok(Self { defaults, handler })
    }
}

pub(crate) struct Typed<H>(pub(crate) H);

impl<H: Handler> Erased for Typed<H> {
    fn defaults(&self) -> Result<Defaults, String> {
        caught(|| self.0.defaults())
    }

    fn example(&self) -> Value {
        caught(|| serde_json::to_value(self.0.example()).unwrap_or_default()).unwrap_or_default()
    }

    fn examine(&self, payload: &Value) -> Result<Examined, String> {
        let example = if payload.is_array() { self.example() } else { Value::Null };
        if example.is_object() {
            // Serde would take the values for the fields in their order, and an empty array for `{}`.
            return Err(format!("it is an array where an object is expected, for example {example}"));
        }
        caught(|| {
            let payload: H::Payload =
                serde_path_to_error::deserialize(payload).map_err(|error| located(&error))?;
            let about = H::about(&payload).chars().take(ABOUT_MAX).collect();
            Ok(Examined { about, key: H::key(&payload) })
        })?
    }

    fn run<'a>(&'a self, payload: &str, job: Running) -> BoxFuture<'a, Outcome> {
        let mut json = serde_json::Deserializer::from_str(payload);
        let read = serde_path_to_error::deserialize(&mut json).map_err(|error| located(&error));
        let ended = json.end().map_err(|error| error.to_string());
        match read.and_then(|payload: H::Payload| ended.map(|()| payload)) {
            Ok(payload) => Box::pin(self.0.run(payload, job)),
            Err(error) => {
                let error = format!("its payload cannot be read: {error}");
                Box::pin(async move { Outcome::Fail { error } })
            }
        }
    }
}

/// What is wrong, with the field in which it is.
fn located(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    match error.path().to_string().as_str() {
        "." => error.inner().to_string(),
        path => format!("{path}: {}", error.inner()),
    }
}

const ABOUT_MAX: usize = 120;

fn caught<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    // Nothing of the call is used after it panicked.
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| said(&*panic))
}

/// What a handler panicked with, in one sentence.
pub(crate) fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or_default();
    format!("its handler panicked: {text}")
}
