//! The engine: what it is made of, how it starts and stops, and what can be asked of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cache::{Cache, Clock};
use content::Kept;
use jobs::Jobs;
use market::TokenId;
use store::DataDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::alarm::Alarm;
use crate::api::{
    CacheEntry, CacheView, ExportFormat, Health, History, Invalidation, LimitsView, MarketTable,
    MetricsHistory, Notice, Problem, Profile, Quote, Range, Sample, Service, ServiceLimits, ServiceState,
    ServiceTest, Settings, SettingsChange, Token, TokenHit, Warming,
};
use crate::config::{self, Config};
use crate::current::Current;
use crate::outside::{IMAGES, Outside, Service as OutsideService, WEBHOOK};
use crate::profile::{self, FIRST_ANSWER, Found};
use crate::readings::Readings;
use crate::session::{Parts, Session};
use crate::settings::{Book, Follow};
use crate::state::{Board, Frames};
use crate::stores::Stores;
use crate::work::{self, Means, ProcessContent};
use crate::{
    Options, Reading, StartError, cache_view, export, logging, metrics_history, monitor, remembered, stores,
    views,
};

/// A running engine; cloning it is cheap, and clones are one.
///
/// Stop it with [`stop`](Self::stop): dropping the last clone leaves its tasks running.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) book: Book,
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
    started_at_ms: i64,
    /// The lock on the data folder; given back by the stop.
    folder: Mutex<Option<DataDir>>,
    pub(crate) jobs: Jobs,
    outside: Outside,
    content: Kept,
    current: Current,
    /// Makes changes of the session one after the other.
    switching: tokio::sync::Mutex<()>,
    monitor: Mutex<Option<JoinHandle<()>>>,
    alarm: Mutex<Option<JoinHandle<()>>>,
}

/// What jobs under way at the stop may take to end by themselves; one that does not is told to, and keeps its attempt.
const JOBS_DEADLINE: Duration = Duration::from_secs(1);

/// The logo that the page of a token shows.
const LOGO_PX: u32 = 64;

/// The newest sample.
#[derive(Default)]
pub(crate) struct Latest(Mutex<Option<Sample>>);

impl Latest {
    pub(crate) fn store(&self, sample: Option<Sample>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = sample;
    }

    fn load(&self) -> Option<Sample> {
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
        let outside = Outside::open(&config.notifications, &strained).await?;
        let content = Kept::new(stores.durable.clone());
        let has_desktop = options.notifier.is_some();
        let means = Means {
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
        let alarm = Alarm {
            jobs: jobs.clone(),
            board: Arc::clone(&board),
            desktop: config.notifications.desktop && has_desktop,
            webhook: outside.webhook.is_some(),
        };
        let engine = Self(Arc::new(Inner {
            book: Book::new(config_file, loaded),
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
        inner.jobs.stop(JOBS_DEADLINE).await;
        inner.session().stop().await;
        inner.outside.stop().await;
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

    /// The ids of the watched tokens, in their order.
    pub fn watched(&self) -> Vec<String> {
        self.0.session().market.watched_ids().into_iter().map(String::from).collect()
    }

    /// The currency of prices, in lower case.
    pub fn currency(&self) -> String {
        self.0.session().market.currency().into()
    }

    /// The newest prices of these tokens, in the order of the ids; what the cache lacks is asked for once.
    ///
    /// # Errors
    /// `invalid` names a wrong id. A source that fails is no error: the problem beside the quotes says why some have
    /// no price or an old one.
    pub async fn prices(&self, ids: &[String]) -> Result<(Vec<Quote>, Option<Problem>), Problem> {
        let ids = ids.iter().map(|id| token_id(id)).collect::<Result<Vec<_>, _>>()?;
        let asked = self.0.session().market.prices(&ids).await.map_err(|error| views::problem(&error))?;
        let problem = asked.problem.as_ref().map(views::problem);
        Ok((asked.quotes.into_iter().map(views::quote).collect(), problem))
    }

    /// The price of one token over a range.
    ///
    /// # Errors
    /// `invalid`, `unknown_token`, or `store_failed`. A source that fails is told in the history itself.
    pub async fn history(&self, id: &str, range: Range) -> Result<History, Problem> {
        let market = &self.0.session().market;
        let history = market.history(&token_id(id)?, &market.currency(), views::market_range(range)).await;
        history.map(|history| views::history(history, range)).map_err(|error| views::problem(&error))
    }

    /// Load, cache rates and queue depths over a range.
    ///
    /// # Errors
    /// `store_failed`
    pub async fn metrics_history(&self, range: Range) -> Result<MetricsHistory, Problem> {
        let now_ms = self.0.clock.now().wall_ms;
        metrics_history::read(&self.0.stores.metrics, range, now_ms).await.map_err(|error| {
            Problem::new("store_failed", format!("The measured history cannot be read: {error}."))
        })
    }

    /// The market table; what is wrong with it is told in it.
    ///
    /// # Errors
    /// None at present.
    pub async fn markets(&self) -> Result<MarketTable, Problem> {
        let market = &self.0.session().market;
        let currency = market.currency();
        let table = market.table(&currency).await;
        Ok(views::table(table, currency.into(), |id| market.is_watched(id)))
    }

    /// All about one token.
    ///
    /// # Errors
    /// `invalid`, `unknown_token`, or why the source does not tell.
    pub async fn token(&self, id: &str) -> Result<Token, Problem> {
        let market = &self.0.session().market;
        let (id, currency) = (token_id(id)?, market.currency());
        let view = market.token(&id, &currency).await.map_err(|error| views::problem(&error))?;
        let logo = self.0.content.picture(market.source_key(), id.as_str(), LOGO_PX).await;
        let logo = logo.unwrap_or_else(|error| {
            tracing::debug!(%error, %id, "the logo cannot be read");
            None
        });
        let logo = logo.map(|png| format!("data:image/png;base64,{}", BASE64.encode(png)));
        Ok(Token { logo, ..views::token(view, currency.into(), market.is_watched(&id)) })
    }

    /// Tokens that resemble the query, best first, at most 50.
    ///
    /// # Errors
    /// `invalid`, or why the source does not tell.
    pub async fn search(&self, query: &str) -> Result<Vec<TokenHit>, Problem> {
        let market = &self.0.session().market;
        let found = market.search(query).await.map_err(|error| views::problem(&error))?;
        Ok(found
            .into_iter()
            .map(|token| (market.is_watched(&token.id), token))
            .map(|(w, t)| views::hit(t, w))
            .collect())
    }

    /// Watches a token, at a position where one is given.
    ///
    /// # Errors
    /// `invalid`, `watchlist_full`, or `store_failed`.
    pub async fn watch(&self, id: &str, position: Option<u32>) -> Result<(), Problem> {
        let (id, position) = (token_id(id)?, position.map(|position| position as usize));
        let watched = self.0.session().market.watch(&id, position).await;
        self.0.board.nudge.notify_one();
        watched.map_err(|error| views::problem(&error))?;
        if let Err(error) = self.0.jobs.add(ProcessContent::job(&id)).await {
            tracing::debug!(%error, %id, "its logo is not fetched now");
        }
        Ok(())
    }

    /// Stops watching a token; its history stays.
    ///
    /// # Errors
    /// `invalid` or `store_failed`.
    pub async fn unwatch(&self, id: &str) -> Result<(), Problem> {
        let unwatched = self.0.session().market.unwatch(&token_id(id)?).await;
        self.0.board.nudge.notify_one();
        unwatched.map_err(|error| views::problem(&error))
    }

    /// Refreshes the watched prices now, within the provider's limit.
    ///
    /// # Errors
    /// None at present.
    pub async fn refresh(&self) -> Result<(), Problem> {
        self.0.session().refresh();
        self.0.board.nudge.notify_one();
        Ok(())
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
        if let Follow::NewSession(profile) = self.0.book.change(change)? {
            self.switch(profile).await?;
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

    /// Writes a history to the Downloads folder; returns the path.
    ///
    /// # Errors
    /// As [`history`](Self::history); `nothing_to_export`; `not_saved` with the reason.
    pub async fn export_history(
        &self,
        id: &str,
        range: Range,
        format: ExportFormat,
    ) -> Result<String, Problem> {
        let history = self.history(id, range).await?;
        export::to_downloads(history, format).await
    }

    /// The levels, regions and classes of the cache.
    pub fn cache_view(&self) -> CacheView {
        let classes = self.0.book.with(|config| config.cache.classes());
        cache_view::view(&self.0.cache, &classes, self.0.clock.now().wall_ms)
    }

    /// What is known of one entry; `None` where no level holds it. Never its value.
    ///
    /// # Errors
    /// `invalid` for a region or key out of its bounds.
    pub async fn cache_entry(&self, region: &str, key: &str) -> Result<Option<CacheEntry>, Problem> {
        let known = self.known_region(region)?;
        let found =
            self.0.cache.inspect(known.name(), key).await.map_err(|error| cache_view::problem(&error))?;
        Ok(found.map(|info| cache_view::entry(region, key, info)))
    }

    /// Invalidates what carries a tag, or one key.
    ///
    /// # Errors
    /// `invalid`, `unknown_region`, or `not_durable` where it holds now but could not be written.
    pub async fn invalidate_cache(&self, what: Invalidation) -> Result<(), Problem> {
        let done = match what {
            Invalidation::Tag { tag } => self.0.cache.invalidate_tag(&tag).await,
            Invalidation::Key { region, key } => self.known_region(&region)?.remove(&key).await,
        };
        done.map_err(|error| cache_view::problem(&error))
    }

    /// Removes every entry of one region.
    ///
    /// # Errors
    /// `unknown_region`, or `not_durable` where it holds now but could not be written.
    pub async fn clear_cache_region(&self, region: &str) -> Result<(), Problem> {
        self.known_region(region)?.clear().await.map_err(|error| cache_view::problem(&error))
    }

    /// Loads what will be asked for: hot keys into memory, watched prices, the market table, missing charts.
    ///
    /// # Errors
    /// None at present; what could not be loaded is told in the answer.
    pub async fn warm_cache(&self) -> Result<Warming, Problem> {
        let warmed = self.0.session().market.warm_essential_cache().await;
        Ok(Warming {
            prices: warmed.prices.updated as u32,
            table_rows: warmed.table_rows as u32,
            charts: warmed.charts as u32,
            hot_keys: warmed.hot_keys as u32,
            problem: warmed.problem.as_ref().map(views::problem),
        })
    }

    /// A region that exists: a question must not make one.
    fn known_region(&self, name: &str) -> Result<cache::Region, Problem> {
        let regions = self.0.cache.regions();
        if !regions.iter().any(|known| known == name) {
            let shown: String = name.chars().take(64).collect();
            let known = regions.join(", ");
            return Err(Problem::new(
                "unknown_region",
                format!("There is no region {shown:?}; regions are {known}."),
            ));
        }
        self.0.cache.region(name).map_err(|error| cache_view::problem(&error))
    }

    /// The limits of every outside service.
    pub fn limits_view(&self) -> LimitsView {
        let services = self.services().iter().map(OutsideService::limits).collect();
        LimitsView { now_ms: self.0.clock.now().wall_ms, services, api: None }
    }

    /// Changes how many calls a service may see a minute, until the profile starts anew; no more than the
    /// configuration allows.
    ///
    /// # Errors
    /// `unknown_service`, or `invalid` with what is accepted.
    pub fn set_service_limit(&self, name: &str, limit: u32) -> Result<ServiceLimits, Problem> {
        self.service(name)?.set_limit(limit)
    }

    /// Refuses every call to a service until it is closed again by hand.
    ///
    /// # Errors
    /// `unknown_service`
    pub fn isolate_service(&self, name: &str) -> Result<ServiceLimits, Problem> {
        let service = self.service(name)?;
        service.pipeline.isolate();
        Ok(service.limits())
    }

    /// Lets calls to a service pass again, whatever its breaker thought of it.
    ///
    /// # Errors
    /// `unknown_service`
    pub fn close_service(&self, name: &str) -> Result<ServiceLimits, Problem> {
        let service = self.service(name)?;
        service.pipeline.close_breaker();
        Ok(service.limits())
    }

    /// Makes one call to a service, within its limits, to see whether it answers.
    ///
    /// # Errors
    /// `unknown_service`; that it does not answer is no error but told.
    pub async fn test_service(&self, name: &str) -> Result<ServiceTest, Problem> {
        self.service(name)?;
        let started = Instant::now();
        let problem = self.ask(name).await.err();
        let took_ms = started.elapsed().as_secs_f64() * 1000.0;
        Ok(ServiceTest { ok: problem.is_none(), took_ms, problem })
    }

    /// One real question to a service.
    async fn ask(&self, name: &str) -> Result<(), Problem> {
        let market = &self.0.session().market;
        match name {
            IMAGES => {
                let watched = market.watched_ids().into_iter().next();
                let token = watched.ok_or_else(|| {
                    Problem::new("nothing_to_ask", "No token is watched whose logo could be fetched.")
                })?;
                let profile =
                    market.profile_unhurried(&token).await.map_err(|error| views::problem(&error))?;
                let address = profile.image.ok_or_else(|| {
                    Problem::new(
                        "nothing_to_ask",
                        format!("{} names no logo of {token}.", market.source_name()),
                    )
                })?;
                let reach = work::reach(self.0.session().profile.active);
                let fetched = self.0.outside.images.fetch(&address, reach).await;
                fetched
                    .map(|_| ())
                    .map_err(|error| Problem::new("failed", views::sentence(&error.to_string())))
            }
            WEBHOOK => {
                let Some(webhook) = &self.0.outside.webhook else { return Ok(()) };
                let text =
                    serde_json::json!({ "title": "A test", "body": "Somebody tested the webhook in Eider." });
                let id = format!("eider-test-{}", self.0.clock.now().wall_ms);
                let posted = webhook.post(&id, &text).await;
                posted.map_err(|error| Problem::new(error.code(), views::sentence(&error.to_string())))
            }
            _ => market.ping().await.map_err(|error| views::problem(&error)),
        }
    }

    /// The market source first.
    fn services(&self) -> Vec<OutsideService> {
        std::iter::once(self.0.session().service()).chain(self.0.outside.services()).collect()
    }

    fn service(&self, name: &str) -> Result<OutsideService, Problem> {
        let mut services = self.services();
        let names: Vec<String> = services.iter().map(|service| service.pipeline.status().service).collect();
        if let Some(at) = names.iter().position(|known| known == name) {
            return Ok(services.swap_remove(at));
        }
        let (shown, known): (String, _) = (name.chars().take(64).collect(), names.join(", "));
        Err(Problem::new("unknown_service", format!("There is no service {shown:?}; services are {known}.")))
    }

    /// Where the source's attribution leads.
    pub fn attribution_url(&self) -> Option<String> {
        self.0.session().market.attribution().url.map(str::to_owned)
    }

    /// How the engine and what it needs do.
    pub fn health(&self) -> Health {
        let session = self.0.session();
        let market = session.market_status();
        let p50 = session.market.pipeline().status().p50;
        let mut services = vec![Service {
            name: "market".to_owned(),
            state: market.state,
            since_ms: Some(market.since_ms),
            last_success_ms: market.last_success_ms,
            p50_us: p50.map(|p50| p50.as_micros() as u64),
            problem: market.problem,
        }];
        let set_aside = &self.0.set_aside;
        services.extend(self.0.stores.named().map(|(name, store)| database(name, store, set_aside)));
        let worst = services.iter().map(|service| service.state).max_by_key(|state| severity(*state));
        Health {
            status: worst.unwrap_or(ServiceState::Up),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            profile: session.profile.active,
            now_ms: self.0.clock.now().wall_ms,
            started_at_ms: self.0.started_at_ms,
            services,
            sample: self.0.latest.load(),
        }
    }

    /// Whether the engine can serve.
    ///
    /// # Errors
    /// `stopped`, or `store_failed` where the durable database does not answer.
    pub async fn ready(&self) -> Result<(), Problem> {
        if self.0.stopping.is_cancelled() {
            return Err(Problem::new("stopped", "Eider is stopping."));
        }
        let answered = self.0.stores.durable.read("engine.ready", |db| {
            Ok(db.query_row("SELECT count(*) FROM remembered", [], |row| row.get::<_, i64>(0))?)
        });
        answered
            .await
            .map(|_| ())
            .map_err(|error| Problem::new("store_failed", format!("The database does not answer: {error}.")))
    }

    /// Every figure, for Prometheus.
    pub async fn readings(&self) -> Vec<Reading> {
        let mut readings = Readings::default();
        readings.cache(&self.0.cache.stats());
        for service in self.services() {
            readings.service(&service.pipeline.status());
        }
        if let Some(sample) = self.0.latest.load() {
            readings.sample(&sample);
        }
        match self.0.jobs.queues().await {
            Ok(queues) => readings.jobs(&queues),
            Err(error) => tracing::debug!(%error, "the queues could not be read"),
        }
        readings.stores(&self.0.stores);
        readings.into_vec()
    }
}

/// It works, so it is up; that it had to begin anew is told for as long as this engine runs.
fn database(name: &str, store: &store::Store, set_aside: &[String]) -> Service {
    let stats = store.stats();
    let file = format!("{}.damaged-", stores::file_name(name));
    let of_this = |kept: &&String| {
        let kept = Path::new(kept.as_str()).file_name();
        kept.is_some_and(|kept| kept.to_string_lossy().starts_with(&file))
    };
    let lost = set_aside.iter().find(of_this).map(|kept| {
        let sentence =
            format!("The file was damaged, so a new one was begun; the damaged one is kept as {kept}.");
        Problem::new("damaged_file_set_aside", sentence)
    });
    let slowest = stats.queries.iter().map(|query| query.took.p50).max();
    Service {
        name: name.to_owned(),
        state: ServiceState::Up,
        since_ms: None,
        last_success_ms: None,
        p50_us: slowest.map(|p50| p50.as_micros() as u64),
        problem: lost,
    }
}

fn severity(state: ServiceState) -> u8 {
    match state {
        ServiceState::Up => 0,
        ServiceState::Starting => 1,
        ServiceState::Degraded => 2,
        ServiceState::Down => 3,
    }
}

fn token_id(id: &str) -> Result<TokenId, Problem> {
    TokenId::new(id).map_err(|error| Problem::new("invalid", error.to_string()))
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
