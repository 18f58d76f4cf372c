//! The bounds of names, keys, tags and values.

use std::sync::Arc;

use crate::CacheError;

/// The longest region name, in bytes.
pub const REGION_MAX: usize = 64;
/// The longest key, in bytes.
pub const KEY_MAX: usize = 512;
/// The longest tag, in bytes.
pub const TAG_MAX: usize = 128;
/// The most tags that one entry may carry.
pub const TAGS_MAX: usize = 16;
/// The largest encoded value, in bytes.
pub const VALUE_MAX: usize = 16 << 20;

/// A key together with its region: two fields, so that no text in one can reach into the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FullKey {
    pub(crate) region: Arc<str>,
    pub(crate) key: Arc<str>,
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
