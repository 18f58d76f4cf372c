//! The HTTP API of the window's engine, where the configuration asks for it.

use engine::Engine;
use engine::api::{Notice, Severity};
use http_api::Server;

/// Serves, or tells the person why not: a window is of use without it.
pub(crate) async fn serve(engine: &Engine) -> Option<Server> {
    let config = engine.http_config();
    if !config.enabled {
        return None;
    }
    match Server::start(engine.clone(), config.listen).await {
        Ok(server) => {
            tracing::info!(address = %server.address(), "serving the HTTP API");
            Some(server)
        }
        Err(error) => {
            tracing::warn!(%error, "the HTTP API is not served");
            engine.tell(Notice {
                key: "http".to_owned(),
                severity: Severity::Warn,
                title: "The HTTP API is not served".to_owned(),
                body: format!("It could not start: {error}."),
                action: None,
            });
            None
        }
    }
}
