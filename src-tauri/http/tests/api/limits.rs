//! `/v1/limits` and `/v1/services`

use serde_json::json;

use crate::rig::Rig;

#[tokio::test]
async fn every_limit_is_told_and_every_answer_says_what_is_left() {
    let rig = Rig::start().await;
    rig.ok("/v1/prices?ids=bitcoin").await;
    let reply = rig.ok("/v1/limits").await;
    let service = &reply.body["services"][0];
    assert_eq!((&service["name"], &service["breaker"]), (&json!("Simulator"), &json!("closed")));
    assert!(service["used"].as_u64().unwrap() > 0 && service["calls"].as_u64().unwrap() > 0);
    assert_eq!(service["retry_budget"], 1.0);
    let api = &reply.body["api"];
    assert_eq!(api["clients"], 1);
    assert!(api["remaining"].as_u64().unwrap() > 0);

    let policy = reply.headers["ratelimit-policy"].to_str().unwrap();
    let at_once = api["per_client_per_minute"].as_u64().unwrap().div_ceil(60);
    let quota = format!("\"client\";q={at_once};w=1");
    assert!(policy.starts_with(&quota), "{policy}");
    let left = reply.headers["ratelimit"].to_str().unwrap();
    assert!(left.contains(";r=") && left.contains(";t="), "{left}");
    let refused = rig.get("/v1/nothing").await;
    assert!(refused.status == 404 && refused.headers.contains_key("ratelimit"));
    rig.stop().await;
}

#[tokio::test]
async fn a_service_is_switched_off_and_on_again() {
    let rig = Rig::start().await;
    let post = |what: &str| rig.send(rig.request("POST", &format!("/v1/services/Simulator/{what}")));
    let off = post("isolate").await;
    assert_eq!((off.status, &off.body["breaker"]), (200, &json!("isolated")));
    let told = rig.ok("/v1/services").await.body;
    assert_eq!((&told["items"][0]["breaker"], &told["next"]), (&json!("isolated"), &json!(null)));
    let history = rig.ok("/v1/tokens/monero/history?range=30d").await.body;
    assert_eq!(history["problem"]["code"], "isolated");
    let on = post("close").await;
    assert_eq!((on.status, &on.body["breaker"]), (200, &json!("closed")));
    let history = on.body["breaker_history"].as_array().unwrap();
    let states: Vec<_> = history.iter().map(|change| change["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["closed", "isolated"]);

    for what in ["isolate", "close"] {
        let unknown = rig.send(rig.request("POST", &format!("/v1/services/nobody/{what}"))).await;
        assert_eq!((unknown.status, &unknown.body["code"]), (404, &json!("unknown_service")));
    }
    rig.stop().await;
}
