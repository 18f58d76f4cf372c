//! `/metrics`

use crate::rig::Rig;

/// One line of the Prometheus text format 0.0.4: empty, a comment, or `name{label="value",…} number`.
fn sample(line: &str) -> Option<(&str, f64)> {
    if line.is_empty() || line.starts_with('#') {
        let mut words = line.splitn(4, ' ');
        let (_, kind, name) = (words.next(), words.next(), words.next());
        let known = matches!(kind, None | Some("HELP" | "TYPE"));
        assert!(known && name.is_none_or(is_name), "{line:?}");
        return None;
    }
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value: {line:?}"));
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    assert!(is_name(name), "{line:?}");
    let labels = labels.strip_suffix('}').unwrap_or_else(|| panic!("no end of the labels: {line:?}"));
    for label in labels.split("\",").filter(|label| !label.is_empty()) {
        let (name, value) = label.split_once("=\"").unwrap_or_else(|| panic!("{label:?} in {line:?}"));
        assert!(is_name(name) && !value.trim_end_matches('"').contains(['"', '\n']), "{line:?}");
    }
    Some((name, value.parse().unwrap_or_else(|_| panic!("not a number: {line:?}"))))
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[tokio::test]
async fn every_line_is_prometheus_text_and_the_figures_are_there() {
    let rig = Rig::start().await;
    rig.ok("/v1/prices?ids=bitcoin").await;
    // The first sample of the machine comes with the first tick of the monitor.
    rig.engine.subscribe().next().await.unwrap();
    let reply = rig.ok("/metrics").await;
    assert_eq!(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = reply.body.as_str().unwrap();
    let samples: Vec<_> = text.lines().filter_map(sample).collect();
    for name in [
        "eider_cache_hits_total",
        "eider_cache_misses_total",
        "eider_cache_bytes",
        "eider_queue_depth",
        "eider_jobs",
        "eider_jobs_concurrency",
        "eider_jobs_ended_total",
        "eider_load_factor",
        "eider_machine_cpu_ratio",
        "eider_machine_memory_ratio",
        "eider_process_cpu_cores",
        "eider_process_resident_memory_bytes",
        "eider_service_calls_total",
        "eider_service_window_used",
        "eider_service_window_limit",
        "eider_db_queries_total",
        "eider_db_p99_seconds",
    ] {
        assert!(samples.iter().any(|(found, _)| *found == name), "{name} is missing");
        assert!(
            text.contains(&format!("# TYPE {name} ")) && text.contains(&format!("# HELP {name} ")),
            "{name}"
        );
    }
    assert!(samples.iter().all(|(_, value)| value.is_finite() && *value >= 0.0));
    let series: Vec<_> =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' ')).collect();
    let distinct: std::collections::HashSet<_> = series.iter().map(|(series, _)| series).collect();
    assert_eq!(series.len(), distinct.len(), "a series stands there twice");
    rig.stop().await;
}

#[tokio::test]
async fn reads_count() {
    let rig = Rig::start().await;
    let reads = async || {
        let text = rig.ok("/metrics").await.body.as_str().unwrap().to_owned();
        let counted =
            text.lines().find_map(|line| line.strip_prefix("eider_cache_reads_total{region=\"prices\"} "));
        counted.unwrap().parse::<u64>().unwrap()
    };
    let before = reads().await;
    rig.ok("/v1/prices?ids=bitcoin").await;
    assert!(reads().await > before);
    rig.stop().await;
}
