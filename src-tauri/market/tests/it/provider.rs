//! A server on a loopback socket that plays the provider and keeps a log of what it was asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Response};
use eider_market::{Clock, CoinGecko, CoinGeckoConfig, Plan, Secret};
use tokio::task::JoinHandle;

/// One request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) headers: HeaderMap,
}

impl Seen {
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.query.get("ids").map_or(Vec::new(), |ids| ids.split(',').collect())
    }
}

pub(crate) struct Provider {
    address: SocketAddr,
    log: Arc<Mutex<Vec<Seen>>>,
    server: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Provider {
    /// Answers every request with what `answer` makes of it; no answer means that none ever comes.
    pub(crate) async fn start(
        answer: impl Fn(&Seen) -> Option<Response<Body>> + Clone + Send + Sync + 'static,
    ) -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        let seen_by = Arc::clone(&log);
        let handler = move |request: Request| {
            let query = request.uri().query().unwrap_or("");
            let url = reqwest::Url::parse(&format!("http://h/?{query}")).unwrap();
            let seen = Seen {
                path: request.uri().path().to_owned(),
                query: url.query_pairs().into_owned().collect(),
                headers: request.headers().clone(),
            };
            let reply = answer(&seen);
            seen_by.lock().unwrap().push(seen);
            async move {
                match reply {
                    Some(reply) => reply,
                    None => std::future::pending().await,
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            axum::serve(listener, Router::new().fallback(handler)).await.unwrap();
        });
        Self { address, log, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/api/v3", self.address)
    }

    pub(crate) fn log(&self) -> Vec<Seen> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.log().len()
    }

    /// How many requests had a path that ends so.
    pub(crate) fn calls_to(&self, path: &str) -> usize {
        self.log().iter().filter(|seen| seen.path.ends_with(path)).count()
    }

    pub(crate) fn client(&self, plan: Plan, clock: Clock) -> CoinGecko {
        CoinGecko::new(self.config(plan), clock).unwrap()
    }

    pub(crate) fn config(&self, plan: Plan) -> CoinGeckoConfig {
        let key = (plan != Plan::Keyless).then(|| Secret::new("CG-secret-key"));
        CoinGeckoConfig {
            base_url: self.url(),
            timeout: Duration::from_millis(2_000),
            ..CoinGeckoConfig::new(plan, key)
        }
    }
}

pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

pub(crate) fn json(body: &serde_json::Value) -> Response<Body> {
    reply(200, &[("content-type", "application/json")], body.to_string())
}
