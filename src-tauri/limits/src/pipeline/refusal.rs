use std::time::Duration;

use crate::{CallError, Priority};

/// Why a call is not made: a [`CallError`] that does not know the caller's error type yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    Shed(Priority),
    QueueFull(usize),
    Open { until_ms: i64, wait: Duration },
    Isolated,
    Limited { until_ms: i64, wait: Duration },
    BudgetSpent { until_ms: i64, wait: Duration },
    Unrecorded(String),
    Closed,
}

impl<E> From<Refusal> for CallError<E> {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Shed(priority) => Self::Shed { priority },
            Refusal::QueueFull(bound) => Self::QueueFull { bound },
            Refusal::Open { until_ms, wait } => Self::Open { until_ms, wait },
            Refusal::Isolated => Self::Isolated,
            Refusal::Limited { until_ms, wait } => Self::Limited { until_ms, wait },
            Refusal::BudgetSpent { until_ms, wait } => Self::BudgetSpent { until_ms, wait },
            Refusal::Unrecorded(reason) => Self::Unrecorded { reason },
            Refusal::Closed => Self::Closed,
        }
    }
}
