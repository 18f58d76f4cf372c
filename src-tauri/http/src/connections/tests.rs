#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;

const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const BRIEFLY: Duration = Duration::from_millis(50);

struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    /// Tells that a request for `/slow`, which never ends, has come.
    slow: Arc<Notify>,
    task: JoinHandle<()>,
}

async fn start(bounds: Bounds) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let slow = Arc::new(Notify::new());
    let came = Arc::clone(&slow);
    let never = async move || {
        came.notify_one();
        std::future::pending::<()>().await;
    };
    let large = "x".repeat(64 << 20);
    let app = Router::new()
        .route("/", get(async || "here"))
        .route("/slow", get(never))
        .route("/large", get(async || large));
    let task = tokio::spawn(serve(listener, app, bounds, stop.clone()));
    Served { address, stop, slow, task }
}

async fn ask(stream: &mut TcpStream, request: &[u8]) {
    stream.write_all(request).await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
}

/// Whether the server closes within 10 s, having sent nothing more.
async fn is_closed(mut stream: TcpStream) -> bool {
    let rest = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut [0; 1])).await;
    matches!(rest, Ok(Ok(0) | Err(_)))
}

#[tokio::test]
async fn a_connection_beyond_the_bound_waits_for_another_to_end() {
    let served = start(Bounds { connections: 2, ..Bounds::default() }).await;
    let mut first = TcpStream::connect(served.address).await.unwrap();
    ask(&mut first, ASK).await;
    let mut second = TcpStream::connect(served.address).await.unwrap();
    ask(&mut second, ASK).await;
    let mut third = TcpStream::connect(served.address).await.unwrap();
    third.write_all(ASK).await.unwrap();
    let early = tokio::time::timeout(BRIEFLY, third.read_u8()).await;
    assert!(early.is_err(), "it is not served yet");
    drop(first);
    assert_eq!(third.read_u8().await.unwrap(), b'H');
    served.stop.cancel();
    served.task.await.unwrap();
}

#[tokio::test]
async fn who_sends_half_a_head_or_nothing_is_cut_off() {
    let served = start(Bounds { head: BRIEFLY, ..Bounds::default() }).await;
    for part in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(part).await.unwrap();
        assert!(is_closed(stream).await, "{part:?}");
    }
    served.stop.cancel();
    served.task.await.unwrap();
}

#[tokio::test]
async fn who_leaves_a_reply_unread_is_cut_off() {
    let served = start(Bounds { unread: BRIEFLY, connections: 1, ..Bounds::default() }).await;
    let mut unread = TcpStream::connect(served.address).await.unwrap();
    unread.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // There is room for one connection only: this one is served because the other was ended.
    let mut next = TcpStream::connect(served.address).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), ask(&mut next, ASK)).await.unwrap();
    served.stop.cancel();
    served.task.await.unwrap();
}

#[tokio::test]
async fn the_stop_cuts_off_a_request_that_does_not_end() {
    let served = start(Bounds { drain: BRIEFLY, ..Bounds::default() }).await;
    let mut slow = TcpStream::connect(served.address).await.unwrap();
    slow.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    served.slow.notified().await;
    served.stop.cancel();
    served.task.await.unwrap();
    assert!(is_closed(slow).await);
}
