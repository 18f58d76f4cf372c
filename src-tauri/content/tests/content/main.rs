//! Pictures over real sockets and in real files.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use eider_content::{FetchError, Images, Kept, Logo, MIGRATIONS, Picture, Reach, Record, Refusal};
use limits::{Backoff, CallError, NoJournal, Pipeline};

async fn images() -> Images {
    let backoff = Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(1) };
    let config = limits::Config { backoff, ..limits::Config::new("Images") };
    let pipeline = Pipeline::open(config, Arc::new(NoJournal), |_priority| true).await.unwrap();
    Images::new(pipeline).unwrap()
}

/// Serves until the test ends.
async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}")
}

async fn refusal(images: &Images, address: &str) -> Refusal {
    match images.fetch(address, Reach::Development).await {
        Err(FetchError::Call(CallError::Failed { error, .. })) => error,
        other => panic!("{address}: {other:?}"),
    }
}

#[tokio::test]
async fn a_picture_is_fetched_also_through_redirections_but_not_without_end() {
    let app = Router::new()
        .route("/a.png", get(|| async { "bytes" }))
        .route("/moved", get(|| async { Redirect::temporary("/a.png") }))
        .route("/round", get(|| async { Redirect::temporary("/round") }));
    let (images, server) = (images().await, serve(app).await);
    for path in ["/a.png", "/moved"] {
        let bytes = images.fetch(&format!("{server}{path}"), Reach::Development).await.unwrap();
        assert_eq!(bytes, b"bytes");
    }
    let round = refusal(&images, &format!("{server}/round")).await;
    assert!(matches!(round, Refusal::Status { status: 307, .. }), "{round}");
}

#[tokio::test]
async fn what_is_too_large_is_refused_whether_it_says_so_or_not() {
    let endless = || async {
        let chunk = Bytes::from(vec![0; 1 << 20]);
        let chunks = futures_of(chunk, 64);
        Body::from_stream(chunks)
    };
    // It says how much comes, and then nothing comes.
    let declared = || async {
        let nothing = futures::stream::pending::<std::io::Result<Bytes>>();
        ([(header::CONTENT_LENGTH, "99999999")], Body::from_stream(nothing))
    };
    let app = Router::new().route("/endless", get(endless)).route("/declared", get(declared));
    let (images, server) = (images().await, serve(app).await);
    for path in ["/endless", "/declared"] {
        assert_eq!(refusal(&images, &format!("{server}{path}")).await, Refusal::TooLarge, "{path}");
    }
}

fn futures_of(chunk: Bytes, times: usize) -> impl futures::Stream<Item = std::io::Result<Bytes>> {
    futures::stream::iter(std::iter::repeat_n(chunk, times).map(Ok))
}

#[tokio::test]
async fn a_server_that_fails_is_tried_again_and_one_that_refuses_is_not() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let flaky = move || {
        let nth = count.fetch_add(1, Ordering::SeqCst);
        async move { if nth == 0 { StatusCode::BAD_GATEWAY.into_response() } else { "bytes".into_response() } }
    };
    let app = Router::new().route("/flaky", get(flaky));
    let (images, server) = (images().await, serve(app).await);
    assert!(images.fetch(&format!("{server}/flaky"), Reach::Development).await.is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let missing = refusal(&images, &format!("{server}/missing")).await;
    assert!(matches!(missing, Refusal::Status { status: 404, .. }));
    assert_eq!(images.pipeline().status().calls, 3);
}

#[tokio::test]
async fn a_server_that_asks_for_silence_gets_it() {
    for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE] {
        let later = HeaderMap::from_iter([(header::RETRY_AFTER, "30".parse().unwrap())]);
        let app = Router::new().route("/", get(move || async move { (status, later) }));
        let (images, server) = (images().await, serve(app).await);
        let first = images.fetch(&server, Reach::Development).await;
        assert!(matches!(first, Err(FetchError::Call(_))), "{first:?}");
        assert_eq!(images.pipeline().status().calls, 1);
        let second = images.fetch(&server, Reach::Development).await;
        assert!(matches!(second, Err(FetchError::Call(CallError::Limited { .. }))), "{second:?}");
        assert_eq!(images.pipeline().status().calls, 1, "nobody was asked");
    }
}

#[tokio::test]
async fn content_is_kept_replaced_and_forgotten_by_source_and_token() {
    let folder = tempfile::tempdir().unwrap();
    let store = store::Store::open(&folder.path().join("eider.db"), &[MIGRATIONS], store::Config::default());
    let kept = Kept::new(store.unwrap().store);
    let logo = |byte| Logo { pictures: vec![Picture { size_px: 64, png: vec![byte] }] };
    let record = |logo, at_ms| Record { description: Some("A duck.".into()), logo, at_ms };
    kept.put("one", "duck", record(Some(logo(1)), 10)).await.unwrap();
    kept.put("two", "duck", record(Some(logo(2)), 20)).await.unwrap();
    assert_eq!(kept.picture("one", "duck", 64).await.unwrap(), Some(vec![1]));
    assert_eq!(kept.picture("one", "duck", 32).await.unwrap(), None);
    kept.put("one", "duck", record(None, 30)).await.unwrap();
    assert_eq!(kept.picture("one", "duck", 64).await.unwrap(), None, "the source names none any more");
    assert_eq!(kept.made_at_ms("one", "duck").await.unwrap(), Some(30));
    assert_eq!(kept.forget_before(25).await.unwrap(), 1);
    assert_eq!(kept.picture("two", "duck", 64).await.unwrap(), None);
}
