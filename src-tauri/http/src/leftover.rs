//! What of a request's body nobody read.
//!
//! A refusal often comes before the body was read. If the connection then simply closed, a client that is still sending
//! would be told that the connection broke, and one that keeps it would find it closed with its next request.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper::{HeaderMap, Response};
use tokio::sync::oneshot;

/// The most bytes that are read in order to keep a connection.
const BYTES_MAX: usize = 128 << 10;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// A body that hands itself back where it was not read to its end.
pub(crate) struct Returned {
    /// `None` only while it is dropped.
    body: Option<Incoming>,
    back: Option<oneshot::Sender<Incoming>>,
}

/// Where a body that was not read to its end arrives.
pub(crate) struct Leftover {
    rest: oneshot::Receiver<Incoming>,
    /// The client sends its body only once it was asked to, which a refusal does not do.
    waits: bool,
}

/// Wraps a body, and says where what is left of it will be.
pub(crate) fn watch(body: Incoming, headers: &HeaderMap) -> (Returned, Leftover) {
    let (back, rest) = oneshot::channel();
    let waits = headers.contains_key(header::EXPECT);
    (Returned { body: Some(body), back: Some(back) }, Leftover { rest, waits })
}

impl Leftover {
    /// Reads the rest, so that the connection can be kept; says that it will close where that is too much.
    pub(crate) async fn settle(mut self, response: &mut Response<Body>) {
        let Ok(rest) = self.rest.try_recv() else { return };
        let read = !self.waits && tokio::time::timeout(PATIENCE, read_off(rest)).await.unwrap_or(false);
        if !read {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// Whether the end came within the bound.
async fn read_off(mut rest: Incoming) -> bool {
    let mut bytes = 0;
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut rest).poll_frame(cx)).await {
        let Ok(frame) = frame else { return false };
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > BYTES_MAX {
            return false;
        }
    }
    true
}

impl hyper::body::Body for Returned {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Incoming::size_hint).unwrap_or_default()
    }
}

impl Drop for Returned {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take())
            && !body.is_end_stream()
        {
            // Nobody waits for it where the connection has ended.
            let _ = back.send(body);
        }
    }
}
