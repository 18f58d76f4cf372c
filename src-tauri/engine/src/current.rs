//! The profile at work, for what outlives a change of it.

use std::sync::{Arc, PoisonError, RwLock};

use crate::session::Session;

/// Cloning it is cheap; clones are one.
#[derive(Clone)]
pub(crate) struct Current(Arc<RwLock<Arc<Session>>>);

impl Current {
    pub(crate) fn new(session: Arc<Session>) -> Self {
        Self(Arc::new(RwLock::new(session)))
    }

    pub(crate) fn get(&self) -> Arc<Session> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, session: Arc<Session>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = session;
    }
}
