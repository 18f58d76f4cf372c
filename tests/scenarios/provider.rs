//! A server on loopback that speaks like CoinGecko, keeps a log of its own, and fails on command.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// One request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) at: Instant,
    pub(crate) path: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) headers: HeaderMap,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The ids of a question for prices.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.query.get("ids").map(|ids| ids.split(',').collect()).unwrap_or_default()
    }
}

/// What to answer instead of data.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// This status, these headers, this body.
    Reply(u16, Vec<(&'static str, String)>, String),
    /// Nothing, ever.
    Hang,
    /// A body that ends before its announced length.
    CutShort,
    /// 304, whatever was asked.
    NotModified,
}

#[derive(Default)]
struct Script {
    /// A fault for every request of such a path.
    always: HashMap<&'static str, Fault>,
    prices: HashMap<String, Value>,
    /// Where each token's logo is.
    logo: Option<String>,
    /// Sent with every reply that is data.
    headers: Vec<(&'static str, String)>,
}

/// The running server; it ends when dropped.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    script: Mutex<Script>,
    log: Mutex<Vec<Call>>,
    count: watch::Sender<usize>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::default(),
            log: Mutex::default(),
            count: watch::Sender::new(0),
        });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, shared, task }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/api/v3", self.address)
    }

    /// Every request whose path starts so meets this fault, until [`heal`](Self::heal).
    pub(crate) fn always(&self, path: &'static str, fault: Fault) {
        self.shared.script.lock().unwrap().always.insert(path, fault);
    }

    pub(crate) fn heal(&self) {
        self.shared.script.lock().unwrap().always.clear();
    }

    /// What `/simple/price` says about a token, instead of an invented price.
    pub(crate) fn price(&self, id: &str, entry: Value) {
        self.shared.script.lock().unwrap().prices.insert(id.to_owned(), entry);
    }

    /// The address of every token's logo from now on.
    pub(crate) fn logo(&self, address: &str) {
        self.shared.script.lock().unwrap().logo = Some(address.to_owned());
    }

    pub(crate) fn header(&self, name: &'static str, value: &str) {
        self.shared.script.lock().unwrap().headers.push((name, value.to_owned()));
    }

    /// The requests so far whose path, after the base, starts so.
    pub(crate) fn calls(&self, path: &str) -> Vec<Call> {
        self.shared.log.lock().unwrap().iter().filter(|call| call.path.starts_with(path)).cloned().collect()
    }

    /// Waits until `enough` holds for the log of this path.
    pub(crate) async fn until(&self, path: &str, enough: impl Fn(&[Call]) -> bool) -> Vec<Call> {
        let mut count = self.shared.count.subscribe();
        loop {
            let calls = self.calls(path);
            if enough(&calls) {
                return calls;
            }
            tokio::time::timeout(Duration::from_secs(30), count.changed())
                .await
                .unwrap_or_else(|_| panic!("the server waited 30 s for calls of {path}; it has {calls:#?}"))
                .unwrap();
        }
    }

    /// Waits, without a bound of its own, until the log holds more than `known` requests.
    pub(crate) async fn more_than(&self, known: usize) {
        // The sender lives as long as this server.
        let _ = self.shared.count.subscribe().wait_for(|count| *count > known).await;
    }

    /// The most requests that any half-open window of this length held.
    pub(crate) fn busiest(&self, window: Duration) -> usize {
        let at: Vec<Instant> = self.shared.log.lock().unwrap().iter().map(|call| call.at).collect();
        let within = |start: &Instant| at.iter().filter(|at| *at >= start && **at < *start + window).count();
        at.iter().map(within).max().unwrap_or(0)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let at = Instant::now();
    let path = request.uri().path().strip_prefix("/api/v3").unwrap_or("(no base)").to_owned();
    let query = query_of(request.uri());
    let call = Call { at, path: path.clone(), query: query.clone(), headers: request.headers().clone() };
    shared.log.lock().unwrap().push(call);
    shared.count.send_modify(|count| *count += 1);
    let (fault, prices, logo, headers) = {
        let script = shared.script.lock().unwrap();
        let fault =
            script.always.iter().find(|(start, _)| path.starts_with(**start)).map(|(_, fault)| fault.clone());
        (fault, script.prices.clone(), script.logo.clone(), script.headers.clone())
    };
    match fault {
        None => {
            let mut response = axum::Json(data(&path, &query, &prices, logo.as_deref())).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Some(Fault::Reply(status, headers, body)) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::CutShort) => {
            let bytes = axum::body::Bytes::from_static(b"{\"bitcoin\":{\"usd\":6");
            let half = futures::stream::iter([Ok(bytes), Err(std::io::Error::other("cut"))]);
            Response::builder()
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::CONTENT_LENGTH, "500")
                .body(Body::from_stream(half))
                .unwrap()
        }
        Some(Fault::NotModified) => StatusCode::NOT_MODIFIED.into_response(),
    }
}

fn query_of(uri: &Uri) -> HashMap<String, String> {
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.replace("%2C", ",").replace("%2c", ","))).collect()
}

fn data(
    path: &str,
    query: &HashMap<String, String>,
    prices: &HashMap<String, Value>,
    logo: Option<&str>,
) -> Value {
    let currency = query.get("vs_currency").or(query.get("vs_currencies")).map_or("usd", String::as_str);
    let ids: Vec<&str> = query.get("ids").map(|ids| ids.split(',').collect()).unwrap_or_default();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts[..] {
        ["ping"] => json!({ "gecko_says": "(V3) To the Moon!" }),
        ["simple", "price"] => ids
            .iter()
            .filter(|id| !id.starts_with("unknown"))
            .map(|id| {
                ((*id).to_owned(), prices.get(*id).cloned().unwrap_or_else(|| price_entry(id, currency)))
            })
            .collect(),
        ["coins", "markets"] => {
            let ids = if ids.is_empty() { vec!["bitcoin", "ethereum", "the-open-network"] } else { ids };
            ids.iter().map(|id| market_row(id)).collect()
        }
        ["coins", id, "market_chart"] => {
            chart(id, query.get("days").and_then(|days| days.parse().ok()).unwrap_or(1))
        }
        ["coins", id] => coin(id, logo),
        ["search"] => json!({ "coins": [
            { "id": "the-open-network", "name": "Toncoin", "symbol": "TON", "market_cap_rank": 20 },
            { "id": "obscure", "name": "Obscure", "symbol": "OBS", "market_cap_rank": null },
        ] }),
        _ => Value::Null,
    }
}

/// A price that differs from token to token, and is the same each time.
pub(crate) fn invented_price(id: &str) -> f64 {
    id.bytes().map(f64::from).sum::<f64>() / 100.0
}

fn price_entry(id: &str, currency: &str) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    json!({
        currency: invented_price(id),
        format!("{currency}_24h_change"): 1.5,
        format!("{currency}_24h_vol"): 1e6,
        format!("{currency}_market_cap"): 1e9,
        "last_updated_at": now - 12,
    })
}

fn market_row(id: &str) -> Value {
    json!({
        "id": id, "symbol": id.split('-').next(), "name": id, "image": null,
        "current_price": invented_price(id), "market_cap": 1e9, "market_cap_rank": 7, "total_volume": 1e6,
        "high_24h": null, "low_24h": null, "price_change_percentage_24h": 1.5,
        "price_change_percentage_1h_in_currency": null, "price_change_percentage_7d_in_currency": -3.25,
        "last_updated": "2026-11-22T10:00:00.000Z", "sparkline_in_7d": { "price": [1.0, 2.0, null, 3.0] },
    })
}

fn chart(id: &str, days: i64) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let step = if days <= 1 {
        300_000
    } else if days <= 90 {
        3_600_000
    } else {
        86_400_000
    };
    let points = days * 86_400_000 / step;
    let line = |scale: f64| -> Value {
        (0..points).map(|n| json!([now - (points - n) * step, scale * (1.0 + n as f64 / 1e4)])).collect()
    };
    json!({ "prices": line(invented_price(id)), "market_caps": line(1e9), "total_volumes": line(1e6) })
}

fn coin(id: &str, logo: Option<&str>) -> Value {
    json!({
        "id": id, "symbol": "ton", "name": "Toncoin", "market_cap_rank": null,
        "description": { "en": "A <b>coin</b> with a <a href=\"https://example.org\">link</a>." },
        "image": { "thumb": logo, "small": logo, "large": logo },
        "links": { "homepage": ["https://ton.org", "", ""] },
        "market_data": { "current_price": { "usd": invented_price(id) }, "market_cap": { "usd": null } },
    })
}
