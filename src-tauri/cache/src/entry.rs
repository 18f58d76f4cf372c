//! What is kept beside a value, and the value in its two forms.

use std::any::Any;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::name::VALUE_MAX;
use crate::{CacheError, Class, Now};

/// A type that can be cached: its name and the version of its encoding.
///
/// A stored value of another kind or version is a miss, never a wrong value.
pub trait Cached: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// A name that no other cached type uses.
    const KIND: &'static str;
    /// Raise it whenever a field is added, removed, reordered or changes its type.
    const SCHEMA: u32;
}

/// When an entry was made, how long it lives, and what invalidates it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) created_at_ms: i64,
    pub(crate) ttl_ms: i64,
    pub(crate) max_stale_ms: i64,
    /// The moment the computation started, on the cache's own ever-growing scale.
    pub(crate) stamp: u64,
    pub(crate) tags: Arc<[Arc<str>]>,
}

/// How an entry may be used at a given time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    Fresh,
    Stale,
    Dead,
}

impl Meta {
    pub(crate) fn new(class: &Class, created_at_ms: i64, stamp: u64, tags: &[&str]) -> Self {
        Self {
            created_at_ms,
            ttl_ms: class.ttl.as_millis() as i64,
            max_stale_ms: class.max_stale.as_millis() as i64,
            stamp,
            tags: tags.iter().map(|tag| Arc::from(*tag)).collect(),
        }
    }

    /// `held_ms` is how long this process has held the entry by the monotonic clock, where it has.
    ///
    /// A creation time in the future means that the wall clock was set back: the true age is unknown, so the
    /// entry is no longer fresh.
    pub(crate) fn age(&self, now: Now, held_ms: u64) -> Age {
        let by_wall = now.wall_ms - self.created_at_ms;
        let age = by_wall.max(held_ms as i64);
        if by_wall >= 0 && age < self.ttl_ms {
            Age::Fresh
        } else if age < self.ttl_ms.saturating_add(self.max_stale_ms) {
            Age::Stale
        } else {
            Age::Dead
        }
    }
}

/// An entry as the levels below memory keep it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) meta: Meta,
    pub(crate) kind: String,
    pub(crate) schema: u32,
    pub(crate) payload: Vec<u8>,
}

impl Record {
    pub(crate) fn encode<T: Cached>(meta: Meta, value: &T) -> Result<Self, CacheError> {
        let payload = postcard::to_allocvec(value).map_err(|error| CacheError::Encode(error.to_string()))?;
        if payload.len() > VALUE_MAX {
            return Err(CacheError::OutOfBounds { what: "value", accepted: "at most 16 MiB encoded" });
        }
        Ok(Self { meta, kind: T::KIND.to_owned(), schema: T::SCHEMA, payload })
    }

    pub(crate) fn decode<T: Cached>(&self) -> Option<T> {
        if self.kind != T::KIND || self.schema != T::SCHEMA {
            return None;
        }
        postcard::from_bytes(&self.payload).ok()
    }
}

/// An entry as memory keeps it: decoded. A slot without a value is the trace of a removal; it keeps what was
/// read or computed before the removal from coming back.
#[derive(Clone)]
pub(crate) struct Slot {
    pub(crate) meta: Arc<Meta>,
    pub(crate) value: Option<Arc<dyn Any + Send + Sync>>,
    /// The monotonic time at which this process first held it.
    pub(crate) held_since_ms: u64,
    /// Encoded size of the value, in bytes.
    pub(crate) bytes: u32,
}

/// How long the trace of a removal is kept: longer than any computation may run.
const TRACE_MS: i64 = 24 * 3600 * 1000;

impl Meta {
    pub(crate) fn trace(stamp: u64, now_ms: i64) -> Self {
        Self { created_at_ms: now_ms, ttl_ms: TRACE_MS, max_stale_ms: 0, stamp, tags: Arc::from([]) }
    }
}

impl Slot {
    pub(crate) fn trace(meta: Meta, mono_ms: u64) -> Self {
        Self { meta: Arc::new(meta), value: None, held_since_ms: mono_ms, bytes: 0 }
    }
}
