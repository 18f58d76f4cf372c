//! One profile at work: its source, its market, and the task that keeps prices fresh.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cache::{Cache, Clock};
use content::Kept;
use jobs::{AddError, Jobs, JobsError, Unique};
use limits::{Journal, NoJournal, Pipeline, Priority};
use market::{CoinGecko, CoinGeckoConfig, Market, MarketConfig, MarketError, Simulator, Source, TokenId};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api::{self, Profile, ProfileStatus, ServiceState};
use crate::config::Config;
use crate::journal::StoreJournal;
use crate::limits_view::Configured;
use crate::outside::Service;
use crate::state::Board;
use crate::stores::Stores;
use crate::views;
use crate::work::{CacheWarm, PriceRefresh, ProcessContent};

/// The simulator costs nothing to ask, so the demo moves faster than a provider would allow.
const DEMO_INTERVAL: Duration = Duration::from_secs(5);
/// What an answer of the simulator takes, so that the demo's queues and latencies look like real ones.
const DEMO_LATENCY: Duration = Duration::from_millis(80);
/// Watched prices are what the program is for, and one call for all of them costs a strained machine nothing:
/// load puts off what is less urgent than this.
const ESSENTIAL: Priority = Priority::High;
/// A logo that was made longer ago is fetched anew.
const CONTENT_FRESH_MS: i64 = 30 * 86_400_000;
/// Prices and charts come first after a start.
const CONTENT_LATER: Duration = Duration::from_secs(45);
/// How often the essential cache is warmed while somebody looks.
const WARM_EVERY_MS: i64 = 10 * 60_000;
/// Whether what is due was taken is looked at so often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The longest sleep of the refresh task: the monotonic clock that it sleeps on stops while a laptop does, so
/// it looks at the wall clock this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(15);

/// What a session is made from.
pub(crate) struct Parts<'a> {
    pub(crate) config: &'a Config,
    pub(crate) stores: &'a Stores,
    pub(crate) cache: &'a Cache,
    pub(crate) clock: &'a Clock,
    pub(crate) board: &'a Arc<Board>,
    /// Set while the load is too high for work that can wait.
    pub(crate) strained: &'a Arc<AtomicBool>,
}

/// A profile at work.
pub(crate) struct Session {
    pub(crate) profile: ProfileStatus,
    pub(crate) market: Market,
    clock: Clock,
    board: Arc<Board>,
    configured: Configured,
    pace: Pace,
    next_refresh_ms: AtomicI64,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
    /// The state of the source and since when; short state.
    seen: Mutex<(ServiceState, i64)>,
}

struct Pace {
    viewed: Duration,
    hidden: Duration,
}

impl Session {
    /// Opens the market; nothing is asked of its source until [`begin`](Self::begin).
    pub(crate) async fn open(profile: ProfileStatus, parts: &Parts<'_>) -> Result<Arc<Self>, MarketError> {
        let config = parts.config;
        let source = source(&profile, config, parts.clock)?;
        let (pipeline, configured) = pipeline(source.name(), &profile, parts).await?;
        let viewed = match profile.active {
            Profile::Demo => DEMO_INTERVAL.min(config.market.refresh_interval),
            Profile::Live | Profile::Local => config.market.refresh_interval,
        };
        let market_config = MarketConfig {
            currency: market::Currency::new(&config.currency)?,
            price: config.cache.price,
            summary: config.cache.market_summary,
            token: config.cache.token_metadata,
            ..MarketConfig::default()
        };
        let durable = parts.stores.durable.clone();
        let market =
            Market::open(source, pipeline, parts.cache, durable, market_config, parts.clock.clone()).await?;
        let now_ms = parts.clock.now().wall_ms;
        Ok(Arc::new(Self {
            profile,
            market,
            clock: parts.clock.clone(),
            board: Arc::clone(parts.board),
            configured,
            pace: Pace { viewed, hidden: config.market.hidden_refresh_interval.max(viewed) },
            next_refresh_ms: AtomicI64::new(now_ms + viewed.as_millis() as i64),
            stop: CancellationToken::new(),
            task: Mutex::new(None),
            seen: Mutex::new((ServiceState::Starting, now_ms)),
        }))
    }

    /// Starts the task that keeps prices fresh; [`stop`](Self::stop) ends it.
    pub(crate) fn begin(self: &Arc<Self>, jobs: &Jobs, content: &Kept) {
        let (session, jobs, content) = (Arc::clone(self), jobs.clone(), content.clone());
        let task = tokio::spawn(async move { session.keep_fresh(&jobs, &content).await });
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// Ends the task and the calls under way; twice is fine.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.market.pipeline().stop().await;
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // A panic in it has been reported by the runtime.
            let _ = task.await;
        }
    }

    /// Refreshes now, ahead of the interval, and ends the pause of tokens whose update failed.
    pub(crate) fn refresh(&self) {
        self.market.schedule_watchlist(Priority::Critical);
    }

    async fn keep_fresh(&self, jobs: &Jobs, content: &Kept) {
        let all = async {
            tokio::join!(
                self.refresh_on_time(jobs),
                self.warm_on_time(jobs),
                self.want_content(jobs, content)
            )
        };
        tokio::select! {
            () = self.stop.cancelled() => {}
            _ = all => {}
        }
    }

    /// Wants the logos of watched tokens that have none or an old one, once what matters more had its turn.
    async fn want_content(&self, jobs: &Jobs, content: &Kept) {
        let wish = |id: &TokenId| ProcessContent::job(id).delay(CONTENT_LATER).unique(Unique::default());
        for id in self.market.watched_ids() {
            let made_at_ms =
                content.made_at_ms(self.market.source_key(), id.as_str()).await.unwrap_or_default();
            if made_at_ms.is_none_or(|made| self.now_ms() - made > CONTENT_FRESH_MS)
                && let Err(error) = jobs.add(wish(&id)).await
            {
                tracing::debug!(%error, %id, "its logo is not fetched this time");
            }
        }
    }

    /// Puts wishes into the update queue on time, and has a job drain it whenever something in it is due.
    async fn refresh_on_time(&self, jobs: &Jobs) {
        // The first refresh is due at the start.
        self.market.schedule_watchlist(ESSENTIAL);
        loop {
            self.refresh_if_due();
            tokio::select! {
                () = self.market.work_arrived() => self.drain(jobs).await,
                () = self.board.looked_at.notified() => {}
                () = tokio::time::sleep(self.until_next()) => {
                    if self.has_due() {
                        self.drain(jobs).await;
                    }
                }
            }
        }
    }

    async fn drain(&self, jobs: &Jobs) {
        match jobs.add(PriceRefresh::of_what_waits()).await {
            // It may be put off until what failed before is tried again; what is due now does not wait for that.
            Ok(added) if added.existing && self.has_due() => match jobs.retry(added.id).await {
                Ok(()) | Err(JobsError::NotAllowed { .. } | JobsError::NotFound { .. }) => {}
                Err(error) => tracing::debug!(%error, "a refresh that was put off stays so"),
            },
            Ok(_) => {}
            Err(AddError::Store(error)) => {
                tracing::warn!(%error, "jobs cannot be kept at present; prices are refreshed without one");
                self.market.process_queue().await;
            }
            Err(error) => tracing::warn!(%error, "prices are not refreshed"),
        }
    }

    fn has_due(&self) -> bool {
        self.market.next_due_ms().is_some_and(|due_ms| due_ms <= self.now_ms())
    }

    /// Warms at the start, and then while somebody looks.
    async fn warm_on_time(&self, jobs: &Jobs) {
        let mut warmed_ms = None;
        loop {
            if (warmed_ms.is_none() || self.board.is_viewed())
                && self.is_due(&mut warmed_ms, WARM_EVERY_MS)
                && let Err(error) = jobs.add(CacheWarm::job()).await
            {
                tracing::warn!(%error, "the cache is not warmed this time");
            }
            tokio::time::sleep(LONGEST_SLEEP).await;
        }
    }

    fn refresh_if_due(&self) {
        let now_ms = self.now_ms();
        let interval_ms = self.interval().as_millis() as i64;
        let due_ms = self.next_refresh_ms.load(Ordering::Relaxed);
        // A window that has just been shown wants its own pace at once, and a clock that was set back must not
        // put the next refresh off for hours.
        let due_ms = due_ms.min(now_ms + interval_ms);
        if now_ms >= due_ms {
            self.market.schedule_watchlist(ESSENTIAL);
            self.next_refresh_ms.store(now_ms + interval_ms, Ordering::Relaxed);
        } else {
            self.next_refresh_ms.store(due_ms, Ordering::Relaxed);
        }
    }

    fn interval(&self) -> Duration {
        if self.board.is_viewed() { self.pace.viewed } else { self.pace.hidden }
    }

    fn until_next(&self) -> Duration {
        let due_ms = self.next_refresh_ms.load(Ordering::Relaxed);
        let due_ms = self.market.next_due_ms().map_or(due_ms, |queued| queued.min(due_ms));
        match due_ms - self.now_ms() {
            // What is due already waits for the job that drains it; it must not make this a busy loop.
            ..=0 => LOOK_AGAIN,
            wait_ms => Duration::from_millis(wait_ms as u64).min(LONGEST_SLEEP),
        }
    }

    fn is_due(&self, last_ms: &mut Option<i64>, every_ms: i64) -> bool {
        let now_ms = self.now_ms();
        let due = last_ms.is_none_or(|last| now_ms - last >= every_ms || now_ms < last);
        if due {
            *last_ms = Some(now_ms);
        }
        due
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().wall_ms
    }

    /// The market source as a service: what of its limits is used, and how it answers.
    pub(crate) fn service(&self) -> Service {
        Service { pipeline: self.market.pipeline().clone(), configured: self.configured }
    }

    /// How the source does, for the status and the health.
    pub(crate) fn market_status(&self) -> api::Market {
        let status = self.market.pipeline().status();
        let error = self.market.problem();
        let state = views::source_state(error.as_ref(), &status);
        let since_ms = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.0 != state {
                *seen = (state, self.now_ms());
            }
            seen.1
        };
        let attribution = self.market.attribution();
        api::Market {
            source: self.market.source_name().to_owned(),
            state,
            since_ms,
            last_success_ms: status.last_success_ms,
            next_refresh_ms: Some(self.next_refresh_ms.load(Ordering::Relaxed)),
            problem: error.as_ref().map(views::problem),
            used: status.used,
            limit: status.limit,
            window_ms: 60_000,
            month_left: status.month_left,
            attribution: attribution.text.to_owned(),
            attribution_url: attribution.url.map(str::to_owned),
        }
    }
}

fn source(profile: &ProfileStatus, config: &Config, clock: &Clock) -> Result<Arc<dyn Source>, MarketError> {
    if profile.active == Profile::Demo {
        let simulator = Simulator::new(profile.demo_seed.unwrap_or_default(), clock.clone());
        return Ok(Arc::new(simulator.with_latency(DEMO_LATENCY)));
    }
    let market = &config.market;
    let coingecko = CoinGeckoConfig {
        base_url: market.address().to_owned(),
        timeout: market.timeout,
        ..CoinGeckoConfig::new(market.plan(), market.api_key.clone())
    };
    Ok(Arc::new(CoinGecko::new(coingecko, clock.clone())?))
}

/// The client's own timeout comes first, since it can say whose answer did not come.
const CLIENT_FIRST: Duration = Duration::from_secs(1);

async fn pipeline(
    name: &str,
    profile: &ProfileStatus,
    parts: &Parts<'_>,
) -> Result<(Pipeline, Configured), MarketError> {
    let market = &parts.config.market;
    let demo = profile.active == Profile::Demo;
    let config = limits::Config {
        limit: if demo { 600 } else { market.rate_limit() },
        month_budget: if demo { None } else { market.budget() },
        attempt_timeout: market.timeout + CLIENT_FIRST,
        attempts: market.attempts,
        ..limits::Config::new(name)
    };
    let configured =
        Configured { limit_max: config.limit, window: config.window, month_budget: config.month_budget };
    let journal: Arc<dyn Journal> = match demo {
        true => Arc::new(NoJournal),
        // The provider counts by address and key, whichever profile asks: one journal for one address.
        false => {
            Arc::new(StoreJournal::new(parts.stores.durable.clone(), format!("{name} {}", market.address())))
        }
    };
    let strained = Arc::clone(parts.strained);
    let gate = move |priority| priority <= Priority::High || !strained.load(Ordering::Relaxed);
    let pipeline = Pipeline::open(config, journal, gate).await.map_err(|error| {
        // Every value of the configuration was checked against tighter bounds.
        MarketError::Cache { reason: error.to_string() }
    })?;
    Ok((pipeline, configured))
}
