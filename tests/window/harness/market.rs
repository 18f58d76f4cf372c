use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// The tokens of the pretended market: id, ticker, name and price in dollars.
const TOKENS: [(&str, &str, &str, f64); 8] = [
    ("bitcoin", "btc", "Bitcoin", 98_204.0),
    ("ethereum", "eth", "Ethereum", 3_871.2),
    ("tether", "usdt", "Tether", 1.0),
    ("the-open-network", "ton", "Toncoin", 5.412),
    ("duckchain-token", "duck", "DuckChain Token", 0.002131),
    ("solana", "sol", "Solana", 231.4),
    ("dogecoin", "doge", "Dogecoin", 0.4012),
    ("cardano", "ada", "Cardano", 1.09),
];

type Query1 = Query<BTreeMap<String, String>>;
type Prices = Arc<Mutex<BTreeMap<&'static str, f64>>>;

/// A server on loopback that answers as CoinGecko does.
pub struct Market {
    address: SocketAddr,
    prices: Prices,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Market {
    /// Listens on a free port.
    ///
    /// # Errors
    /// Fails where there is none.
    pub async fn start() -> anyhow::Result<Self> {
        let prices = TOKENS.iter().map(|(id, _, _, price)| (*id, *price)).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut market =
            Self { address: listener.local_addr()?, prices: Arc::new(Mutex::new(prices)), running: None };
        market.serve(listener);
        Ok(market)
    }

    /// What the configuration's `base_url` names.
    pub fn base_url(&self) -> String {
        format!("http://{}/api/v3", self.address)
    }

    /// Changes the price of one token.
    pub fn set_price(&self, id: &'static str, price: f64) {
        lock(&self.prices).insert(id, price);
    }

    /// Closes the port and every connection.
    pub async fn die(&mut self) {
        if let Some((stop, task)) = self.running.take() {
            // Its task is gone where this fails, and so is the port.
            let _ = stop.send(());
            let _ = task.await;
        }
    }

    /// Listens again, on the same port.
    ///
    /// # Errors
    /// Fails where another program has taken the port.
    pub async fn come_back(&mut self) -> anyhow::Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        self.serve(listener);
        Ok(())
    }

    fn serve(&mut self, listener: TcpListener) {
        let routes = Router::new()
            .route("/ping", get(async || Json(json!({ "gecko_says": "(V3) To the Moon!" }))))
            .route("/simple/price", get(simple_price))
            .route("/coins/markets", get(markets))
            .route("/coins/{id}", get(coin))
            .route("/coins/{id}/market_chart", get(market_chart))
            .route("/search", get(search))
            .with_state(Arc::clone(&self.prices));
        let app = Router::new().nest("/api/v3", routes);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            // A test that needs the server fails by itself where this ends early.
            let _ = axum::serve(listener, app).with_graceful_shutdown(stopped).await;
        });
        self.running = Some((stop, task));
    }
}

fn lock(prices: &Prices) -> MutexGuard<'_, BTreeMap<&'static str, f64>> {
    prices.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

async fn simple_price(State(prices): State<Prices>, Query(query): Query1) -> Json<Value> {
    let asked: Vec<&str> = query.get("ids").map(|ids| ids.split(',').collect()).unwrap_or_default();
    let currency = query.get("vs_currencies").map_or("usd", String::as_str);
    let prices = lock(&prices);
    let reply = prices.iter().filter(|(id, _)| asked.contains(*id)).map(|(id, price)| {
        let entry = json!({
            currency: price,
            format!("{currency}_market_cap"): price * 1e9,
            format!("{currency}_24h_vol"): price * 1e7,
            format!("{currency}_24h_change"): 3.2,
            "last_updated_at": now_ms() / 1000,
        });
        ((*id).to_owned(), entry)
    });
    Json(Value::Object(reply.collect()))
}

async fn markets(State(prices): State<Prices>, Query(query): Query1) -> Json<Value> {
    let asked: Option<Vec<&str>> = query.get("ids").map(|ids| ids.split(',').collect());
    let prices = lock(&prices);
    let rows = TOKENS
        .iter()
        .enumerate()
        .filter(|(_, token)| asked.as_ref().is_none_or(|ids| ids.contains(&token.0)));
    let rows = rows.map(|(rank, (id, symbol, name, _))| {
        let price = prices[id];
        json!({
            "id": id, "symbol": symbol, "name": name,
            "current_price": price, "market_cap": 1e12 / (rank + 1) as f64, "market_cap_rank": rank + 1,
            "total_volume": price * 1e7, "high_24h": price * 1.05, "low_24h": price * 0.95,
            "price_change_percentage_1h_in_currency": 0.1 * rank as f64,
            "price_change_percentage_24h_in_currency": 3.2 - rank as f64,
            "price_change_percentage_7d_in_currency": rank as f64 - 2.5,
            "price_change_percentage_30d_in_currency": null,
            "sparkline_in_7d": { "price": (0..168).map(|hour| wave(price, f64::from(167 - hour) / 24.0)).collect::<Vec<_>>() },
        })
    });
    Json(rows.collect())
}

async fn coin(State(prices): State<Prices>, Path(id): Path<String>) -> Response {
    let Some((rank, (id, symbol, name, _))) = TOKENS.iter().enumerate().find(|(_, token)| token.0 == id)
    else {
        return (StatusCode::NOT_FOUND, Json(json!({ "error": "coin not found" }))).into_response();
    };
    let price = lock(&prices)[id];
    Json(json!({
        "id": id, "symbol": symbol, "name": name, "market_cap_rank": rank + 1,
        "description": { "en": format!("{name} as the pretended market describes it.") },
        "links": { "homepage": ["https://example.org"] },
        "market_data": {
            "current_price": { "usd": price, "eur": price * 0.9 },
            "market_cap": { "usd": price * 1e9, "eur": price * 0.9e9 },
            "total_volume": { "usd": price * 1e7, "eur": price * 0.9e7 },
            "high_24h": { "usd": price * 1.05 }, "low_24h": { "usd": price * 0.95 },
            "price_change_percentage_24h": 3.2, "circulating_supply": 1e9,
        },
    }))
    .into_response()
}

async fn market_chart(
    State(prices): State<Prices>,
    Path(id): Path<String>,
    Query(query): Query1,
) -> Response {
    let Some(price) = lock(&prices).get(id.as_str()).copied() else {
        return (StatusCode::NOT_FOUND, Json(json!({ "error": "coin not found" }))).into_response();
    };
    let days: u64 = query.get("days").and_then(|days| days.parse().ok()).unwrap_or(1);
    let step_ms: u64 = if days <= 1 { 300_000 } else { 3_600_000 };
    let steps = days * 86_400_000 / step_ms;
    let now = now_ms();
    let start = now - steps * step_ms;
    let column = |value: &dyn Fn(f64) -> f64| -> Vec<Value> {
        (0..=steps)
            .map(|step| json!([start + step * step_ms, value(step as f64 / steps as f64 * 7.0)]))
            .collect()
    };
    Json(json!({
        "prices": column(&|days_ago| wave(price, days_ago)),
        "market_caps": column(&|days_ago| wave(price, days_ago) * 1e9),
        "total_volumes": column(&|_| price * 1e7),
    }))
    .into_response()
}

async fn search(Query(query): Query1) -> Json<Value> {
    let wanted = query.get("query").map(|text| text.to_lowercase()).unwrap_or_default();
    let found = TOKENS.iter().enumerate().filter(|(_, (_, symbol, name, _))| {
        symbol.contains(&wanted) || name.to_lowercase().contains(&wanted)
    });
    let coins = found.map(|(rank, (id, symbol, name, _))| {
        json!({ "id": id, "symbol": symbol, "name": name, "market_cap_rank": rank + 1 })
    });
    Json(json!({ "coins": coins.collect::<Vec<_>>() }))
}

/// A price that rises and falls by a tenth, once a day, and is now what it is.
fn wave(price: f64, days_ago: f64) -> f64 {
    price * (1.0 + 0.1 * (days_ago * std::f64::consts::TAU).sin())
}
