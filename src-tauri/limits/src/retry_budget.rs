/// How many retries the calls of late have earned: one for every five.
///
/// Where everything fails, retries only add to the load that a sick service has to bear. A budget bounds them to a
/// fifth of the calls, whoever makes them, and [`MOST`](Self::MOST) saved up ones. Pure.
#[derive(Debug)]
pub struct RetryBudget {
    /// In tenths of a retry, so that sums are exact.
    tenths: u32,
}

impl Default for RetryBudget {
    /// A full budget.
    fn default() -> Self {
        Self { tenths: Self::MOST * 10 }
    }
}

impl RetryBudget {
    /// The most retries saved up, which is what a rested service may be asked at once.
    pub const MOST: u32 = 20;
    /// What each call earns.
    const TENTHS_PER_CALL: u32 = 2;

    /// A call is made.
    pub fn earn(&mut self) {
        self.tenths = (self.tenths + Self::TENTHS_PER_CALL).min(Self::MOST * 10);
    }

    /// Takes a retry, where one is left.
    #[must_use = "without a retry in the budget none may be made"]
    pub fn spend(&mut self) -> bool {
        let left = self.tenths.checked_sub(10);
        self.tenths = left.unwrap_or(self.tenths);
        left.is_some()
    }

    /// The share of the budget that is left, in thousandths.
    #[must_use]
    pub fn left_permille(&self) -> u32 {
        self.tenths * 1000 / (Self::MOST * 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_calls_may_be_retries_beside_what_was_saved() {
        let mut budget = RetryBudget::default();
        let mut retries = 0;
        for _ in 0..5_000 {
            budget.earn();
            for _ in 0..2 {
                retries += u32::from(budget.spend());
            }
        }
        assert_eq!(retries, 1_000 + RetryBudget::MOST - 1, "the first call found the budget full");
        assert!(budget.left_permille() < 1000 / RetryBudget::MOST, "less than one is left");
    }

    #[test]
    fn what_is_not_spent_is_saved_only_up_to_a_bound() {
        let mut budget = RetryBudget::default();
        (0..1_000).for_each(|_| budget.earn());
        let spent = (0..1_000).filter(|_| budget.spend()).count();
        assert_eq!(spent, RetryBudget::MOST as usize);
    }
}
