//! The bounds of names, keys, tags and values, and keys in their three forms.

use std::sync::Arc;

use equivalent::Equivalent;
use xxhash_rust::xxh3::xxh3_64;

use crate::CacheError;

/// The longest region name, in bytes.
pub const REGION_MAX: usize = 64;
/// The most regions that one cache opens.
pub const REGIONS_MAX: usize = 1024;
/// The longest key, in bytes.
pub const KEY_MAX: usize = 512;
/// The longest tag, in bytes.
pub const TAG_MAX: usize = 128;
/// The most tags that one entry may carry.
pub const TAGS_MAX: usize = 16;
/// The largest encoded value, in bytes.
pub const VALUE_MAX: usize = 16 << 20;
/// The longest validator, such as an ETag, in bytes.
pub const VALIDATOR_MAX: usize = 512;

/// A key together with its region: two fields, so that no text in one can reach into the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FullKey {
    pub(crate) region: Arc<str>,
    pub(crate) key: Arc<str>,
}

/// A key as memory holds it: the region by its number in this process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) area: u32,
    pub(crate) text: Arc<str>,
}

/// A [`Key`] that is only looked at. It must hash as a `Key` does: the same fields in the same order.
#[derive(Debug, Clone, Copy, Hash)]
pub(crate) struct KeyRef<'a> {
    pub(crate) area: u32,
    pub(crate) text: &'a str,
}

impl Key {
    pub(crate) fn as_ref(&self) -> KeyRef<'_> {
        KeyRef { area: self.area, text: &self.text }
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.area == key.area && self.text == &*key.text
    }
}

/// What levels know a region by where its name is too long; two regions may share it.
pub(crate) fn region_hash(name: &str) -> u32 {
    xxh3_64(name.as_bytes()) as u32
}

pub(crate) fn check_region(name: &str) -> Result<(), CacheError> {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > REGION_MAX || !name.bytes().all(allowed) {
        return Err(CacheError::OutOfBounds {
            what: "region",
            accepted: "1 to 64 characters of a-z, 0-9, _ and -",
        });
    }
    Ok(())
}

pub(crate) fn check_key(key: &str) -> Result<(), CacheError> {
    if key.is_empty() || key.len() > KEY_MAX {
        return Err(CacheError::OutOfBounds { what: "key", accepted: "1 to 512 bytes" });
    }
    Ok(())
}

pub(crate) fn check_tag(tag: &str) -> Result<(), CacheError> {
    if tag.is_empty() || tag.len() > TAG_MAX {
        return Err(CacheError::OutOfBounds { what: "tag", accepted: "1 to 128 bytes" });
    }
    Ok(())
}

pub(crate) fn check_tags(tags: &[&str]) -> Result<(), CacheError> {
    if tags.len() > TAGS_MAX {
        return Err(CacheError::OutOfBounds { what: "tags", accepted: "at most 16 an entry" });
    }
    tags.iter().try_for_each(|tag| check_tag(tag))
}

pub(crate) fn check_validator(validator: Option<&str>) -> Result<(), CacheError> {
    if validator.is_some_and(|text| text.len() > VALIDATOR_MAX) {
        return Err(CacheError::OutOfBounds { what: "validator", accepted: "at most 512 bytes" });
    }
    Ok(())
}
