//! Where the server listens, and how it stops.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use eider_http::{ServeError, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::rig::{Rig, start_engine};

#[tokio::test]
async fn an_address_that_is_taken_or_not_loopback_is_refused_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start_engine(folder.path(), "").await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let _holder = TcpListener::bind(taken).await.unwrap();
    let refused = Server::start(engine.clone(), taken).await.err().unwrap();
    assert!(matches!(refused, ServeError::Listen { address, .. } if address == taken), "{refused}");
    for open in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let refused = Server::start(engine.clone(), open.parse().unwrap()).await.err().unwrap();
        assert!(matches!(refused, ServeError::NotLoopback(_)), "{refused}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn an_open_address_is_served_where_the_configuration_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start_engine(folder.path(), "[http]\nallow_remote = true\n").await;
    let server = Server::start(engine.clone(), "0.0.0.0:0".parse().unwrap()).await.unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], server.address().port()));
    assert!(ask(address, &format!("duck.example:{}", address.port())).await.starts_with("HTTP/1.1 200"));
    server.stop().await;
    engine.stop().await;
}

#[tokio::test]
async fn ipv6_is_served_by_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start_engine(folder.path(), "").await;
    // A machine without IPv6 has no such address at all.
    if TcpListener::bind("[::1]:0").await.is_ok() {
        let server = Server::start(engine.clone(), "[::1]:0".parse().unwrap()).await.unwrap();
        let address = server.address();
        assert!(ask(address, &address.to_string()).await.starts_with("HTTP/1.1 200"));
        assert!(ask(address, &format!("127.0.0.1:{}", address.port())).await.starts_with("HTTP/1.1 421"));
        server.stop().await;
    }
    engine.stop().await;
}

async fn ask(address: SocketAddr, host: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /health/live HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    reply
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_stop_and_the_port_is_free_after_it() {
    let rig = Rig::start().await;
    let address = rig.address;
    let _silent = TcpStream::connect(address).await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(format!("GET /health/live HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).await.unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let asked = Instant::now();
    rig.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
