//! The levels of the hierarchy, and sets of them.

use std::fmt;

/// The level that a value was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// L1, in this process.
    Memory,
    /// L2, files.
    Files,
    /// L3, SQLite.
    Database,
    /// None: it was computed for this call, or for one at the same time.
    Origin,
}

impl Level {
    /// The levels that keep entries, fastest first.
    pub const KEEPING: [Self; 3] = [Self::Memory, Self::Files, Self::Database];

    /// A stable word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Files => "files",
            Self::Database => "database",
            Self::Origin => "origin",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Memory => 1,
            Self::Files => 2,
            Self::Database => 4,
            Self::Origin => 0,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which levels keep the entries of a class.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Levels(u8);

impl Levels {
    /// Every level that there is.
    pub const ALL: Self = Self(7);
    /// This process only: nothing of it is ever on disk.
    pub const MEMORY: Self = Self(1);
    /// None; a class may not use it.
    pub const NONE: Self = Self(0);

    /// The set with this level too.
    #[must_use]
    pub const fn with(self, level: Level) -> Self {
        Self(self.0 | level.bit())
    }

    /// The set without this level.
    #[must_use]
    pub const fn without(self, level: Level) -> Self {
        Self(self.0 & !level.bit())
    }

    /// Whether the set has this level.
    pub const fn contains(self, level: Level) -> bool {
        self.0 & level.bit() != 0
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self::ALL
    }
}

impl fmt::Debug for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Level::KEEPING.iter().filter(|level| self.contains(**level))).finish()
    }
}
