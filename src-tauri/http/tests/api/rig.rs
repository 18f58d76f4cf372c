//! An engine, its server, and a client that checks every reply.

use std::path::Path;

use eider_http::Server;
use engine::{Engine, Options, ProfileChoice};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::document::Document;

pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) token: String,
    pub(crate) document: Document,
    server: Server,
    client: Client,
    folder: TempDir,
}

/// A reply that matches the document.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn items(&self) -> &[Value] {
        self.body["items"].as_array().expect("a list has items")
    }
}

pub(crate) async fn start_engine(folder: &Path, config: &str) -> Engine {
    let config_file = folder.join("eider.toml");
    std::fs::write(&config_file, config).unwrap();
    let options = Options {
        profile: Some(ProfileChoice::Demo),
        data_dir: Some(folder.join("data")),
        config_file: Some(config_file),
        strict_config: true,
        always_fresh: true,
        ..Options::default()
    };
    Engine::start(options).await.unwrap()
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::with_config("").await
    }

    pub(crate) async fn with_config(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = start_engine(folder.path(), config).await;
        let server = Server::start(engine.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = server.address();
        let token = std::fs::read_to_string(folder.path().join("data/api-token")).unwrap().trim().to_owned();
        // A proxy of the environment must not stand between.
        let client = Client::builder().no_proxy().build().unwrap();
        let text = client.get(format!("http://{address}/openapi.json")).send().await.unwrap();
        let document = Document::new(text.json().await.unwrap());
        Self { engine, address, token, document, server, client, folder }
    }

    pub(crate) fn data_dir(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// A question without the token.
    pub(crate) fn plain(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.address))
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Reply {
        let request = request.build().unwrap();
        let method = request.method().as_str().to_lowercase();
        let reply = self.client.execute(request).await.unwrap();
        let (path, status) = (reply.url().path().to_owned(), reply.status().as_u16());
        let headers = reply.headers().clone();
        let text = reply.text().await.unwrap();
        let kind = headers.get("content-type").map(|kind| kind.to_str().unwrap()).unwrap_or_default();
        let body =
            if kind.ends_with("json") { serde_json::from_str(&text).unwrap() } else { Value::String(text) };
        self.document.check(&method, &path, status, kind, &body);
        assert!(headers.contains_key("cache-control"), "{path} does not say whether it may be kept");
        Reply { status, headers, body }
    }

    /// A request of any method with the token.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        self.client.request(method.parse().unwrap(), url).bearer_auth(&self.token)
    }

    /// A question with the token.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.plain(path).bearer_auth(&self.token)).await
    }

    pub(crate) async fn ok(&self, path: &str) -> Reply {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply
    }

    /// These are all refused alike.
    pub(crate) async fn refused(&self, status: u16, code: &str, paths: &[&str]) {
        for path in paths {
            let reply = self.get(path).await;
            assert_eq!((reply.status, reply.code()), (status, code), "{path}: {}", reply.body);
        }
    }

    /// Bytes in, text out, until the server closes.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The server may close before it has read all of a request that it refuses.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply).await;
        String::from_utf8_lossy(&reply).into_owned()
    }

    /// The status line's number of a raw reply.
    pub(crate) async fn raw_status(&self, request: &str) -> u16 {
        let reply = self.raw(request).await;
        let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("no reply to {:?}: {reply:?}", &request[..request.len().min(200)]))
    }

    pub(crate) async fn stop(self) -> TempDir {
        self.server.stop().await;
        self.engine.stop().await;
        self.folder
    }
}
