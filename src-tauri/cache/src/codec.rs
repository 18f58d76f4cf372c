//! A record as bytes, with its full key, for levels that keep no columns.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::entry::{Meta, Record};
use crate::name::FullKey;
use crate::tier::TierError;

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
}

/// The record with its full key, for [`decode`] to check.
pub(crate) fn encode(key: &FullKey, record: &Record) -> Result<Vec<u8>, TierError> {
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
    };
    let mut bytes = postcard::to_extend(&head, Vec::with_capacity(256 + record.payload.len()))
        .map_err(|error| TierError(format!("the entry cannot be encoded: {error}")))?;
    bytes.extend_from_slice(&record.payload);
    Ok(bytes)
}

/// The record, if the bytes are one and belong to this key.
pub(crate) fn decode(key: &FullKey, bytes: &[u8]) -> Option<Record> {
    let (head, payload) = postcard::take_from_bytes::<Head<'_>>(bytes).ok()?;
    if head.region != &*key.region || head.key != &*key.key {
        return None;
    }
    let meta = Meta {
        created_at_ms: head.created_at_ms,
        ttl_ms: head.ttl_ms,
        max_stale_ms: head.max_stale_ms,
        stamp: head.stamp,
        tags: head.tags.into_iter().map(Arc::from).collect(),
    };
    Some(Record { meta, kind: head.kind.to_owned(), schema: head.schema, payload: payload.to_vec() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::tier_tests::{key, record};

    #[test]
    fn a_record_is_found_under_its_own_key_only() {
        let (own, given) = (key("region", "key"), record(7, b"payload"));
        let bytes = encode(&own, &given).unwrap();
        assert_eq!(decode(&own, &bytes), Some(given));
        for other in
            [key("region", "kez"), key("regions", "key"), key("regio", "nkey"), key("region", "key2")]
        {
            assert_eq!(decode(&other, &bytes), None, "{other:?}");
        }
        for len in 0..bytes.len() - b"payload".len() {
            assert_eq!(decode(&own, &bytes[..len]), None, "cut to {len} bytes");
        }
    }
}
