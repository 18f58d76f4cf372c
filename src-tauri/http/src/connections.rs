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

use crate::leftover;

/// What a client can take, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The most connections at once; more wait in the system's own backlog.
    pub(crate) connections: usize,
    /// How long a client may take to send a request's head, and how long an idle connection is kept for the next.
    pub(crate) head: Duration,
    /// How long a client may leave a reply unread.
    pub(crate) unread: Duration,
    /// How long requests under way may take to end once the server stops.
    pub(crate) drain: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            // Half of the 1,024 open files that a process may have on Linux as a rule, so that databases and
            // outside calls keep theirs.
            connections: 512,
            head: Duration::from_secs(30),
            unread: Duration::from_secs(30),
            drain: Duration::from_secs(2),
        }
    }
}

/// The largest head: 250 ids of the longest kind fit into it.
const HEAD_BYTES: usize = 64 << 10;
/// The pause after the system refused to open another connection, for want of open files as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The other end of a connection; every request carries it as an extension.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
}

/// Serves until `stop`; then lets requests under way end, and cuts off those that take too long.
pub(crate) async fn serve(listener: TcpListener, app: Router, bounds: Bounds, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let room = connections.len() < bounds.connections;
        tokio::select! {
            () = stop.cancelled() => break,
            _ended = connections.join_next(), if !room => {}
            accepted = listener.accept(), if room => match accepted {
                Ok((stream, address)) => {
                    let peer = Peer { address };
                    connections.spawn(connection(stream, peer, app.clone(), bounds, stop.clone()));
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
    if tokio::time::timeout(bounds.drain, drained).await.is_err() {
        tracing::warn!(open = connections.len(), "requests under way were cut off at the stop");
        connections.shutdown().await;
    }
}

async fn connection(stream: TcpStream, peer: Peer, app: Router, bounds: Bounds, stop: CancellationToken) {
    // Replies are small; waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(bounds.unread));
    let service = service_fn(move |request| answer(app.clone(), peer, request));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(bounds.head).max_buf_size(HEAD_BYTES);
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
    let (parts, body) = request.into_parts();
    let (body, leftover) = leftover::watch(body, &parts.headers);
    let mut response = app.oneshot(Request::from_parts(parts, Body::new(body))).await?;
    leftover.settle(&mut response).await;
    Ok(response)
}

#[cfg(test)]
mod tests;
