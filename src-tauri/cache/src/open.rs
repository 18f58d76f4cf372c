//! Opening: what an earlier process left is read, and what of it cannot be trusted is covered by marks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use store::Store;
use tokio::sync::Semaphore;

use crate::areas::Areas;
use crate::backlog::Backlog;
use crate::core::Core;
use crate::database::Database;
use crate::distrust::{self, Behind, Distrust};
use crate::files::Files;
use crate::flight::Flights;
use crate::guard::{Guard, Opener, Terms};
use crate::hot::HotKeys;
use crate::journal::{Journal, Loaded};
use crate::latency::Latency;
use crate::load::LoadGauge;
use crate::marks::{Marks, Scope};
use crate::memory::Memory;
use crate::publish::Publisher;
use crate::setback::Setbacks;
use crate::tend::Rounds;
use crate::tier::Tier;
use crate::walk::COPIES_MAX;
use crate::{Clock, Config, FilesConfig, Level};

/// How long opening waits for the marks. Without them everything on disk counts as invalid.
const LOADING: Duration = Duration::from_secs(10);

impl Core {
    pub(crate) async fn open(config: Config, store: Store, clock: Clock) -> Self {
        let mut levels = Vec::new();
        let terms = |bound| Terms {
            bound,
            budget: config.level_budget,
            breaker: config.breaker,
            clock: clock.clone(),
        };
        if let Some(files) = config.files.clone() {
            let bound = files.bytes;
            levels.push(Guard::new(Level::Files, open_files(files, clock.clone()), terms(bound)));
        }
        let database = open_database(store.clone(), config.database_bytes);
        levels.push(Guard::new(Level::Database, database, terms(config.database_bytes)));
        Self::over(config, levels, store, clock).await
    }

    /// Opens the cache over these levels below memory.
    pub(crate) async fn over(config: Config, levels: Vec<Guard>, store: Store, clock: Clock) -> Self {
        let journal = Journal::new(store);
        let note = match &config.files {
            Some(files) => Some(note_beside(&files.folder)),
            None => journal.path().await.map(|path| note_beside(&path)),
        };
        let left = note.as_deref().and_then(read_note);
        let loaded = match tokio::time::timeout(LOADING, journal.load()).await {
            Ok(Ok(loaded)) => Ok(loaded),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_elapsed) => Err(format!("no answer within {} s", LOADING.as_secs())),
        };
        let (loaded, behind) = match loaded {
            Ok(loaded) => {
                let same = left.filter(|left| loaded.database != 0 && left.database == loaded.database);
                (loaded, same.map_or(Behind::EVERYTHING, |left| left.behind))
            }
            Err(error) => {
                tracing::warn!(%error, "the marks of the cache cannot be read; what it holds on disk is left alone");
                (
                    Loaded { database: left.map_or(0, |left| left.database), ..Loaded::default() },
                    Behind::EVERYTHING,
                )
            }
        };
        let number =
            if loaded.database == 0 { number_database(&journal, &clock).await } else { loaded.database };
        let core = Self {
            memory: Memory::new(config.memory_bytes),
            lower: levels.into_iter().map(Arc::new).collect(),
            marks: Marks::default(),
            areas: Areas::default(),
            flights: Arc::new(Flights::default()),
            setbacks: Setbacks::default(),
            load: LoadGauge::new(config.load),
            hot: HotKeys::default(),
            journal,
            backlog: Arc::new(Backlog::default()),
            distrust: Arc::new(Distrust::open(note, number, behind)),
            copies: Arc::new(Semaphore::new(COPIES_MAX)),
            computations: Latency::default(),
            opened_at_ms: clock.now().wall_ms,
            clock,
            time_budget: config.time_budget,
            publisher: Publisher::default(),
            rounds: Rounds::default(),
        };
        core.take_over(loaded, behind).await;
        core
    }

    /// Puts what was loaded to work, and marks what may be behind as invalid.
    async fn take_over(&self, loaded: Loaded, behind: Behind) {
        for mark in loaded.marks {
            self.marks.set(mark.scope, &mark.name, mark.stamp);
            let level = self
                .lower
                .iter()
                .find(|guard| mark.scope == Scope::Level && *guard.level.name() == *mark.name);
            if let Some(guard) = level {
                guard.distrust_up_to(mark.stamp);
            }
        }
        self.hot.load(loaded.hot);
        for guard in &self.lower {
            if let Some(tier) = guard.open().await {
                self.marks.seen(tier.newest_stamp());
            }
        }
        let stamp = self.next_stamp();
        if behind.has(Behind::MARKS) {
            self.mark_at(Scope::All, "", stamp);
        }
        for (what, level) in [(Behind::FILES, Level::Files), (Behind::DATABASE, Level::Database)] {
            if behind.has(what) {
                self.mark_at(Scope::Level, level.name(), stamp);
            }
        }
        self.write_backlog().await;
        self.settle_distrust().await;
    }
}

/// The note on what is behind lies beside what it speaks of, so that neither is copied without the other.
fn note_beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".distrust");
    PathBuf::from(name)
}

fn read_note(path: &Path) -> Option<distrust::Left> {
    if let Some(folder) = path.parent()
        && let Err(error) = std::fs::create_dir_all(folder)
    {
        tracing::warn!(folder = %folder.display(), %error, "the cache has no folder");
    }
    distrust::read(path)
}

/// Gives a new database a number by which it is known again.
async fn number_database(journal: &Journal, clock: &Clock) -> u64 {
    // Two databases of one user are not made at the same millisecond of both clocks.
    let now = clock.now();
    let seed =
        [now.wall_ms.to_le_bytes(), now.mono_ms.to_le_bytes(), u64::from(std::process::id()).to_le_bytes()];
    let number = (xxhash_rust::xxh3::xxh3_64(&seed.concat()) >> 1).max(1);
    match journal.set_number(number).await {
        Ok(()) => number,
        Err(error) => {
            tracing::warn!(%error, "the cache's database cannot be numbered");
            0
        }
    }
}

fn open_files(config: FilesConfig, clock: Clock) -> Opener {
    Box::new(move || {
        let (FilesConfig { folder, bytes }, clock) = (config.clone(), clock.clone());
        Box::pin(async move { Ok(Arc::new(Files::open(&folder, bytes, clock).await?) as Arc<dyn Tier>) })
    })
}

fn open_database(store: Store, bytes: u64) -> Opener {
    Box::new(move || {
        let store = store.clone();
        Box::pin(async move { Ok(Arc::new(Database::open(store, bytes).await?) as Arc<dyn Tier>) })
    })
}
