use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// An exact sliding window over the times at which a *server* saw calls.
///
/// The server sees a call somewhere between the moment it is sent and the moment its reply is here. So a
/// slot is taken before the sending, cannot expire while the call is in flight, and counts until one
/// `window` after [`finish`](Self::finish). Take any span of one window in the server's log and the call in
/// it that was taken last: at that take every other call of the span was still counted. Hence no span
/// holds more than `limit`, which a log of send times alone does not give.
///
/// Pure: the time is an argument. Memory: one instant per call of the last window.
#[derive(Debug)]
pub struct Window {
    limit: u32,
    window: Duration,
    in_flight: u32,
    /// When each finished call stops counting, earliest first.
    until: VecDeque<Instant>,
}

/// A place in the [`Window`]; it counts until it is given back through `finish` or `cancel`.
#[derive(Debug)]
#[must_use = "a slot that is lost counts as in flight for ever"]
pub struct Slot(());

impl Window {
    /// An empty window of at most `limit` calls.
    #[must_use]
    pub fn new(limit: u32, window: Duration) -> Self {
        Self { limit, window, in_flight: 0, until: VecDeque::new() }
    }

    /// Counts a call of an earlier process that was finished `age` ago.
    ///
    /// A call whose end is not known is restored with the age zero: its process is gone, so the server
    /// cannot see it later than now.
    pub fn restore(&mut self, now: Instant, age: Duration) {
        if let Some(left) = self.window.checked_sub(age) {
            self.insert(now + left);
        }
    }

    /// Takes a slot, or says when one is free.
    ///
    /// # Errors
    /// The earliest moment worth another try, given what is known; `None` when every slot that must come
    /// free is still in flight.
    pub fn take(&mut self, now: Instant) -> Result<Slot, Option<Instant>> {
        self.expire(now);
        match self.free_at(now, 0) {
            Some(at) if at <= now => {
                self.in_flight += 1;
                Ok(Slot(()))
            }
            later => Err(later),
        }
    }

    /// The reply was received, or the attempt was abandoned: from now on the slot ages.
    pub fn finish(&mut self, slot: Slot, now: Instant) {
        let Slot(()) = slot;
        self.in_flight -= 1;
        self.insert(now + self.window);
    }

    /// The call was never sent: the slot is free at once.
    pub fn cancel(&mut self, slot: Slot) {
        let Slot(()) = slot;
        self.in_flight -= 1;
    }

    /// Changes the limit; calls already counted stay counted.
    pub fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// The calls that count now, in flight or finished.
    #[must_use]
    pub fn used(&self, now: Instant) -> u32 {
        let gone = self.until.partition_point(|until| *until <= now);
        self.in_flight.saturating_add(count(self.until.len() - gone))
    }

    /// The calls in flight, and those that ended at most so long ago.
    #[must_use]
    pub fn taken_within(&self, now: Instant, span: Duration) -> u32 {
        let since = now + self.window.saturating_sub(span);
        let older = self.until.partition_point(|until| *until <= since);
        self.in_flight.saturating_add(count(self.until.len() - older))
    }

    /// When a slot is free with `ahead` others to be served first, as far as finished calls tell; `now`
    /// where one is free already, `None` where it depends on calls in flight.
    #[must_use]
    pub fn free_at(&self, now: Instant, ahead: u32) -> Option<Instant> {
        let gone = self.until.partition_point(|until| *until <= now);
        let needed = self.used(now).saturating_add(ahead).saturating_add(1);
        match needed.saturating_sub(self.limit) {
            0 => Some(now),
            excess => self.until.get(gone + excess as usize - 1).copied(),
        }
    }

    /// When the last call that counts stops counting; `None` where a call is in flight or nothing counts.
    #[must_use]
    pub fn empty_at(&self, now: Instant) -> Option<Instant> {
        let last = self.until.back().copied().filter(|until| *until > now);
        last.filter(|_| self.in_flight == 0)
    }

    fn expire(&mut self, now: Instant) {
        while self.until.front().is_some_and(|until| *until <= now) {
            self.until.pop_front();
        }
    }

    fn insert(&mut self, until: Instant) {
        let place = self.until.partition_point(|other| *other <= until);
        self.until.insert(place, until);
    }
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
