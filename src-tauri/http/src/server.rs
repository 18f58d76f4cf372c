//! The server: where it listens, what every request passes, and how it stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse as _;
use engine::Engine;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::access::{check_host, check_token};
use crate::connections::{self, Bounds};
use crate::finish::finish;
use crate::limit::{Limiter, limit};
use crate::openapi::Document;
use crate::problem::ProblemReply;
use crate::routes;
use crate::token::ApiToken;

/// The largest request body.
const BODY_BYTES: usize = 128 << 10;
/// The longest that an answer may take; the engine itself waits for the market source 15 s.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// Why the server did not start; each text is one sentence with the next step.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or not this machine's.
    #[error(
        "cannot listen on {address}: {source}; choose another address (--listen, or listen in [http] of the configuration)"
    )]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Other machines could reach the address, and the configuration does not say that they may.
    #[error(
        "{0} can be reached by other machines; use a loopback address, or set allow_remote = true in [http] of the configuration"
    )]
    NotLoopback(SocketAddr),
    /// The token can be neither read nor made.
    #[error("the file api-token cannot be used: {0}")]
    Token(#[from] std::io::Error),
    /// The description of the API cannot be written.
    #[error("a defect in Eider: /openapi.json cannot be made: {0}")]
    Document(serde_json::Error),
}

/// What every handler can reach; cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) address: SocketAddr,
    pub(crate) token: ApiToken,
    pub(crate) limiter: Limiter,
    pub(crate) document: Document,
}

impl std::ops::Deref for Shared {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// A running HTTP API.
pub struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Listens on `listen`; port 0 picks a free one.
    ///
    /// # Errors
    /// [`ServeError`]
    pub async fn start(engine: Engine, listen: SocketAddr) -> Result<Self, ServeError> {
        let config = engine.http_config();
        if !listen.ip().is_loopback() && !config.allow_remote {
            return Err(ServeError::NotLoopback(listen));
        }
        let token = ApiToken::load_or_create(&engine.data_dir())?;
        let refused = |source| ServeError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let limiter = Limiter::new(config.per_client, config.in_all);
        let (open, v1, document) = routes()?;
        let app = app(open, v1, Shared(Arc::new(Inner { engine, address, token, limiter, document })));
        let stop = CancellationToken::new();
        let task = tokio::spawn(connections::serve(listener, app, Bounds::default(), stop.clone()));
        Ok(Self { address, stop, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new request, lets those under way end within 2 s, and returns when the port is free.
    pub async fn stop(self) {
        self.stop.cancel();
        // A panic of the serving task has been reported by the runtime.
        let _ = self.task.await;
    }
}

/// The open routes, those of `/v1`, and the document that describes both.
fn routes() -> Result<(Router<Shared>, Router<Shared>, Document), ServeError> {
    let (open, mut api) = routes::open().split_for_parts();
    let (v1, v1_api) = routes::v1().split_for_parts();
    api.merge(v1_api);
    Ok((open, v1, Document::new(api).map_err(ServeError::Document)?))
}

fn app(open: Router<Shared>, v1: Router<Shared>, shared: Shared) -> Router {
    open.merge(v1.layer(from_fn_with_state(shared.clone(), check_token)))
        .fallback(|| async {
            ProblemReply::new(
                StatusCode::NOT_FOUND,
                "no_such_route",
                "there is no such route; see /openapi.json",
            )
        })
        .method_not_allowed_fallback(|| async {
            let detail = "this route does not take this method; see /openapi.json";
            ProblemReply::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        })
        .layer(CompressionLayer::new())
        .layer(RequestBodyLimitLayer::new(BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_TIME))
        .layer(CatchPanicLayer::custom(|_panic: Box<dyn std::any::Any + Send>| {
            ProblemReply::internal().into_response()
        }))
        .layer(from_fn_with_state(shared.clone(), check_host))
        .layer(from_fn_with_state(shared.clone(), limit))
        .layer(from_fn(finish))
        .with_state(shared)
}
