//! The latest changes of a breaker, for people who wonder what happened.

use std::collections::VecDeque;

use crate::{BreakerChange, BreakerState, BreakerView, Now};

/// The most changes kept.
const KEPT: usize = 20;

#[derive(Debug, Default)]
pub(super) struct Chronicle(VecDeque<BreakerChange>);

impl Chronicle {
    /// Notes the state, where it differs from the last one noted; a breaker begins closed.
    pub(super) fn note(&mut self, state: BreakerState, reason: &str, now: Now) {
        let to = view(state, now);
        let last = self.0.front().map_or(BreakerView::Closed, |change| change.to);
        if std::mem::discriminant(&last) == std::mem::discriminant(&to) {
            return;
        }
        self.0.truncate(KEPT - 1);
        self.0.push_front(BreakerChange { at_ms: now.wall_ms, to, reason: reason.to_owned() });
    }

    /// Newest first.
    pub(super) fn changes(&self) -> Vec<BreakerChange> {
        self.0.iter().cloned().collect()
    }
}

pub(super) fn view(state: BreakerState, now: Now) -> BreakerView {
    match state {
        BreakerState::Closed => BreakerView::Closed,
        BreakerState::Open { until } => BreakerView::Open { until_ms: now.wall_ms_at(until) },
        BreakerState::HalfOpen => BreakerView::HalfOpen,
        BreakerState::Isolated => BreakerView::Isolated,
    }
}
