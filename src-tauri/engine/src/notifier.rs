//! Notifications on the desktop; who can show them is passed in.

use std::fmt;
use std::sync::Arc;

/// What a person is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// What happened.
    pub title: String,
    /// The numbers and their age.
    pub body: String,
}

/// Shows notifications. The engine calls it on a thread that may wait.
pub trait Notify: Send + Sync {
    /// Shows one.
    ///
    /// # Errors
    /// One sentence that says why it could not be shown.
    fn show(&self, notification: &Notification) -> Result<(), String>;
}

/// Somebody who shows notifications; cloning it is cheap.
#[derive(Clone)]
pub struct Notifier(pub(crate) Arc<dyn Notify>);

impl Notifier {
    /// Over one that shows them.
    pub fn new(notify: impl Notify + 'static) -> Self {
        Self(Arc::new(notify))
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notifier")
    }
}
