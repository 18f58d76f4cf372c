//! The engine's figures for Prometheus.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use engine::Reading;
use metrics::{counter, gauge};
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::server::Shared;

/// All figures in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "Prometheus text format 0.0.4", content_type = "text/plain", body = String),
))]
pub(super) async fn metrics(State(shared): State<Shared>) -> Response {
    let text = render(&shared.engine.readings().await);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// Several engines can live in one process, so the figures go through a recorder of this request's own.
fn render(readings: &[Reading]) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        for reading in readings {
            let labels: Vec<metrics::Label> = reading
                .labels
                .iter()
                .map(|(name, value)| metrics::Label::new(*name, value.clone()))
                .collect();
            if reading.counts {
                metrics::describe_counter!(reading.name, reading.help);
                counter!(reading.name, labels).absolute(reading.value as u64);
            } else {
                metrics::describe_gauge!(reading.name, reading.help);
                gauge!(reading.name, labels).set(reading.value);
            }
        }
    });
    recorder.handle().render()
}
