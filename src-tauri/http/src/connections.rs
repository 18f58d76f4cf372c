//! Connections: how many there may be, how long each may dawdle, and how they end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// The most connections at once; more wait in the system's own backlog. Half of the 1,024 open files that a
/// process has by default on Linux, so that databases and outside calls keep theirs.
const CONNECTIONS_MAX: usize = 512;
/// How long a client may take to send a request's head, and how long an idle connection is kept for the next one.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// The largest head, 250 ids of the longest kind included.
const HEAD_BYTES: usize = 64 << 10;
/// How long a client may leave a reply unread.
const UNREAD_TIME: Duration = Duration::from_secs(30);
/// How long requests under way may take to end once the server stops.
const DRAIN: Duration = Duration::from_secs(5);
/// The pause after the system refused to open another connection, for want of open files as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The other end of a connection; every request carries it as an extension.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
}

/// Serves until `stop`; then lets requests under way end, and cuts off those that take longer than 5 s.
pub(crate) async fn serve(listener: TcpListener, app: Router, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let room = connections.len() < CONNECTIONS_MAX;
        tokio::select! {
            () = stop.cancelled() => break,
            _ended = connections.join_next(), if !room => {}
            accepted = listener.accept(), if room => match accepted {
                Ok((stream, address)) => {
                    connections.spawn(connection(stream, Peer { address }, app.clone(), stop.clone()));
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!(open = connections.len(), "requests under way were cut off at the stop");
        connections.shutdown().await;
    }
}

async fn connection(stream: TcpStream, peer: Peer, app: Router, stop: CancellationToken) {
    // Replies are small; waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(UNREAD_TIME));
    let service = service_fn(move |request| answer(app.clone(), peer, request));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD_BYTES);
    let mut serving = std::pin::pin!(http.serve_connection(TokioIo::new(Box::pin(stream)), service));
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, peer = %peer.address, "a connection ended early");
    }
}

async fn answer(
    app: Router,
    peer: Peer,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    request.extensions_mut().insert(peer);
    app.oneshot(request).await
}
