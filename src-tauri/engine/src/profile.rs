//! Which profile is in force.

use std::time::Duration;

use crate::ProfileChoice;
use crate::api::{Profile, ProfileStatus};

/// How long the first start waits for the network before it shows the demo.
pub(crate) const FIRST_ANSWER: Duration = Duration::from_secs(2);

/// What `auto` found at the first start; later starts keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Live,
    /// The network did not answer.
    Demo,
}

impl Found {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "live" => Some(Self::Live),
            "demo" => Some(Self::Demo),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Demo => "demo",
        }
    }
}

/// The profile that is chosen without asking the network; `None` where `auto` must ask.
pub(crate) fn settled(choice: ProfileChoice, found: Option<Found>, seed: u64) -> Option<ProfileStatus> {
    match (choice, found) {
        (ProfileChoice::Live, _) | (ProfileChoice::Auto, Some(Found::Live)) => {
            Some(status(Profile::Live, seed))
        }
        (ProfileChoice::Local, _) => Some(status(Profile::Local, seed)),
        (ProfileChoice::Demo, _) => Some(status(Profile::Demo, seed)),
        (ProfileChoice::Auto, Some(Found::Demo)) => Some(fallen_back(seed)),
        (ProfileChoice::Auto, None) => None,
    }
}

pub(crate) fn status(active: Profile, seed: u64) -> ProfileStatus {
    ProfileStatus { active, fell_back_to_demo: false, demo_seed: (active == Profile::Demo).then_some(seed) }
}

/// The demo that nobody asked for.
pub(crate) fn fallen_back(seed: u64) -> ProfileStatus {
    ProfileStatus { fell_back_to_demo: true, ..status(Profile::Demo, seed) }
}
