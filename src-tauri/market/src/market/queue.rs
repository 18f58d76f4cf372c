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
/// The longest such pause.
const BACKOFF_MAX_MS: i64 = 5 * 60_000;
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn id(n: usize) -> TokenId {
        TokenId::new(&format!("token-{n}")).unwrap()
    }

    fn queue_of(count: usize) -> UpdateQueue {
        let mut queue = UpdateQueue::new(1000);
        for n in 0..count {
            assert_eq!(queue.schedule(&id(n), Priority::Normal, 0), Scheduled::Added);
        }
        queue
    }

    #[test]
    fn one_token_waits_at_most_once_and_the_more_urgent_wish_counts() {
        let mut queue = queue_of(1);
        assert_eq!(queue.schedule(&id(0), Priority::High, 0), Scheduled::Waiting);
        assert_eq!(queue.schedule(&id(0), Priority::Low, 0), Scheduled::Waiting);
        assert_eq!(queue.take(0), Some((Priority::High, vec![id(0)])));
        assert_eq!(queue.take(0), None);
    }

    #[test]
    fn asked_again_while_running_it_runs_once_more() {
        let mut queue = queue_of(1);
        queue.take(0);
        assert_eq!(queue.schedule(&id(0), Priority::Low, 0), Scheduled::Again);
        assert_eq!(queue.schedule(&id(0), Priority::High, 0), Scheduled::Again);
        assert_eq!(queue.take(0), None, "never twice at a time");
        queue.finish(&id(0), Outcome::Updated, 0);
        assert_eq!(queue.take(0), Some((Priority::High, vec![id(0)])));
        queue.finish(&id(0), Outcome::Updated, 0);
        assert_eq!(queue.pending(0), Pending::default());
    }

    #[test]
    fn a_batch_holds_what_one_call_carries_most_urgent_first() {
        let mut queue = queue_of(300);
        queue.schedule(&id(299), Priority::Critical, 0);
        let (priority, ids) = queue.take(0).unwrap();
        assert_eq!((priority, ids.len(), &ids[0], &ids[1]), (Priority::Critical, 250, &id(299), &id(0)));
        let (priority, ids) = queue.take(0).unwrap();
        assert_eq!((priority, ids.len()), (Priority::Normal, 50));
    }

    #[test]
    fn long_ids_make_smaller_batches_and_none_is_left_behind() {
        let mut queue = UpdateQueue::new(1000);
        for n in 0..100 {
            queue.schedule(&TokenId::new(&format!("{n:0128}")).unwrap(), Priority::Normal, 0);
        }
        let sizes: Vec<usize> = std::iter::from_fn(|| queue.take(0)).map(|(_, ids)| ids.len()).collect();
        assert_eq!((sizes.iter().sum::<usize>(), sizes[0]), (100, 45));
    }

    #[test]
    fn a_failed_id_goes_back_with_a_pause_that_doubles_up_to_a_bound() {
        let mut queue = queue_of(1);
        let mut now_ms = 0;
        for expected in [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000] {
            queue.take(now_ms).unwrap();
            queue.finish(&id(0), Outcome::Failed { at_least_ms: 0 }, now_ms);
            assert_eq!(queue.next_due_ms(), Some(now_ms + expected));
            assert_eq!(queue.take(now_ms + expected - 1), None);
            now_ms += expected;
        }
        queue.take(now_ms).unwrap();
        queue.finish(&id(0), Outcome::Failed { at_least_ms: 900_000 }, now_ms);
        assert_eq!(queue.next_due_ms(), Some(now_ms + 900_000), "the provider asked for a longer one");
        queue.take(now_ms + 900_000).unwrap();
        queue.finish(&id(0), Outcome::Updated, now_ms);
        assert_eq!(queue.schedule(&id(0), Priority::Low, now_ms), Scheduled::Added);
        assert!(queue.is_ready(&id(0), now_ms), "success forgets the failures");
    }

    #[test]
    fn an_unknown_id_is_not_asked_again_for_a_while() {
        let mut queue = queue_of(1);
        queue.take(0);
        queue.finish(&id(0), Outcome::Unknown { until_ms: 100 }, 0);
        assert_eq!(queue.schedule(&id(0), Priority::Critical, 99), Scheduled::Unknown { until_ms: 100 });
        assert_eq!(queue.schedule(&id(0), Priority::Critical, 100), Scheduled::Added);
    }

    #[test]
    fn the_queue_and_the_unknown_are_bounded() {
        let mut queue = UpdateQueue::new(3);
        for n in 0..3 {
            queue.schedule(&id(n), Priority::Normal, 0);
        }
        assert_eq!(queue.schedule(&id(3), Priority::Critical, 0), Scheduled::Full { bound: 3 });
        queue.take(0);
        assert_eq!(
            queue.schedule(&id(3), Priority::Critical, 0),
            Scheduled::Full { bound: 3 },
            "they may come back"
        );
        for n in 0..2 * UNKNOWN_MAX {
            queue.remember_unknown(&id(n), 10, 0);
        }
        assert_eq!(queue.unknown.len(), UNKNOWN_MAX);
        queue.remember_unknown(&id(0), 30, 20);
        assert_eq!(queue.unknown.len(), 1, "what is over makes room");
    }

    #[test]
    fn an_id_that_nobody_wants_any_more_leaves() {
        let mut queue = queue_of(2);
        queue.cancel(&id(0));
        assert_eq!(queue.take(0).unwrap().1, [id(1)]);
        queue.schedule(&id(1), Priority::Low, 0);
        queue.cancel(&id(1));
        queue.finish(&id(1), Outcome::Updated, 0);
        assert_eq!(queue.take(0), None);
    }
}
