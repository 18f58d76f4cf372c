//! L3: entries in SQLite, bounded in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use store::rusqlite::{Connection, OptionalExtension, Row, Transaction};
use store::{Store, StoreError};
use xxhash_rust::xxh3::Xxh3;

use crate::entry::{Meta, Record};
use crate::name::{FullKey, region_hash};
use crate::tier::{Tier, TierError};

/// The bytes that a row costs beside its payload: its key, its columns and the index.
const ROW_BYTES: i64 = 160;
/// How many rows one eviction step deletes at most, so that no writer waits long behind it.
const EVICT_ROWS: i64 = 256;

pub(crate) struct Database {
    store: Store,
    bound: i64,
    newest_stamp: u64,
    /// The hashes of the regions that there were at the start.
    regions: Vec<u32>,
    /// Bytes held, or [`UNKNOWN`] after a write that failed; the next write then counts anew.
    bytes: Arc<AtomicI64>,
}

const UNKNOWN: i64 = i64::MIN;

impl Database {
    pub(crate) async fn open(store: Store, bound: u64) -> Result<Self, StoreError> {
        let (bytes, newest_stamp, regions) =
            store.read("cache.sum_bytes", |db| Ok((sum_bytes(db)?, newest_stamp(db)?, regions(db)?))).await?;
        Ok(Self { store, bound: bound as i64, newest_stamp, regions, bytes: Arc::new(AtomicI64::new(bytes)) })
    }

    async fn upsert(&self, row: NewRow) -> Result<(), TierError> {
        let (bytes, bound) = (Arc::clone(&self.bytes), self.bound);
        let written = self
            .store
            .write("cache.put_entry", move |db| {
                let before = match bytes.load(Ordering::Relaxed) {
                    UNKNOWN => sum_bytes(db)?,
                    known => known,
                };
                let mut held = before + row.write(db)?;
                while held > bound {
                    let freed = evict_oldest(db)?;
                    if freed == 0 {
                        break;
                    }
                    held -= freed;
                }
                bytes.store(held, Ordering::Relaxed);
                Ok(())
            })
            .await;
        if written.is_err() {
            self.bytes.store(UNKNOWN, Ordering::Relaxed);
        }
        Ok(written?)
    }
}

fn sum_bytes(db: &Connection) -> Result<i64, StoreError> {
    Ok(db.query_row("SELECT coalesce(sum(bytes), 0) FROM cache_entry", [], |row| row.get(0))?)
}

fn newest_stamp(db: &Connection) -> Result<u64, StoreError> {
    let newest = "SELECT coalesce(max(stamp), 0) FROM cache_entry";
    Ok(db.query_row(newest, [], |row| row.get::<_, i64>(0))? as u64)
}

/// One step along the index for each region, however many entries it has.
fn regions(db: &Connection) -> Result<Vec<u32>, StoreError> {
    let mut statement = db.prepare(
        "WITH RECURSIVE name_of (region) AS (
             SELECT min(region) FROM cache_entry
             UNION ALL
             SELECT (SELECT min(region) FROM cache_entry WHERE cache_entry.region > name_of.region)
             FROM name_of WHERE name_of.region IS NOT NULL)
         SELECT region FROM name_of WHERE region IS NOT NULL",
    )?;
    let names = statement.query_map([], |row| Ok(region_hash(row.get_ref(0)?.as_str()?)))?;
    Ok(names.collect::<Result<_, _>>()?)
}

#[async_trait]
impl Tier for Database {
    async fn get(&self, key: &FullKey) -> Result<Option<Record>, TierError> {
        let key = key.clone();
        Ok(self
            .store
            .read("cache.get_entry", move |db| {
                let mut statement = db.prepare_cached(
                    "SELECT kind, schema, created_at_ms, ttl_ms, max_stale_ms, stamp, tags, payload, checksum
                     FROM cache_entry WHERE region = ?1 AND key = ?2 AND payload IS NOT NULL",
                )?;
                let stored = statement.query_row((&*key.region, &*key.key), stored_from_row).optional()?;
                Ok(stored.and_then(|stored| stored.checked(&key)))
            })
            .await?)
    }

    async fn put(&self, key: &FullKey, record: Record) -> Result<(), TierError> {
        self.upsert(NewRow::value(key, record)).await
    }

    async fn remove(&self, key: &FullKey, stamp: u64, now_ms: i64) -> Result<(), TierError> {
        self.upsert(NewRow::removal(key, stamp, now_ms)).await
    }

    async fn sweep_region(&self, region: &str, older_than: u64) -> Result<(), TierError> {
        let (region, bytes) = (region.to_owned(), Arc::clone(&self.bytes));
        self.store
            .write("cache.sweep_region", move |db| {
                let freed: i64 = db.query_row(
                    "SELECT coalesce(sum(bytes), 0) FROM cache_entry WHERE region = ?1 AND stamp <= ?2",
                    (&region, older_than as i64),
                    |row| row.get(0),
                )?;
                db.execute(
                    "DELETE FROM cache_entry WHERE region = ?1 AND stamp <= ?2",
                    (&region, older_than as i64),
                )?;
                if bytes.load(Ordering::Relaxed) != UNKNOWN {
                    bytes.fetch_sub(freed, Ordering::Relaxed);
                }
                Ok(())
            })
            .await?;
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed).max(0) as u64
    }

    fn newest_stamp(&self) -> u64 {
        self.newest_stamp
    }

    fn regions(&self) -> Option<Vec<u32>> {
        Some(self.regions.clone())
    }
}

/// A row to be written unless a newer one stands there.
struct NewRow {
    key: FullKey,
    kind: String,
    schema: u32,
    meta: Meta,
    tags: Vec<u8>,
    payload: Option<Vec<u8>>,
    checksum: u64,
}

impl NewRow {
    fn value(key: &FullKey, record: Record) -> Self {
        let tags = join_tags(&record.meta.tags);
        let checksum = checksum(key, &record, &tags);
        let Record { meta, kind, schema, payload } = record;
        Self { key: key.clone(), kind, schema, meta, tags, payload: Some(payload), checksum }
    }

    fn removal(key: &FullKey, stamp: u64, now_ms: i64) -> Self {
        let meta = Meta::trace(stamp, now_ms);
        Self {
            key: key.clone(),
            kind: String::new(),
            schema: 0,
            meta,
            tags: Vec::new(),
            payload: None,
            checksum: 0,
        }
    }

    /// Returns by how many bytes the level grew.
    fn write(self, db: &Transaction<'_>) -> Result<i64, StoreError> {
        let (region, key) = (&*self.key.region, &*self.key.key);
        let held: Option<(i64, i64)> = db
            .prepare_cached("SELECT stamp, bytes FROM cache_entry WHERE region = ?1 AND key = ?2")?
            .query_row((region, key), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if held.is_some_and(|(stamp, _)| stamp > self.meta.stamp as i64) {
            return Ok(0);
        }
        let payload_bytes =
            self.payload.as_ref().map_or(0, Vec::len) + region.len() + key.len() + self.tags.len();
        let bytes = ROW_BYTES + payload_bytes as i64;
        db.prepare_cached(
            "REPLACE INTO cache_entry (region, key, kind, schema, created_at_ms, ttl_ms, max_stale_ms, stamp,
                                       tags, payload, bytes, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute((
            region,
            key,
            &self.kind,
            self.schema,
            self.meta.created_at_ms,
            self.meta.ttl_ms,
            self.meta.max_stale_ms,
            self.meta.stamp as i64,
            &self.tags,
            &self.payload,
            bytes,
            self.checksum as i64,
        ))?;
        Ok(bytes - held.map_or(0, |(_, bytes)| bytes))
    }
}

/// Deletes some of the entries that were computed longest ago; returns the bytes freed.
fn evict_oldest(db: &Transaction<'_>) -> Result<i64, StoreError> {
    let oldest = "SELECT stamp, bytes FROM cache_entry ORDER BY stamp LIMIT ?1";
    let (up_to, freed): (Option<i64>, Option<i64>) = db
        .prepare_cached(&format!("SELECT max(stamp), sum(bytes) FROM ({oldest})"))?
        .query_row([EVICT_ROWS], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(up_to), Some(freed)) = (up_to, freed) else { return Ok(0) };
    db.prepare_cached("DELETE FROM cache_entry WHERE stamp <= ?1")?.execute([up_to])?;
    Ok(freed)
}

/// A row as it was read, not yet trusted.
struct Stored {
    record: Record,
    tags: Vec<u8>,
    checksum: u64,
}

fn stored_from_row(row: &Row<'_>) -> store::rusqlite::Result<Stored> {
    let tags: Vec<u8> = row.get(6)?;
    let meta = Meta {
        created_at_ms: row.get(2)?,
        ttl_ms: row.get(3)?,
        max_stale_ms: row.get(4)?,
        stamp: row.get::<_, i64>(5)? as u64,
        tags: split_tags(&tags),
    };
    let record = Record { kind: row.get(0)?, schema: row.get(1)?, payload: row.get(7)?, meta };
    Ok(Stored { record, tags, checksum: row.get::<_, i64>(8)? as u64 })
}

impl Stored {
    /// The record, unless a bit of it has changed since it was written.
    fn checked(self, key: &FullKey) -> Option<Record> {
        let expected = checksum(key, &self.record, &self.tags);
        (expected == self.checksum).then_some(self.record)
    }
}

/// Tags are joined by a byte that UTF-8 text never holds.
const TAG_END: u8 = 0xff;

fn join_tags(tags: &[Arc<str>]) -> Vec<u8> {
    let mut joined = Vec::new();
    for tag in tags {
        joined.extend_from_slice(tag.as_bytes());
        joined.push(TAG_END);
    }
    joined
}

fn split_tags(joined: &[u8]) -> Arc<[Arc<str>]> {
    joined
        .split(|byte| *byte == TAG_END)
        .filter(|tag| !tag.is_empty())
        .map(|tag| Arc::from(String::from_utf8_lossy(tag).as_ref()))
        .collect()
}

/// Covers all that decides whether and how the value is used, so that a flipped bit anywhere is a miss.
fn checksum(key: &FullKey, record: &Record, tags: &[u8]) -> u64 {
    let meta = &record.meta;
    let mut hash = Xxh3::new();
    for field in [key.region.as_bytes(), key.key.as_bytes(), record.kind.as_bytes(), tags, &record.payload] {
        hash.update(&(field.len() as u64).to_le_bytes());
        hash.update(field);
    }
    let schema = i64::from(record.schema);
    for number in [meta.created_at_ms, meta.ttl_ms, meta.max_stale_ms, meta.stamp as i64, schema] {
        hash.update(&number.to_le_bytes());
    }
    hash.digest()
}
