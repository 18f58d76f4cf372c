//! Who may ask.

use eider_http::Server;

use crate::rig::{Rig, start_engine};

#[tokio::test]
async fn v1_needs_the_token_and_the_rest_does_not() {
    let rig = Rig::start().await;
    for path in ["/health", "/health/live", "/health/ready", "/metrics", "/openapi.json"] {
        assert_eq!(rig.send(rig.plain(path)).await.status, 200, "{path}");
    }
    let wrong = "0".repeat(64);
    for path in ["/v1/prices", "/v1/tokens/bitcoin/history", "/v1/prices?limit=0"] {
        for offered in
            ["", "Bearer", "Bearer ", &wrong, &format!("Bearer {wrong}"), &format!("Basic {}", rig.token)]
        {
            let reply = rig.send(rig.plain(path).header("authorization", offered)).await;
            assert_eq!((reply.status, reply.code()), (401, "unauthorized"), "{path} with {offered:?}");
            assert_eq!(reply.header("www-authenticate"), "Bearer");
        }
        assert_eq!(rig.send(rig.plain(path)).await.status, 401, "{path} without a header");
    }
    let small = rig.plain("/v1/prices").header("authorization", format!("bearer {}", rig.token));
    assert_eq!(rig.send(small).await.status, 200, "the scheme's case does not matter");
    rig.stop().await;
}

#[tokio::test]
async fn a_request_for_another_host_is_refused() {
    let rig = Rig::start().await;
    let (address, port) = (rig.address, rig.address.port());
    for (head, status) in [
        (format!("GET /health HTTP/1.1\r\nHost: {address}"), 200),
        (format!("GET /health HTTP/1.1\r\nHost: localhost:{port}"), 200),
        (format!("GET /health HTTP/1.0\r\nHost: {address}"), 200),
        (format!("GET http://{address}/health HTTP/1.1\r\nHost: {address}"), 200),
        (format!("GET http://evil.example/health HTTP/1.1\r\nHost: {address}"), 421),
        ("GET /health HTTP/1.1\r\nHost: evil.example".to_owned(), 421),
        (format!("GET /health HTTP/1.1\r\nHost: evil.example:{port}"), 421),
        ("GET /health HTTP/1.1\r\nHost: 127.0.0.1".to_owned(), 421),
        (format!("GET /health HTTP/1.1\r\nHost: {address}\r\nHost: {address}"), 421),
        ("GET /health HTTP/1.1".to_owned(), 421),
        ("GET /health HTTP/1.0".to_owned(), 421),
        ("GET /nowhere HTTP/1.1\r\nHost: evil.example".to_owned(), 421),
    ] {
        let reply = rig.raw_status(&format!("{head}\r\nConnection: close\r\n\r\n")).await;
        assert_eq!(reply, status, "{head}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn the_token_is_private_and_outlives_the_server() {
    let rig = Rig::start().await;
    let (file, token) = (rig.data_dir().join("api-token"), rig.token.clone());
    assert!(token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let folder = rig.stop().await;
    let engine = start_engine(folder.path(), "").await;
    let server = Server::start(engine.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), token);
    server.stop().await;

    std::fs::write(&file, "short").unwrap();
    let refused = Server::start(engine.clone(), "127.0.0.1:0".parse().unwrap()).await.err().unwrap();
    assert_eq!(
        refused.to_string(),
        "the file api-token cannot be used: it does not hold 64 hexadecimal digits; delete it to get a new token"
    );
    engine.stop().await;
}
