//! Opening: what the files hold, read side by side, becomes the index.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use super::log::Log;
use super::scan::{Found, read_segment};
use super::segment::{Segment, on_disk, parse_name};
use super::writer::{Active, Writer, entry_of};

/// The most threads that read and build the index.
const THREADS: usize = 4;

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

/// A segment's file and what was found in it.
struct Loaded {
    id: u64,
    salt: u64,
    path: PathBuf,
    content: io::Result<(File, Found)>,
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
            let found = read_segment(&*log.disk, &file, *salt)?;
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

/// The segments whose records are known to be the newest of their keys, or older than others that are known.
///
/// Where records were lost whose keys are unknown, what is older than they are goes: a value that was replaced
/// or removed by one of them must not come back.
fn trusted(loaded: Vec<Loaded>, log: &Log) -> Vec<(Segment, Found)> {
    let mut kept = Vec::new();
    let mut loaded = loaded.into_iter().rev();
    for Loaded { id, salt, path, content } in loaded.by_ref() {
        let is_newest = kept.is_empty();
        let (file, mut found) = match content {
            Ok(content) => content,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a file of the cache cannot be read: older ones go");
                remove(log, &path);
                break;
            }
        };
        if !is_newest && !found.complete {
            found.trusted_from = Some(found.end);
        }
        let lost = found.trusted_from.is_some();
        if let Some(trusted_from) = found.trusted_from {
            tracing::warn!(path = %path.display(), "records of the cache are lost: older ones go");
            found.items.retain(|item| u64::from(item.offset) >= trusted_from);
        }
        let (live, hold_until_s, bytes) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU64::new(0));
        kept.push((Segment { id, salt, slot: 0, path, file, live, hold_until_s, bytes }, found));
        if lost || kept.len() == usize::from(u16::MAX) {
            break;
        }
    }
    loaded.for_each(|older| remove(log, &older.path));
    kept.reverse();
    for (slot, (segment, _)) in kept.iter_mut().enumerate() {
        segment.slot = slot as u16;
    }
    kept
}

fn remove(log: &Log, path: &Path) {
    if let Err(error) = log.disk.remove(path) {
        tracing::warn!(path = %path.display(), %error, "a file of the cache could not be removed");
    }
}

impl Writer {
    fn adopt(&mut self, mut segments: Vec<(Segment, Found)>) {
        let log = Arc::clone(&self.log);
        log.index.reserve(segments.iter().map(|(_, found)| found.items.len()).sum());
        side_by_side(&segments, |(segment, found)| {
            for item in &found.items {
                log.index.restore(item.hash, entry_of(item, segment, &log));
                log.saw_stamp(item.stamp);
            }
        });
        let now_s = log.now_s();
        log.index.sweep(|entry| entry.hold_until_s <= now_s);
        log.index.sweep(|entry| {
            let (segment, _) = &segments[usize::from(entry.segment)];
            segment.live.fetch_add(1, Ordering::Relaxed);
            segment.hold_until_s.fetch_max(entry.hold_until_s, Ordering::Relaxed);
            false
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

/// Does the work for each item on a few threads; the results come in the items' order.
fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS));
    let next = AtomicUsize::new(0);
    let take_all = || {
        let take_next = || {
            let at = next.fetch_add(1, Ordering::Relaxed);
            Some((at, work(items.get(at)?)))
        };
        std::iter::from_fn(take_next).collect::<Vec<_>>()
    };
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(items.len())).map(|_| scope.spawn(take_all)).collect();
        let mut done = take_all();
        // A thread only ends without its results where the work panicked, and then so does this one.
        others.into_iter().for_each(|other| match other.join() {
            Ok(more) => done.extend(more),
            Err(panic) => std::panic::resume_unwind(panic),
        });
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
