//! `/openapi.json`

use serde_json::Value;

use crate::rig::Rig;

#[tokio::test]
async fn the_document_is_openapi_3_1_and_names_every_route() {
    let rig = Rig::start().await;
    let document = &rig.document.0;
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    let mut paths: Vec<_> = rig.document.paths().collect();
    paths.sort_unstable();
    let routes = [
        "/health",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/openapi.json",
        "/v1/cache",
        "/v1/cache/entry",
        "/v1/cache/invalidate",
        "/v1/cache/regions/{name}",
        "/v1/cache/warm",
        "/v1/jobs",
        "/v1/jobs/kinds",
        "/v1/jobs/{id}",
        "/v1/jobs/{id}/cancel",
        "/v1/jobs/{id}/retry",
        "/v1/limits",
        "/v1/prices",
        "/v1/queues",
        "/v1/queues/{name}/concurrency",
        "/v1/queues/{name}/drain",
        "/v1/queues/{name}/pause",
        "/v1/queues/{name}/resume",
        "/v1/services",
        "/v1/services/{name}/close",
        "/v1/services/{name}/isolate",
        "/v1/tokens/{id}/history",
    ];
    assert_eq!(paths, routes);
    for path in routes {
        let operations = document["paths"][path].as_object().unwrap();
        assert!(!operations.is_empty(), "{path}");
        operations.values().for_each(|operation| check_operation(&rig, path, operation));
    }
    rig.stop().await;
}

fn check_operation(rig: &Rig, path: &str, operation: &Value) {
    assert!(operation["summary"].is_string() && operation["operationId"].is_string(), "{path}");
    assert_eq!(operation["security"].is_array(), path.starts_with("/v1/"), "{path}");
    for (status, response) in operation["responses"].as_object().unwrap() {
        assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{path} {status}");
        let content = response["content"].as_object().into_iter().flatten();
        content.for_each(|(_, media)| drop(rig.document.validator(&media["schema"])));
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, place) = (&parameter["name"], &parameter["in"]);
        assert!(parameter["description"].is_string(), "{path} {name}");
        let needed = place == "path" || path == "/v1/cache/entry";
        assert_eq!(parameter["required"], needed, "{path} {name}");
    }
}

#[tokio::test]
async fn every_schema_is_valid_by_itself() {
    let rig = Rig::start().await;
    for (name, schema) in rig.document.0["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}");
        rig.document.validator(schema);
    }
    rig.stop().await;
}

#[tokio::test]
async fn lists_of_words_are_separated_by_commas() {
    let rig = Rig::start().await;
    for path in ["/v1/prices", "/v1/tokens/{id}/history"] {
        let parameters = rig.document.0["paths"][path]["get"]["parameters"].as_array().unwrap();
        for parameter in parameters.iter().filter(|parameter| parameter["schema"]["type"] == "array") {
            assert_eq!((&parameter["style"], &parameter["explode"]), (&"form".into(), &Value::Bool(false)));
        }
    }
    rig.stop().await;
}
