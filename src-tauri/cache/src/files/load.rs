//! Opening: what the files hold, read side by side, becomes the index.

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::active::Active;
use super::contents::Item;
use super::entry::Entry;
use super::index::{SHARDS, shard_of};
use super::log::Log;
use super::scan::{Found, read_segment};
use super::segment::{Segment, on_disk, parse_name};
use super::threads::side_by_side;
use super::trust::{Loaded, trusted};
use super::writer::Writer;

/// The segments' files in the folder as id, salt and path; the oldest first.
pub(super) fn list(folder: &Path) -> io::Result<Vec<(u64, u64, PathBuf)>> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder)? {
        let file = file?;
        if let Some((id, salt)) = file.file_name().to_str().and_then(parse_name) {
            found.push((id, salt, file.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// Reads the folder, which it makes if it is not there. Damage costs what is damaged, never the start.
pub(super) fn load(log: Arc<Log>) -> io::Result<Writer> {
    log.disk.create_folder(&log.folder)?;
    let names = list(&log.folder)?;
    let next_id = names.last().map_or(1, |(id, ..)| id + 1);
    let loaded = side_by_side(&names, |(id, salt, path)| Loaded {
        id: *id,
        salt: *salt,
        path: path.clone(),
        content: log.disk.open(path).and_then(|file| {
            let mut found = read_segment(&*log.disk, &file, *salt)?;
            found.items.sort_unstable_by_key(|item| shard_of(item.hash));
            found.items.iter().for_each(|item| log.saw_stamp(item.stamp));
            Ok((file, found))
        }),
    });
    let mut writer = Writer {
        log,
        segments: Default::default(),
        active: None,
        full_bytes: 0,
        next_id,
        sweeps: Vec::new(),
        expired_at_s: 0,
        buffer: Vec::new(),
    };
    writer.adopt(trusted(loaded, &writer.log));
    let tidied = writer.drop_dead().and_then(|()| writer.shrink());
    writer.log_failure(tidied);
    writer.log.bytes.store(writer.bytes(), Ordering::Relaxed);
    Ok(writer)
}

impl Writer {
    fn adopt(&mut self, mut segments: Vec<(Segment, Found)>) {
        let log = Arc::clone(&self.log);
        let now_s = log.now_s();
        let shards: Vec<_> = (0..SHARDS).collect();
        side_by_side(&shards, |shard| {
            let parts = segments.iter().map(|(segment, found)| (segment, part(&found.items, *shard)));
            let records = parts.clone().map(|(_, items)| items.len()).sum();
            let region = Remembered { log: &log, last: Cell::new(None) };
            let entries = parts.flat_map(|(segment, items)| {
                let entry = |item: &Item| Entry::new(item, segment.slot, region.number(item.region));
                items.iter().map(move |item| (item.hash, entry(item)))
            });
            log.index.restore_shard(*shard, records, entries, now_s, |entry| {
                let (segment, _) = &segments[usize::from(entry.segment)];
                segment.live.fetch_add(1, Ordering::Relaxed);
                segment.hold_until_s.fetch_max(entry.hold_until_s, Ordering::Relaxed);
            });
        });
        let newest = segments.pop();
        for (segment, _) in segments {
            self.adopt_full(segment);
        }
        if let Some((segment, found)) = newest {
            if found.listed && found.end > log.sizes.segment / 2 {
                self.adopt_full(segment);
            } else {
                self.adopt_active(segment, found);
            }
        }
    }

    fn adopt_full(&mut self, segment: Segment) -> Arc<Segment> {
        let bytes = segment.file.metadata().map_or(0, |file| on_disk(file.len()));
        segment.bytes.store(bytes, Ordering::Relaxed);
        self.full_bytes += bytes;
        self.add(segment)
    }

    /// Goes on appending to the segment: what stands after its records is cut off before the next is written.
    fn adopt_active(&mut self, segment: Segment, found: Found) {
        let torn = self.log.disk.set_len(&segment.file, found.end).is_err();
        let segment = self.add(segment);
        self.active = Some(Active { torn, ..Active::new(segment, found.items, found.end) });
    }

    fn add(&mut self, segment: Segment) -> Arc<Segment> {
        let segment = Arc::new(segment);
        self.log.segments.insert(Arc::clone(&segment));
        self.segments.insert(segment.id, Arc::clone(&segment));
        segment
    }

    fn drop_dead(&mut self) -> io::Result<()> {
        let active = self.active.as_ref().map(|active| active.segment.id);
        let is_dead =
            |segment: &&Arc<Segment>| segment.live.load(Ordering::Relaxed) == 0 && Some(segment.id) != active;
        let dead: Vec<_> = self.segments.values().filter(is_dead).cloned().collect();
        dead.iter().try_for_each(|segment| self.drop_segment(segment))
    }
}

/// The number of the region that was asked for last: most often the next record is of the same one.
struct Remembered<'a> {
    log: &'a Log,
    last: Cell<Option<(u32, u16)>>,
}

impl Remembered<'_> {
    fn number(&self, hash: u32) -> u16 {
        match self.last.get() {
            Some((last, number)) if last == hash => number,
            _ => {
                let number = self.log.regions.number(hash);
                self.last.set(Some((hash, number)));
                number
            }
        }
    }
}

/// The items of one shard; they are sorted by shard.
fn part(items: &[Item], shard: usize) -> &[Item] {
    let start = items.partition_point(|item| shard_of(item.hash) < shard);
    let len = items[start..].partition_point(|item| shard_of(item.hash) == shard);
    &items[start..start + len]
}
