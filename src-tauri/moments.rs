use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

/// When the start reached its milestones, told once each in the log: what `make bench` measures.
pub(crate) struct Moments {
    started: Instant,
    /// Guards against a page that is loaded anew and reports a second time.
    reached: Mutex<Vec<&'static str>>,
}

impl Moments {
    pub(crate) fn since(started: Instant) -> Self {
        Self { started, reached: Mutex::new(Vec::new()) }
    }

    pub(crate) fn reached(&self, moment: &'static str) {
        let mut reached = self.reached.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !reached.contains(&moment) {
            reached.push(moment);
            let elapsed: Duration = self.started.elapsed();
            tracing::info!(target: "eider::moments", elapsed_ms = elapsed.as_millis() as u64, "{moment}");
        }
    }
}
