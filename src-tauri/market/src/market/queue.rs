//! The update queue: a set of tokens that wait to be asked for. Pure: time is passed in.

use std::collections::{BTreeMap, HashMap};

use limits::Priority;

use crate::TokenId;

/// The most ids of one call, which is what the provider takes.
pub(super) const BATCH_MAX: usize = 250;
/// The most characters of ids in one call: URLs beyond 8 KiB are refused on many ways.
const BATCH_TEXT_MAX: usize = 6_000;
/// The first pause of an id whose update failed; it doubles with each failure.
const BACKOFF_FIRST_MS: i64 = 5_000;
/// The longest such pause: so long after the network is back, prices are too. What spares the provider is the
/// pipeline's breaker and limiter.
const BACKOFF_MAX_MS: i64 = 60_000;
/// The most unknown ids remembered.
const UNKNOWN_MAX: usize = 1_000;

/// What became of a wish for an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduled {
    /// It waits now.
    Added,
    /// It waited already; the more urgent of the two wishes counts.
    Waiting,
    /// It is being asked for; it will be once more afterwards.
    Again,
    /// The source said lately that it knows no such token; it is not asked again before this time.
    Unknown {
        /// Unix milliseconds.
        until_ms: i64,
    },
    /// Too many wait.
    Full {
        /// The bound.
        bound: usize,
    },
}

/// How many tokens wait, by priority, and what else is under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pending {
    /// Waiting, by priority, critical first; those that wait out a pause included.
    pub waiting: [usize; 4],
    /// Being asked for.
    pub running: usize,
    /// Of those waiting, the ones that wait out a pause after a failure.
    pub paused: usize,
}

#[derive(Debug, Clone, Copy)]
struct Wish {
    priority: Priority,
    /// Among equals the longest waiting goes first.
    turn: u64,
    not_before_ms: i64,
    failures: u32,
}

/// What comes of an id once its call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Updated,
    /// Goes back, to be tried after a pause that is at least this long.
    Failed {
        at_least_ms: i64,
    },
    /// Is not asked for again before this time.
    Unknown {
        until_ms: i64,
    },
    /// The call was given up by its caller; goes back as it was.
    Dropped,
}

#[derive(Debug)]
pub(super) struct UpdateQueue {
    bound: usize,
    turns: u64,
    /// Ids that were finished so far.
    ended: u64,
    waiting: HashMap<TokenId, Wish>,
    running: HashMap<TokenId, Wish>,
    /// Wishes that came while the token was being asked for.
    again: HashMap<TokenId, Priority>,
    unknown: HashMap<TokenId, i64>,
}

impl UpdateQueue {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            bound,
            turns: 0,
            ended: 0,
            waiting: HashMap::new(),
            running: HashMap::new(),
            again: HashMap::new(),
            unknown: HashMap::new(),
        }
    }

    pub(super) fn schedule(&mut self, id: &TokenId, priority: Priority, now_ms: i64) -> Scheduled {
        if let Some(until_ms) = self.unknown.get(id).copied().filter(|until_ms| *until_ms > now_ms) {
            return Scheduled::Unknown { until_ms };
        }
        if self.running.contains_key(id) {
            let wish = self.again.entry(id.clone()).or_insert(priority);
            *wish = priority.min(*wish);
            return Scheduled::Again;
        }
        if let Some(wish) = self.waiting.get_mut(id) {
            wish.priority = priority.min(wish.priority);
            if priority == Priority::Critical {
                wish.not_before_ms = wish.not_before_ms.min(now_ms);
            }
            return Scheduled::Waiting;
        }
        if self.waiting.len() + self.running.len() >= self.bound {
            return Scheduled::Full { bound: self.bound };
        }
        self.put(id.clone(), priority, now_ms, 0);
        Scheduled::Added
    }

    fn put(&mut self, id: TokenId, priority: Priority, not_before_ms: i64, failures: u32) {
        self.turns += 1;
        self.waiting.insert(id, Wish { priority, turn: self.turns, not_before_ms, failures });
    }

    /// Takes as many ids as one call carries, most urgent first, with the priority of the most urgent: since
    /// the call is made anyway, the others ride along. Each stays running until [`finish`](Self::finish).
    pub(super) fn take(&mut self, now_ms: i64) -> Option<(Priority, Vec<TokenId>)> {
        let ready = self.waiting.iter().filter(|(_, wish)| wish.not_before_ms <= now_ms);
        let by_turn: BTreeMap<_, _> =
            ready.map(|(id, wish)| ((wish.priority, wish.turn), id.clone())).collect();
        let mut text = 0;
        let fits = |id: &TokenId| {
            text += id.as_str().len() + 3;
            text <= BATCH_TEXT_MAX
        };
        let priority = by_turn.first_key_value()?.0.0;
        let ids: Vec<TokenId> = by_turn.into_values().take(BATCH_MAX).take_while(fits).collect();
        for id in &ids {
            if let Some(wish) = self.waiting.remove(id) {
                self.running.insert(id.clone(), wish);
            }
        }
        Some((priority, ids))
    }

    pub(super) fn finish(&mut self, id: &TokenId, outcome: Outcome, now_ms: i64) {
        let Some(wish) = self.running.remove(id) else { return };
        self.ended += 1;
        let again = self.again.remove(id);
        let urgent = again.map_or(wish.priority, |again| again.min(wish.priority));
        match outcome {
            Outcome::Updated => {
                self.unknown.remove(id);
                if let Some(priority) = again {
                    self.put(id.clone(), priority, now_ms, 0);
                }
            }
            Outcome::Failed { at_least_ms } => {
                // All ids of a call share its fate and its pause, so that they meet again in one call: no jitter.
                let doubled = BACKOFF_FIRST_MS.saturating_mul(1 << wish.failures.min(20));
                let pause = doubled.min(BACKOFF_MAX_MS).max(at_least_ms);
                self.put(id.clone(), urgent, now_ms.saturating_add(pause), wish.failures + 1);
            }
            Outcome::Unknown { until_ms } => self.remember_unknown(id, until_ms, now_ms),
            Outcome::Dropped => self.put(id.clone(), urgent, wish.not_before_ms, wish.failures),
        }
    }

    fn remember_unknown(&mut self, id: &TokenId, until_ms: i64, now_ms: i64) {
        if self.unknown.len() >= UNKNOWN_MAX {
            self.unknown.retain(|_, until_ms| *until_ms > now_ms);
        }
        if self.unknown.len() < UNKNOWN_MAX {
            self.unknown.insert(id.clone(), until_ms);
        }
    }

    /// Forgets which ids are unknown: another currency or a person's wish may change that.
    pub(super) fn forget_unknown(&mut self) {
        self.unknown.clear();
    }

    /// Removes an id that nobody wants any more; a call under way goes on.
    pub(super) fn cancel(&mut self, id: &TokenId) {
        self.waiting.remove(id);
        self.again.remove(id);
    }

    /// Grows with every id that is finished. An outcome is known to the cache before the queue, so what was missing
    /// there is missing still, or running, as long as this stands.
    pub(super) fn ended(&self) -> u64 {
        self.ended
    }

    pub(super) fn is_running(&self, id: &TokenId) -> bool {
        self.running.contains_key(id)
    }

    pub(super) fn is_ready(&self, id: &TokenId, now_ms: i64) -> bool {
        self.waiting.get(id).is_some_and(|wish| wish.not_before_ms <= now_ms)
    }

    pub(super) fn is_unknown(&self, id: &TokenId, now_ms: i64) -> bool {
        self.unknown.get(id).is_some_and(|until_ms| *until_ms > now_ms)
    }

    /// When the next id may be taken.
    pub(super) fn next_due_ms(&self) -> Option<i64> {
        self.waiting.values().map(|wish| wish.not_before_ms).min()
    }

    pub(super) fn pending(&self, now_ms: i64) -> Pending {
        let mut pending = Pending { running: self.running.len(), ..Pending::default() };
        for wish in self.waiting.values() {
            pending.waiting[wish.priority as usize] += 1;
            pending.paused += usize::from(wish.not_before_ms > now_ms);
        }
        pending
    }
}

#[cfg(test)]
mod tests;
