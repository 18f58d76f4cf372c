//! The engine: what it is made of, how it starts and stops, and what can be asked of it.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cache::{Cache, Clock};
use content::Kept;
use jobs::Jobs;
use store::DataDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::alarm::Alarm;
use crate::api::{Notice, Problem, Profile, Sample, Settings, SettingsChange};
use crate::config::{self, Config};
use crate::current::Current;
use crate::outside::Outside;
use crate::profile::{self, FIRST_ANSWER, Found};
use crate::session::{Parts, Session};
use crate::settings::{Book, Follow};
use crate::state::{Board, Frames};
use crate::stores::Stores;
use crate::work::{self, Means};
use crate::{Options, StartError, cache_view, logging, monitor, remembered, views};

/// A running engine; cloning it is cheap, and clones are one.
///
/// Stop it with [`stop`](Self::stop): dropping the last clone leaves its tasks running.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) book: Arc<Book>,
    pub(crate) stores: Stores,
    pub(crate) cache: Cache,
    pub(crate) clock: Clock,
    pub(crate) board: Arc<Board>,
    pub(crate) stopping: CancellationToken,
    pub(crate) strained: Arc<AtomicBool>,
    /// Damaged databases of this start: where each is now.
    pub(crate) set_aside: Vec<String>,
    pub(crate) latest: Latest,
    /// What the shell wants a person to know, at most one for each key.
    told: Mutex<Vec<Notice>>,
    folder_path: PathBuf,
    pub(crate) started_at_ms: i64,
    /// The lock on the data folder; given back by the stop.
    folder: Mutex<Option<DataDir>>,
    pub(crate) jobs: Jobs,
    pub(crate) outside: Outside,
    pub(crate) content: Kept,
    current: Current,
    /// Makes changes of the session one after the other.
    switching: tokio::sync::Mutex<()>,
    monitor: Mutex<Option<JoinHandle<()>>>,
    alarm: Mutex<Option<JoinHandle<()>>>,
}

/// What jobs under way at the stop may take to end by themselves; one that does not is told to, and keeps its attempt.
const JOBS_DEADLINE: Duration = Duration::from_secs(1);

/// The newest sample.
#[derive(Default)]
pub(crate) struct Latest(Mutex<Option<Sample>>);

impl Latest {
    pub(crate) fn store(&self, sample: Option<Sample>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = sample;
    }

    pub(crate) fn load(&self) -> Option<Sample> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    pub(crate) fn told(&self) -> Vec<Notice> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn session(&self) -> Arc<Session> {
        self.current.get()
    }
}

impl Engine {
    /// Reads the configuration, takes the lock on the data folder, opens the databases, and begins to work.
    ///
    /// At the very first start with the profile `auto` it waits up to 2 s for the network; later starts ask
    /// nothing of it.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let config_file = options.config_file().ok_or(StartError::NoHome)?;
        let data_dir = options.data_dir().ok_or(StartError::NoHome)?;
        // Without a file the defaults are in force; that it could not be written is worth no refusal.
        let created = config::create_if_missing(&config_file);
        let loaded = Config::load(&config_file);
        if options.strict_config && !loaded.issues.is_empty() {
            return Err(StartError::Config { file: config_file, issues: loaded.issues });
        }
        let folder = DataDir::open(&data_dir)?;
        logging::begin(folder.path(), &loaded.config.log_level);
        if let Err(error) = created {
            tracing::warn!(file = %config_file.display(), %error, "the configuration file could not be created");
        }
        for issue in &loaded.issues {
            tracing::warn!(
                key = issue.key,
                value = issue.value,
                accepted = issue.accepted,
                "a setting was refused"
            );
        }
        let (stores, set_aside) = Stores::open(&folder, loaded.config.slow_query).await?;
        let config = loaded.config.clone();
        let clock = Clock::system();
        let bounds = cache_view::bounds(&config.cache, folder.path());
        let cache = Cache::open(bounds, stores.cache.clone(), clock.clone()).await?;
        let board = Arc::new(Board::new(options.always_fresh));
        let strained = Arc::new(AtomicBool::new(false));
        let choice = options.profile.unwrap_or(config.profile);
        let parts = Parts {
            config: &config,
            stores: &stores,
            cache: &cache,
            clock: &clock,
            board: &board,
            strained: &strained,
        };
        let session = first_session(choice, &parts).await?;
        let current = Current::new(Arc::clone(&session));
        let outside = Outside::open(&strained).await?;
        let content = Kept::new(stores.durable.clone());
        let has_desktop = options.notifier.is_some();
        let book = Arc::new(Book::new(config_file, loaded));
        let means = Means {
            book: Arc::clone(&book),
            current: current.clone(),
            stores: stores.clone(),
            clock: clock.clone(),
            outside: outside.clone(),
            content: content.clone(),
            notifier: options.notifier,
            holdings: options.holdings,
            folder: folder.path().to_owned(),
        };
        let jobs = work::start(means, &config.jobs).await?;
        session.begin(&jobs, &content);
        let alarm =
            Alarm { jobs: jobs.clone(), board: Arc::clone(&board), book: Arc::clone(&book), has_desktop };
        let engine = Self(Arc::new(Inner {
            book,
            folder_path: folder.path().to_owned(),
            started_at_ms: clock.now().wall_ms,
            folder: Mutex::new(Some(folder)),
            jobs,
            outside,
            content,
            current,
            switching: tokio::sync::Mutex::new(()),
            monitor: Mutex::new(None),
            alarm: Mutex::new(None),
            stopping: CancellationToken::new(),
            set_aside: set_aside.iter().map(|aside| aside.moved_to.display().to_string()).collect(),
            latest: Latest::default(),
            told: Mutex::default(),
            stores,
            cache,
            clock,
            board,
            strained,
        }));
        let alarm = tokio::spawn(alarm.run(engine.0.stopping.clone()));
        *engine.0.alarm.lock().unwrap_or_else(PoisonError::into_inner) = Some(alarm);
        let monitor = tokio::spawn(monitor::run(Arc::clone(&engine.0)));
        *engine.0.monitor.lock().unwrap_or_else(PoisonError::into_inner) = Some(monitor);
        tracing::info!(version = env!("CARGO_PKG_VERSION"), profile = ?engine.0.session().profile.active, "started");
        Ok(engine)
    }

    /// Ends every task, writes what is still to be written, and gives the data folder back; twice is fine.
    pub async fn stop(&self) {
        let inner = &self.0;
        let _one_at_a_time = inner.switching.lock().await;
        inner.stopping.cancel();
        let session = inner.session();
        // All at once: a job that waits for a service ends with it, and keeps its attempt.
        tokio::join!(inner.jobs.stop(JOBS_DEADLINE), session.stop(), inner.outside.stop());
        inner.cache.close().await;
        for task in [&inner.monitor, &inner.alarm] {
            let task = task.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(task) = task {
                // A panic in it has been reported by the runtime.
                let _ = task.await;
            }
        }
        inner.board.close();
        inner.stores.close().await;
        let folder = inner.folder.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(folder) = folder {
            tracing::info!("stopped");
            folder.close();
        }
    }

    /// A stream of what changes, for one window; its first frame is whole.
    pub fn subscribe(&self) -> Frames {
        self.0.board.frames()
    }

    /// Shows a notice under "Needs you", in the place of an earlier one with the same key.
    pub fn tell(&self, notice: Notice) {
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|known| known.key != notice.key);
        told.push(notice);
    }

    /// The folder of the databases.
    pub fn data_dir(&self) -> PathBuf {
        self.0.folder_path.clone()
    }

    /// The HTTP part of the configuration.
    pub fn http_config(&self) -> config::Http {
        self.0.book.with(|config| config.http.clone())
    }

    /// What the Settings screen shows.
    pub fn settings(&self) -> Settings {
        self.0.book.shown(self.0.session().profile.active, &self.0.folder_path)
    }

    /// Checks one change, writes it to the configuration file, and puts it in force.
    ///
    /// # Errors
    /// `invalid` with what is accepted, `not_saved`, or why the new session does not start; nothing changes then.
    pub async fn change_setting(&self, change: SettingsChange) -> Result<Settings, Problem> {
        let _one_at_a_time = self.0.switching.lock().await;
        if self.0.stopping.is_cancelled() {
            return Err(Problem::new("stopped", "Eider is stopping."));
        }
        match self.0.book.change(change)? {
            Follow::Nothing => {}
            Follow::NewWebhook => self.0.outside.renew_webhook().await?,
            Follow::NewSession(profile) => self.switch(profile).await?,
        }
        self.0.board.nudge.notify_one();
        Ok(self.settings())
    }

    async fn switch(&self, profile: Option<Profile>) -> Result<(), Problem> {
        let inner = &self.0;
        let old = inner.session();
        let config = inner.book.with(Clone::clone);
        let status = match profile {
            Some(profile) => profile::status(profile, config.demo_seed),
            None => old.profile.clone(),
        };
        let parts = Parts {
            config: &config,
            stores: &inner.stores,
            cache: &inner.cache,
            clock: &inner.clock,
            board: &inner.board,
            strained: &inner.strained,
        };
        // The old session's calls must be in the journal before the new one reads it.
        old.stop().await;
        let new = Session::open(status, &parts).await.map_err(|error| views::problem(&error))?;
        inner.current.set(Arc::clone(&new));
        new.begin(&inner.jobs, &inner.content);
        Ok(())
    }
}

/// The session of the profile that is asked for; `auto` looks whether the network answers, once and for all.
async fn first_session(choice: crate::ProfileChoice, parts: &Parts<'_>) -> Result<Arc<Session>, StartError> {
    let seed = parts.config.demo_seed;
    let durable = &parts.stores.durable;
    let found = remembered::read(durable, remembered::AUTO_PROFILE).await.ok().flatten();
    let found = found.as_deref().and_then(Found::parse);
    if let Some(status) = profile::settled(choice, found, seed) {
        return Ok(Session::open(status, parts).await?);
    }
    let live = Session::open(profile::status(Profile::Live, seed), parts).await?;
    let answered =
        tokio::time::timeout(FIRST_ANSWER, live.market.ping()).await.is_ok_and(|answer| answer.is_ok());
    let (found, session) = if answered {
        (Found::Live, live)
    } else {
        live.stop().await;
        (Found::Demo, Session::open(profile::fallen_back(seed), parts).await?)
    };
    if let Err(error) = remembered::write(durable, remembered::AUTO_PROFILE, found.name()).await {
        tracing::warn!(%error, "which profile was found could not be kept; the next start asks again");
    }
    Ok(session)
}
