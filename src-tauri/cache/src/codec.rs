//! A record as bytes, for the levels that keep it outside of this process, and the compression of payloads.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::entry::{Meta, Record};
use crate::name::{FullKey, VALUE_MAX};
use crate::tier::TierError;

/// Payloads of at least this many bytes are compressed: below it LZ4 saves less than it costs.
pub(crate) const COMPRESS_OVER: usize = 1024;

/// What stands before the payload.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    region: &'a str,
    key: &'a str,
    kind: &'a str,
    schema: u32,
    created_at_ms: i64,
    ttl_ms: i64,
    max_stale_ms: i64,
    stamp: u64,
    #[serde(borrow)]
    tags: Vec<&'a str>,
    /// The payload's length before compression; `None` where it is not compressed.
    raw_bytes: Option<u32>,
}

/// The record with its full key, for [`decode`] to check.
pub(crate) fn encode(key: &FullKey, record: &Record) -> Result<Vec<u8>, TierError> {
    let compressed = compress(&record.payload);
    let head = Head {
        region: &key.region,
        key: &key.key,
        kind: &record.kind,
        schema: record.schema,
        created_at_ms: record.meta.created_at_ms,
        ttl_ms: record.meta.ttl_ms,
        max_stale_ms: record.meta.max_stale_ms,
        stamp: record.meta.stamp,
        tags: record.meta.tags.iter().map(|tag| &**tag).collect(),
        raw_bytes: compressed.is_some().then_some(record.payload.len() as u32),
    };
    let payload = compressed.as_ref().unwrap_or(&record.payload);
    let mut bytes = postcard::to_extend(&head, Vec::with_capacity(256 + payload.len()))
        .map_err(|error| TierError(format!("the entry cannot be encoded: {error}")))?;
    bytes.extend_from_slice(payload);
    Ok(bytes)
}

/// The record, if the bytes are one and belong to this key.
pub(crate) fn decode(key: &FullKey, bytes: &[u8]) -> Option<Record> {
    let (head, payload) = postcard::take_from_bytes::<Head<'_>>(bytes).ok()?;
    if head.region != &*key.region || head.key != &*key.key {
        return None;
    }
    let payload = match head.raw_bytes {
        Some(raw_bytes) => expand(payload, raw_bytes)?,
        None => payload.to_vec(),
    };
    let meta = Meta {
        created_at_ms: head.created_at_ms,
        ttl_ms: head.ttl_ms,
        max_stale_ms: head.max_stale_ms,
        stamp: head.stamp,
        tags: head.tags.into_iter().map(Arc::from).collect(),
    };
    Some(Record { meta, kind: head.kind.to_owned(), schema: head.schema, payload })
}

/// The payload in fewer bytes, where there is a form with fewer.
pub(crate) fn compress(payload: &[u8]) -> Option<Vec<u8>> {
    if payload.len() < COMPRESS_OVER {
        return None;
    }
    let compressed = lz4_flex::block::compress(payload);
    (compressed.len() < payload.len()).then_some(compressed)
}

/// Undoes [`compress`]. A length that no payload can have is refused before memory is taken for it.
pub(crate) fn expand(compressed: &[u8], raw_bytes: u32) -> Option<Vec<u8>> {
    let raw_bytes = raw_bytes as usize;
    if raw_bytes > VALUE_MAX {
        return None;
    }
    let payload = lz4_flex::block::decompress(compressed, raw_bytes).ok()?;
    (payload.len() == raw_bytes).then_some(payload)
}
