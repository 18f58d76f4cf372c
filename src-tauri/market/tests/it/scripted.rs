//! A source that does what a test says, and counts.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use eider_market::{
    Attribution, ChartSpan, Currency, MarketEntry, Point, Price, Prices, Reply, Rows, Simulator, Source,
    SourceError, TokenDetails, TokenId, TokenRef,
};
use limits::Attempt;
use tokio::sync::{Notify, Semaphore};

use crate::rig::TestTime;

/// The simulator behind switches.
pub(crate) struct Scripted {
    simulator: Simulator,
    time: TestTime,
    name: String,
    state: Mutex<State>,
    /// Told when a call for prices has come in.
    pub(crate) entered: Notify,
    /// A call for prices takes one permit before it answers.
    pub(crate) gate: Semaphore,
}

#[derive(Default)]
struct State {
    down: bool,
    unknown: HashSet<TokenId>,
    calls: Vec<String>,
}

impl Scripted {
    pub(crate) fn new(time: &TestTime) -> Arc<Self> {
        Self::named("Scripted", time)
    }

    pub(crate) fn named(name: &str, time: &TestTime) -> Arc<Self> {
        Arc::new(Self {
            simulator: Simulator::new(42, time.clock()),
            time: time.clone(),
            name: name.to_owned(),
            state: Mutex::default(),
            entered: Notify::new(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        })
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.state.lock().unwrap().down = down;
    }

    pub(crate) fn forget(&self, id: &TokenId) {
        self.state.lock().unwrap().unknown.insert(id.clone());
    }

    /// The calls so far, each as a short text, and forgets them.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    fn called(&self, call: String) -> Result<(), SourceError> {
        let mut state = self.state.lock().unwrap();
        state.calls.push(call);
        if state.down {
            return Err(SourceError::Unreachable { host: "test".into(), reason: "switched off".into() });
        }
        Ok(())
    }

    fn knows(&self, id: &TokenId) -> bool {
        !self.state.lock().unwrap().unknown.contains(id)
    }
}

#[async_trait]
impl Source for Scripted {
    fn name(&self) -> &'static str {
        "Scripted"
    }

    fn key(&self) -> String {
        self.name.clone()
    }

    fn attribution(&self) -> Attribution {
        Attribution { text: "made up", url: None }
    }

    /// Every id has a price, but for those told to be forgotten.
    async fn prices(&self, ids: &[TokenId], _currency: &Currency) -> Attempt<Prices, SourceError> {
        let outcome = self.called(format!("prices {}", ids.len()));
        self.entered.notify_one();
        self.gate.acquire().await.expect("the gate is never closed").forget();
        if let Err(error) = outcome {
            return Attempt::Retry(error);
        }
        let now_ms = self.time.now_ms();
        let price = |id: &TokenId| Price {
            id: id.clone(),
            price: 1.0 + (now_ms % 1_000_000) as f64,
            change_24h_pct: Some(2.0),
            volume_24h: None,
            market_cap: None,
            as_of_ms: Some(now_ms - 1_000),
        };
        let prices = ids.iter().filter(|id| self.knows(id)).map(price).collect();
        Attempt::Done(Prices { prices, fetched_at_ms: now_ms })
    }

    async fn markets(&self, rows: Rows<'_>, currency: &Currency) -> Attempt<Vec<MarketEntry>, SourceError> {
        let call = match rows {
            Rows::Top(count) => format!("top {count}"),
            Rows::Ids(ids) => format!("rows {}", ids.len()),
        };
        match self.called(call) {
            Ok(()) => self.simulator.markets(rows, currency).await,
            Err(error) => Attempt::Retry(error),
        }
    }

    async fn chart(
        &self,
        id: &TokenId,
        currency: &Currency,
        span: ChartSpan,
    ) -> Attempt<Vec<Point>, SourceError> {
        match self.called(format!("chart {id} {}", span.days())) {
            Ok(()) => self.simulator.chart(id, currency, span).await,
            Err(error) => Attempt::Retry(error),
        }
    }

    async fn token(
        &self,
        id: &TokenId,
        currency: &Currency,
        validator: Option<&str>,
    ) -> Attempt<Reply<TokenDetails>, SourceError> {
        match self.called(format!("token {id}")) {
            Ok(()) => self.simulator.token(id, currency, validator).await,
            Err(error) => Attempt::Retry(error),
        }
    }

    async fn search(&self, query: &str) -> Attempt<Vec<TokenRef>, SourceError> {
        match self.called(format!("search {query}")) {
            Ok(()) => self.simulator.search(query).await,
            Err(error) => Attempt::Retry(error),
        }
    }

    async fn ping(&self) -> Attempt<(), SourceError> {
        match self.called("ping".into()) {
            Ok(()) => Attempt::Done(()),
            Err(error) => Attempt::Retry(error),
        }
    }
}
