//! `/v1/cache`

use serde_json::{Value, json};

use crate::rig::Rig;

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let found = list.as_array().unwrap().iter().find(|item| item["name"] == name || item["level"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {list:#}"))
}

/// The key of bitcoin's price in the demo.
async fn bitcoin(rig: &Rig) -> String {
    rig.ok("/v1/prices?ids=bitcoin").await;
    "usd:bitcoin:Simulator/1".to_owned()
}

#[tokio::test]
async fn the_cache_tells_its_levels_regions_and_classes() {
    let rig = Rig::start().await;
    bitcoin(&rig).await;
    let cache = rig.ok("/v1/cache").await.body;
    for level in ["memory", "files", "database"] {
        let level = named(&cache["levels"], level);
        assert_eq!(level["state"], "up", "{level}");
        assert!(level["bytes"].as_u64().unwrap() <= level["bytes_max"].as_u64().unwrap());
    }
    assert!(named(&cache["regions"], "prices")["reads"].as_u64().unwrap() > 0);
    let price = named(&cache["classes"], "price");
    assert_eq!(price["ttl_ms"], 300_000);
    let stretched = 300_000.0 * cache["ttl_factor"].as_f64().unwrap();
    assert!((price["effective_ttl_ms"].as_f64().unwrap() - stretched).abs() < 2.0);
    rig.stop().await;
}

#[tokio::test]
async fn an_entry_is_described_without_its_value_and_gone_once_invalidated() {
    let rig = Rig::start().await;
    let key = bitcoin(&rig).await;
    let path = format!("/v1/cache/entry?region=prices&key={key}");
    let entry = rig.ok(&path).await.body;
    assert_eq!(
        (&entry["region"], &entry["key"], &entry["fresh"]),
        (&json!("prices"), &json!(key), &json!(true))
    );
    assert!(entry["levels"].as_array().unwrap().contains(&json!("memory")));
    assert!(entry["expires_at_ms"].as_i64().unwrap() > entry["created_at_ms"].as_i64().unwrap());
    assert!(entry.get("value").is_none() && !entry.to_string().contains("market_cap"));

    let what = json!({ "region": "prices", "key": key });
    // The refresh of the demo puts it back every few seconds, so the moment right after counts.
    let done = rig.send(rig.request("POST", "/v1/cache/invalidate").json(&what)).await;
    assert_eq!(done.status, 204);
    let after = rig.get(&path).await;
    let renewed = after.body["created_at_ms"].as_i64() > entry["created_at_ms"].as_i64();
    assert!(after.status == 404 || renewed, "{}", after.body);
    rig.refused(404, "not_cached", &["/v1/cache/entry?region=prices&key=no-such-key"]).await;
    rig.refused(404, "unknown_region", &["/v1/cache/entry?region=nowhere&key=a"]).await;
    rig.refused(400, "invalid", &["/v1/cache/entry?region=prices", "/v1/cache/entry?region=prices&key="])
        .await;
    rig.stop().await;
}

#[tokio::test]
async fn a_tag_and_a_region_can_be_emptied_and_wrong_bodies_are_refused() {
    let rig = Rig::start().await;
    bitcoin(&rig).await;
    let invalidate = || rig.request("POST", "/v1/cache/invalidate");
    assert_eq!(rig.send(invalidate().json(&json!({ "tag": "anything" }))).await.status, 204);
    assert_eq!(rig.send(rig.request("DELETE", "/v1/cache/regions/tokens")).await.status, 204);
    let refused = rig.send(rig.request("DELETE", "/v1/cache/regions/nowhere")).await;
    assert_eq!((refused.status, refused.code()), (404, "unknown_region"));
    for body in [json!({}), json!({ "tag": "" }), json!({ "tag": "a", "region": "b", "key": "c" }), json!([])]
    {
        let refused = rig.send(invalidate().json(&body)).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid"), "{body}");
    }
    assert_eq!(rig.send(invalidate().body("tag=a")).await.status, 415);
    rig.stop().await;
}

#[tokio::test]
async fn warming_tells_what_it_loaded() {
    let rig = Rig::start().await;
    let warmed = rig.send(rig.request("POST", "/v1/cache/warm")).await;
    assert_eq!(warmed.status, 200);
    assert!(
        warmed.body["table_rows"].as_u64().unwrap() > 5 && warmed.body["problem"].is_null(),
        "{}",
        warmed.body
    );
    rig.stop().await;
}
