use std::fmt;

/// How urgent a call is; the order is the order of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Somebody waits for this very answer.
    Critical,
    /// Shown on the screen now.
    High,
    /// Ordinary refreshes.
    Normal,
    /// Nice to have: warming, history.
    Low,
}

impl Priority {
    /// All priorities, most urgent first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    /// The number of classes that are more urgent: 0 for `Critical`, 3 for `Low`.
    #[must_use]
    pub const fn rank(self) -> u32 {
        self as u32
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        })
    }
}
