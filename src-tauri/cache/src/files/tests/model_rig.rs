//! A level beside what is known of it, and the steps that both take.

use std::collections::{BTreeMap, BTreeSet};

use proptest::sample::Index;

use super::disk_full::Tight;
use super::model::Step;
use super::*;

pub(super) const KEYS: usize = 6;

/// What was written under one key.
#[derive(Default)]
struct Known {
    /// By stamp; `None` is a removal, or a value that could not be written.
    versions: BTreeMap<u64, Option<Record>>,
    /// Whether a miss is right too.
    may_miss: bool,
    /// Whether older versions are right too: the newest file was cut, which is as if its last records had
    /// never been written.
    may_be_older: bool,
}

pub(super) struct Rig {
    folder: tempfile::TempDir,
    sizes: Sizes,
    hands: Hands,
    disk: Arc<Tight>,
    files: Files,
    known: Vec<Known>,
    stamp: u64,
    /// Files that were damaged once: a second time, both ways of knowing a record may be gone.
    damaged: BTreeSet<PathBuf>,
}

impl Rig {
    pub(super) async fn new(sizes: Sizes) -> Self {
        let (folder, hands, disk) = (tempfile::tempdir().unwrap(), Hands::new(), Tight::new());
        let files = Files::open_with(folder.path(), sizes, Arc::clone(&disk) as Arc<dyn Disk>, hands.clock());
        let (files, known) = (files.await.unwrap(), (0..KEYS).map(|_| Known::default()).collect());
        Self { files, folder, sizes, hands, disk, known, stamp: 0, damaged: BTreeSet::new() }
    }

    pub(super) async fn step(&mut self, step: &Step) {
        match step {
            Step::Put { key, bytes, life_s } => self.put(*key, *bytes, *life_s, u64::MAX).await,
            Step::PutOnFullDisk { key, bytes, room } => self.put(*key, *bytes, 3600, *room).await,
            Step::PutLate { key } => self.put_late(*key).await,
            Step::Remove { key } => self.remove(*key).await,
            Step::Get { key } => self.check(*key).await,
            Step::Pass { seconds } => self.hands.pass_ms(seconds * 1000),
            Step::End => self.restart(true, |_, _| false).await,
            Step::Crash => self.restart(false, |_, _| false).await,
            Step::Flip { ended, file, at, bit } => {
                let flip = |bytes: &mut Vec<u8>, at: usize| bytes[at] ^= 1 << bit;
                self.damage(*ended, file, at, false, flip).await;
            }
            Step::Spoil { ended, file, at, len } => {
                let fill = |bytes: &mut Vec<u8>, at: usize| {
                    let end = bytes.len().min(at + len);
                    bytes[at..end].fill(0x5a);
                };
                self.damage(*ended, file, at, true, fill).await;
            }
            Step::Cut { ended, file, at } => self.damage(*ended, file, at, true, Vec::truncate).await,
        }
        for key in 0..KEYS {
            self.check(key).await;
        }
        let on_disk: u64 = segments(self.folder.path())
            .iter()
            .map(|path| segment::on_disk(fs::metadata(path).unwrap().len()))
            .sum();
        assert!(on_disk <= self.sizes.bound, "{on_disk} bytes");
    }

    fn record(&mut self, stamp: u64, bytes: usize, life_s: i64) -> Record {
        let mut record = record(stamp, &noise(stamp, bytes));
        record.meta.created_at_ms = self.hands.now_ms();
        (record.meta.ttl_ms, record.meta.max_stale_ms) = (life_s * 500, life_s * 500);
        record
    }

    async fn put(&mut self, n: usize, bytes: usize, life_s: i64, room: u64) {
        self.stamp += 10;
        let given = self.record(self.stamp, bytes, life_s);
        self.disk.set_room(room);
        let written = self.files.put(&key("r", &n.to_string()), given.clone()).await;
        self.disk.set_room(u64::MAX);
        if written.is_err() {
            assert!(room < u64::MAX);
            // The head of the older value was overwritten: a second damage beside that may hide its key.
            self.damaged.extend(segments(self.folder.path()));
        }
        let version = written.is_ok().then_some(given);
        self.wrote(n, version);
    }

    async fn remove(&mut self, n: usize) {
        self.stamp += 10;
        self.files.remove(&key("r", &n.to_string()), self.stamp, self.hands.now_ms()).await.unwrap();
        self.wrote(n, None);
    }

    fn wrote(&mut self, n: usize, version: Option<Record>) {
        let roomy = self.sizes.bound > SMALL.bound;
        let known = &mut self.known[n];
        known.versions.insert(self.stamp, version);
        (known.may_miss, known.may_be_older) = (!roomy, false);
    }

    /// Only where the level must know the newest version, so that it has to refuse an older one.
    async fn put_late(&mut self, n: usize) {
        let known = &self.known[n];
        let newest = known.versions.last_key_value().map(|(stamp, version)| (*stamp, version.is_some()));
        if let Some((stamp, true)) = newest
            && !known.may_miss
            && !known.may_be_older
            && self.expected(n).is_some()
        {
            let late = self.record(stamp - 5, 50, 7200);
            self.files.put(&key("r", &n.to_string()), late).await.unwrap();
        }
    }

    async fn restart(&mut self, ended: bool, damage: impl FnOnce(&mut Self, Vec<PathBuf>) -> bool) {
        if ended {
            self.files.close().await;
        }
        let paths = segments(self.folder.path());
        let older = !paths.is_empty() && damage(self, paths);
        for known in &mut self.known {
            known.may_be_older |= older;
        }
        let disk = Arc::clone(&self.disk) as Arc<dyn Disk>;
        self.files =
            Files::open_with(self.folder.path(), self.sizes, disk, self.hands.clock()).await.unwrap();
    }

    async fn damage(
        &mut self,
        ended: bool,
        file: &Index,
        at: &Index,
        hides_the_last_record: bool,
        change: impl FnOnce(&mut Vec<u8>, usize),
    ) {
        self.restart(ended, |rig, paths| {
            let path = file.get(&paths).clone();
            let is_newest = paths.last() == Some(&path);
            let mut bytes = fs::read(&path).unwrap();
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                change(&mut bytes, at);
            }
            fs::remove_file(&path).unwrap();
            fs::write(&path, bytes).unwrap();
            rig.known.iter_mut().for_each(|known| known.may_miss = true);
            let twice = !rig.damaged.insert(path);
            is_newest && (hides_the_last_record || twice)
        })
        .await;
    }

    /// The newest version, if it is a value that still lives.
    fn expected(&self, n: usize) -> Option<&Record> {
        self.living(self.known[n].versions.last_key_value()?.1.as_ref())
    }

    fn living<'a>(&self, record: Option<&'a Record>) -> Option<&'a Record> {
        record.filter(|record| log::dead_at_ms(&record.meta) > self.hands.now_ms())
    }

    async fn check(&self, n: usize) {
        let known = &self.known[n];
        let found = self.files.get(&key("r", &n.to_string())).await.unwrap();
        let is_right = match &found {
            None => known.may_miss || known.may_be_older || self.expected(n).is_none(),
            found if found.as_ref() == self.expected(n) => true,
            Some(found) => {
                let version = self.known[n].versions.get(&found.meta.stamp);
                known.may_be_older && self.living(version.and_then(Option::as_ref)) == Some(found)
            }
        };
        let found = found.map(|found| found.meta.stamp);
        assert!(is_right, "key {n} holds {found:?}, expected {:?}", self.expected(n).map(|r| r.meta.stamp));
    }
}
