//! Requests that a well-behaved client never sends, and those that only some send.

use crate::rig::Rig;

#[tokio::test]
async fn other_methods_are_refused_and_those_that_work_are_named() {
    let rig = Rig::start().await;
    for path in [
        "/health",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/openapi.json",
        "/v1/prices",
        "/v1/tokens/x/history",
    ] {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"] {
            let url = format!("http://{}{path}", rig.address);
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let request = reqwest::Client::builder().no_proxy().build().unwrap().request(method.clone(), url);
            let reply = rig.send(request.bearer_auth(&rig.token)).await;
            assert_eq!((reply.status, reply.code()), (405, "method_not_allowed"), "{method} {path}");
            assert_eq!(reply.header("allow"), "GET,HEAD", "{method} {path}");
        }
    }
    rig.stop().await;
}

#[tokio::test]
async fn head_tells_what_get_would() {
    let rig = Rig::start().await;
    for (path, status) in
        [("/health/live", 200), ("/v1/prices?ids=bitcoin", 200), ("/v1/prices?limit=0", 400), ("/x", 404)]
    {
        let head = format!(
            "HEAD {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            rig.address, rig.token
        );
        let reply = rig.raw(&head).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {reply}");
        assert!(
            reply.contains("content-length: ") && reply.ends_with("\r\n\r\n"),
            "{path} has a body: {reply}"
        );
    }
    rig.stop().await;
}

#[tokio::test]
async fn an_unknown_route_is_a_problem() {
    let rig = Rig::start().await;
    for path in
        ["/", "/v1", "/v1/", "/v2/prices", "/health/", "/HEALTH", "/v1/prices/", "/..%2f", "/%00", "/%FF"]
    {
        let reply = rig.get(path).await;
        assert_eq!((reply.status, reply.code()), (404, "no_such_route"), "{path}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_server_lives_on() {
    let rig = Rig::start().await;
    let host = format!("Host: {}\r\nConnection: close", rig.address);
    let large = "x".repeat(200_000);
    let many: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    for (request, statuses) in [
        (format!("GET /health HTTP/1.1\r\n{host}\r\nX-Large: {large}\r\n\r\n"), &[431][..]),
        (format!("GET /health HTTP/1.1\r\n{host}\r\n{many}\r\n"), &[431]),
        (format!("GET /{large} HTTP/1.1\r\n{host}\r\n\r\n"), &[414, 431]),
        (format!("GET /v1/prices?ids={large} HTTP/1.1\r\n{host}\r\n\r\n"), &[414, 431]),
        (format!("POST /health HTTP/1.1\r\n{host}\r\nContent-Length: 200000\r\n\r\n"), &[413]),
        ("\0\0\0\0\r\n\r\n".to_owned(), &[400]),
        (format!("GET /health HTTP/9.9\r\n{host}\r\n\r\n"), &[400, 505]),
        (format!("GET /health HTTP/1.1\r\n{host}\r\nContent-Length: -1\r\n\r\n"), &[400]),
        (format!("GET /he alth HTTP/1.1\r\n{host}\r\n\r\n"), &[400]),
    ] {
        let status = rig.raw_status(&request).await;
        assert!(statuses.contains(&status), "{status} to {:?}", &request[..60]);
    }
    rig.ok("/health").await;
    rig.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_a_problem() {
    let rig = Rig::start().await;
    let request = format!(
        "GET /health HTTP/1.1\r\nHost: {}\r\nContent-Length: 200000\r\nConnection: close\r\n\r\n",
        rig.address
    );
    let reply = rig.raw(&request).await;
    assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
    assert!(
        reply.contains("content-type: application/problem+json") && reply.contains("body_too_large"),
        "{reply}"
    );
    rig.stop().await;
}

#[tokio::test]
async fn large_replies_are_compressed_for_those_who_ask() {
    let rig = Rig::start().await;
    let head = |accepts: &str| {
        let host = rig.address;
        format!("GET /openapi.json HTTP/1.1\r\nHost: {host}\r\n{accepts}Connection: close\r\n\r\n")
    };
    let plain = rig.raw(&head("")).await;
    assert!(plain.contains("\"openapi\"") && !plain.contains("content-encoding"));
    let packed = rig.raw(&head("Accept-Encoding: gzip\r\n")).await;
    assert!(
        packed.contains("content-encoding: gzip") && packed.contains("vary: accept-encoding"),
        "{packed:.400}"
    );
    // A byte that is no text reads as one character, which takes three bytes: characters are what was sent.
    let sent = packed.chars().count();
    assert!(sent < plain.len() / 3, "{sent} of {}", plain.len());
    rig.stop().await;
}

/// One reply of a connection that stays open: its head, with the body read off.
async fn one_reply(stream: &mut tokio::net::TcpStream) -> String {
    use tokio::io::AsyncReadExt;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the connection is open"));
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.unwrap();
    head
}

#[tokio::test]
async fn a_refusal_before_the_body_keeps_the_connection_or_says_that_it_closes() {
    use tokio::io::AsyncWriteExt;
    let rig = Rig::start().await;
    let host = format!("Host: {}", rig.address);
    for (route, status) in [("/v1/jobs", " 401 "), ("/nowhere", " 404 "), ("/health", " 405 ")] {
        let mut stream = tokio::net::TcpStream::connect(rig.address).await.unwrap();
        for _ in 0..20 {
            let body = "x".repeat(1000);
            let head = format!("POST {route} HTTP/1.1\r\n{host}\r\nContent-Length: {}\r\n\r\n", body.len());
            // In two packets, as most clients send them.
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            tokio::task::yield_now().await;
            stream.write_all(body.as_bytes()).await.expect("the connection is open");
            let reply = one_reply(&mut stream).await;
            assert!(reply.contains(status) && !reply.contains("connection: close"), "{reply}");
        }
    }
    // Too much to be read for nothing: the reply says that this was the last one.
    let head =
        format!("POST /nowhere HTTP/1.1\r\n{host}\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n");
    let mut stream = tokio::net::TcpStream::connect(rig.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(one_reply(&mut stream).await.contains("connection: close"));
    rig.stop().await;
}
