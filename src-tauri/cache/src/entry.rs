//! What is kept beside a value, and the value in its two forms.

use std::any::Any;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::areas::Area;
use crate::compress::{compressed, expanded};
use crate::marks::{Cell, Marks};
use crate::name::VALUE_MAX;
use crate::{CacheError, Class, Levels, Now};

/// A type that can be cached: its name and the version of its encoding.
///
/// A stored value of another kind or version is a miss, never a wrong value.
pub trait Cached: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// A name that no other cached type uses.
    const KIND: &'static str;
    /// Raise it whenever a field is added, removed, reordered or changes its type.
    const SCHEMA: u32;
}

/// When an entry was made and how long it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) created_at_ms: i64,
    pub(crate) ttl_ms: i64,
    pub(crate) max_stale_ms: i64,
    /// The moment the computation started, on the cache's own ever-growing scale.
    pub(crate) stamp: u64,
}

/// A [`Life`] with the tags that can end it early, as levels below memory keep it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) created_at_ms: i64,
    pub(crate) ttl_ms: i64,
    pub(crate) max_stale_ms: i64,
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

impl Life {
    /// `created_at_ms` may lie in the past. The time to live is cut by the class's jitter, which is drawn from the
    /// stamp.
    pub(crate) fn new(class: &Class, created_at_ms: i64, stamp: u64) -> Self {
        let base = class.ttl.as_millis() as i64;
        let drawn = (stamp.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1u64 << 53) as f64;
        let ttl_ms = base - (base as f64 * class.jitter * drawn) as i64;
        Self { created_at_ms, ttl_ms: ttl_ms.max(1), max_stale_ms: class.max_stale.as_millis() as i64, stamp }
    }

    /// How long the entry is fresh where the load stretches times to live by so many thousandths; never past its
    /// maximum age.
    pub(crate) fn effective_ttl_ms(&self, permille: u32) -> i64 {
        if permille == 1000 {
            return self.ttl_ms;
        }
        (self.ttl_ms.saturating_mul(i64::from(permille)) / 1000).min(self.max_age_ms())
    }

    pub(crate) fn max_age_ms(&self) -> i64 {
        self.ttl_ms.saturating_add(self.max_stale_ms)
    }

    /// `held_ms` is how long this process has held the entry by the monotonic clock, where it has.
    ///
    /// Fewer than no milliseconds: the wall clock was set back, and the true age is unknown.
    pub(crate) fn age_ms(&self, now: Now, held_ms: u64) -> i64 {
        let by_wall = now.wall_ms - self.created_at_ms;
        if by_wall < 0 && (held_ms as i64) < self.max_age_ms() {
            by_wall
        } else {
            by_wall.max(held_ms as i64)
        }
    }

    /// What an age as [`age_ms`](Self::age_ms) tells it allows. One that is unknown is not fresh.
    pub(crate) fn age(&self, age_ms: i64, permille: u32) -> Age {
        if age_ms >= 0 && age_ms < self.effective_ttl_ms(permille) {
            Age::Fresh
        } else if age_ms < self.max_age_ms() {
            Age::Stale
        } else {
            Age::Dead
        }
    }
}

impl Meta {
    pub(crate) fn new(life: Life, tags: Arc<[Arc<str>]>) -> Self {
        let Life { created_at_ms, ttl_ms, max_stale_ms, stamp } = life;
        Self { created_at_ms, ttl_ms, max_stale_ms, stamp, tags }
    }

    pub(crate) fn life(&self) -> Life {
        let &Self { created_at_ms, ttl_ms, max_stale_ms, stamp, .. } = self;
        Life { created_at_ms, ttl_ms, max_stale_ms, stamp }
    }

    pub(crate) fn trace(stamp: u64, now_ms: i64) -> Self {
        Self { created_at_ms: now_ms, ttl_ms: TRACE_MS, max_stale_ms: 0, stamp, tags: Arc::from([]) }
    }
}

/// How long the trace of a removal is kept: longer than any computation may run.
const TRACE_MS: i64 = 24 * 3600 * 1000;

/// What goes with a value wherever it is kept, beside its life.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Traits {
    pub(crate) adaptive: bool,
    pub(crate) secret: bool,
    pub(crate) levels: Levels,
    /// What the source said to ask it with for something newer, such as an ETag.
    pub(crate) validator: Option<Arc<str>>,
}

impl Traits {
    pub(crate) fn of(class: &Class, validator: Option<Arc<str>>) -> Self {
        Self { adaptive: class.adaptive, secret: class.secret, levels: class.levels, validator }
    }
}

/// The head of a payload; the encoded value follows.
#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    form: u8,
    adaptive: bool,
    secret: bool,
    levels: u8,
    #[serde(borrow)]
    validator: Option<&'a str>,
    /// The encoded value's length before it was compressed; `None` where it was not.
    raw_bytes: Option<u32>,
}

impl Envelope<'_> {
    fn traits(&self) -> Traits {
        Traits {
            adaptive: self.adaptive,
            secret: self.secret,
            levels: Levels::from_bits(self.levels),
            validator: self.validator.map(Arc::from),
        }
    }
}

/// Raise it when [`Envelope`] changes: a payload of another form is a miss.
const FORM: u8 = 1;

/// An entry as the levels below memory keep it, its value encoded and perhaps compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) meta: Meta,
    pub(crate) kind: String,
    pub(crate) schema: u32,
    pub(crate) payload: Vec<u8>,
}

impl Record {
    /// Values of at least `compress_over` bytes are compressed where that makes them smaller.
    pub(crate) fn encode<T: Cached>(
        meta: Meta,
        traits: &Traits,
        value: &T,
        compress_over: Option<u32>,
    ) -> Result<Self, CacheError> {
        let refused = |error: postcard::Error| CacheError::Encode(error.to_string());
        let value = postcard::to_allocvec(value).map_err(refused)?;
        if value.len() > VALUE_MAX {
            return Err(CacheError::OutOfBounds { what: "value", accepted: "at most 16 MiB encoded" });
        }
        let compressed = compressed(&value, compress_over);
        let head = Envelope {
            form: FORM,
            adaptive: traits.adaptive,
            secret: traits.secret,
            levels: traits.levels.bits(),
            validator: traits.validator.as_deref(),
            raw_bytes: compressed.as_ref().map(|_| value.len() as u32),
        };
        let mut payload = postcard::to_allocvec(&head).map_err(refused)?;
        payload.extend_from_slice(compressed.as_ref().unwrap_or(&value));
        Ok(Self { meta, kind: T::KIND.to_owned(), schema: T::SCHEMA, payload })
    }

    fn opened(&self) -> Option<(Envelope<'_>, &[u8])> {
        let opened = postcard::take_from_bytes::<Envelope<'_>>(&self.payload).ok();
        opened.filter(|(head, _)| head.form == FORM)
    }

    pub(crate) fn traits(&self) -> Option<Traits> {
        Some(self.opened()?.0.traits())
    }

    pub(crate) fn decode<T: Cached>(&self) -> Option<(Traits, T)> {
        if self.kind != T::KIND || self.schema != T::SCHEMA {
            return None;
        }
        let (head, stored) = self.opened()?;
        let value = postcard::from_bytes(&expanded(stored, head.raw_bytes)?).ok()?;
        Some((head.traits(), value))
    }

    /// The encoded value's bytes before compression, as memory counts it.
    pub(crate) fn value_bytes(&self) -> u32 {
        self.opened().map_or(0, |(head, stored)| head.raw_bytes.unwrap_or(stored.len() as u32))
    }

    /// What it takes up, by and large.
    pub(crate) fn bytes(&self) -> u64 {
        self.payload.len() as u64 + 256
    }
}

/// An entry as memory keeps it: decoded. A slot without a value is the trace of a removal; it keeps what was
/// read or computed before the removal from coming back.
pub(crate) struct Slot {
    pub(crate) area: Arc<Area>,
    pub(crate) life: Life,
    /// The marks of the entry's tags.
    pub(crate) tags: Box<[Arc<Cell>]>,
    pub(crate) value: Option<Arc<dyn Any + Send + Sync>>,
    pub(crate) kind: &'static str,
    pub(crate) traits: Traits,
    /// The monotonic time at which this process first held it.
    pub(crate) held_since_ms: u64,
    /// Encoded size of the value, in bytes.
    pub(crate) bytes: u32,
}

impl Slot {
    pub(crate) fn trace(area: Arc<Area>, stamp: u64, now: Now) -> Self {
        let life = Meta::trace(stamp, now.wall_ms).life();
        Self {
            area,
            life,
            tags: Box::default(),
            value: None,
            kind: "",
            traits: Traits::default(),
            held_since_ms: now.mono_ms,
            bytes: 0,
        }
    }

    /// Whether no mark covers the entry.
    pub(crate) fn valid(&self, marks: &Marks) -> bool {
        let stamp = self.life.stamp;
        !marks.may_cover(stamp)
            || stamp > marks.floor()
                && stamp > self.area.mark.stamp()
                && self.tags.iter().all(|tag| stamp > tag.stamp())
    }

    pub(crate) fn age_ms(&self, now: Now) -> i64 {
        self.life.age_ms(now, now.mono_ms.saturating_sub(self.held_since_ms))
    }
}
