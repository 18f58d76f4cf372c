use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// A calendar month in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    first: Date,
}

impl Month {
    /// The month that contains this wall time; times beyond the year 9999 read as 1970.
    #[must_use]
    pub fn of(wall_ms: i64) -> Self {
        let at = Timestamp::from_millisecond(wall_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        Self { first: TimeZone::UTC.to_datetime(at).date().first_of_month() }
    }

    /// The month's name in a journal, for example `202611`; later months have greater numbers.
    #[must_use]
    pub fn number(self) -> i32 {
        i32::from(self.first.year()) * 100 + i32::from(self.first.month())
    }

    /// When the next month begins, in Unix milliseconds.
    #[must_use]
    pub fn ends_at_ms(self) -> i64 {
        let next = self.first.checked_add(1.month()).and_then(|first| first.to_zoned(TimeZone::UTC));
        next.map_or(i64::MAX, |at| at.timestamp().as_millisecond())
    }
}

/// How many calls a provider's plan has left this calendar month (UTC).
///
/// Without a budget it only counts.
#[derive(Debug)]
pub struct MonthBudget {
    budget: Option<u32>,
    month: Month,
    used: u32,
}

impl MonthBudget {
    /// A budget with what earlier processes spent: the number of a month and its calls.
    #[must_use]
    pub fn new(budget: Option<u32>, wall_ms: i64, spent: Option<(i32, u32)>) -> Self {
        let month = Month::of(wall_ms);
        let used = spent.filter(|(number, _)| *number == month.number()).map_or(0, |(_, calls)| calls);
        Self { budget, month, used }
    }

    /// When the budget comes back, where nothing is left.
    #[must_use]
    pub fn spent_until_ms(&mut self, wall_ms: i64) -> Option<i64> {
        self.turn(wall_ms);
        self.budget.filter(|budget| self.used >= *budget).map(|_| self.month.ends_at_ms())
    }

    /// Counts one call.
    pub fn take(&mut self, wall_ms: i64) {
        self.turn(wall_ms);
        self.used = self.used.saturating_add(1);
    }

    /// Uncounts a call that was never sent.
    pub fn give_back(&mut self) {
        self.used = self.used.saturating_sub(1);
    }

    /// Calls left this month, where a budget is set.
    #[must_use]
    pub fn left(&mut self, wall_ms: i64) -> Option<u32> {
        self.turn(wall_ms);
        self.budget.map(|budget| budget.saturating_sub(self.used))
    }

    /// The month's number and the calls in it.
    #[must_use]
    pub fn count(&self) -> (i32, u32) {
        (self.month.number(), self.used)
    }

    /// Starts a new month. A clock that is set back does not bring an old one back.
    fn turn(&mut self, wall_ms: i64) {
        let month = Month::of(wall_ms);
        if month > self.month {
            *self = Self { budget: self.budget, month, used: 0 };
        }
    }
}
