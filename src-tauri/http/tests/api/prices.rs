//! `/v1/prices`

use serde_json::Value;

use crate::rig::Rig;

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn prices_come_in_the_order_of_their_ids_with_their_origin() {
    let rig = Rig::start().await;
    let reply = rig.ok("/v1/prices?ids=tether,bitcoin,tether,ethereum").await;
    assert_eq!(ids(reply.items()), ["tether", "bitcoin", "ethereum"]);
    assert!(reply.body["next"].is_null());
    for item in reply.items() {
        assert!(item["price"].as_f64().unwrap() > 0.0);
        assert!(item["as_of_ms"].as_i64().unwrap() <= item["fetched_at_ms"].as_i64().unwrap());
        assert_eq!((&item["source"], &item["currency"]), (&"Simulator".into(), &"usd".into()));
        assert!(["memory", "files", "database", "origin"].contains(&item["cache_level"].as_str().unwrap()));
        assert_eq!(item["stale"], false);
    }
    let again = rig.ok("/v1/prices?ids=bitcoin").await;
    assert_eq!(again.items()[0]["cache_level"], "memory");
    rig.stop().await;
}

#[tokio::test]
async fn an_unknown_token_has_no_price() {
    let rig = Rig::start().await;
    let reply = rig.ok("/v1/prices?ids=no-such-token,bitcoin").await;
    let unknown = &reply.items()[0];
    assert_eq!(unknown["id"], "no-such-token");
    for field in ["price", "change_24h_pct", "as_of_ms", "fetched_at_ms", "source", "cache_level"] {
        assert!(unknown[field].is_null(), "{field}");
    }
    assert!(reply.items()[1]["price"].is_number());
    rig.stop().await;
}

#[tokio::test]
async fn without_ids_the_watchlist_is_told_and_pages_cover_it_once() {
    let rig = Rig::start().await;
    let watched = rig.engine.watched();
    assert_eq!(ids(rig.ok("/v1/prices").await.items()), watched);
    let (mut path, mut seen) = ("/v1/prices?limit=2".to_owned(), Vec::new());
    loop {
        let page = rig.ok(&path).await;
        assert!((1..=2).contains(&page.items().len()));
        seen.extend(ids(page.items()).into_iter().map(str::to_owned));
        let Some(next) = page.body["next"].as_str() else { break };
        path = format!("/v1/prices?limit=2&cursor={next}");
    }
    assert_eq!(seen, watched);
    let cursor = rig.ok("/v1/prices?limit=1").await.body["next"].as_str().unwrap().to_owned();
    rig.engine.unwatch(&watched[0]).await.unwrap();
    rig.refused(400, "bad_cursor", &[&format!("/v1/prices?limit=1&cursor={cursor}")]).await;
    rig.stop().await;
}

#[tokio::test]
async fn fields_are_chosen_by_name() {
    let rig = Rig::start().await;
    let reply = rig.ok("/v1/prices?ids=bitcoin&fields=price,id").await;
    assert_eq!(reply.items()[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "price"]);
    let whole = rig.ok("/v1/prices?ids=bitcoin").await;
    let mut names: Vec<_> = whole.items()[0].as_object().unwrap().keys().cloned().collect();
    names.sort_unstable();
    let described = rig.document.0["paths"]["/v1/prices"]["get"]["parameters"].as_array().unwrap();
    let fields = described.iter().find(|parameter| parameter["name"] == "fields").unwrap();
    assert_eq!(fields["schema"]["items"]["enum"], serde_json::json!(names), "each field can be chosen");
    for fields in ["", "cost", "price,", "price, id"] {
        rig.refused(400, "unknown_field", &[&format!("/v1/prices?fields={fields}")]).await;
    }
    rig.stop().await;
}

#[tokio::test]
async fn two_hundred_and_fifty_ids_are_the_most() {
    let rig = Rig::start().await;
    let many = |count: usize, length: usize| {
        (0..count).map(|place| format!("{place:0>length$}")).collect::<Vec<_>>().join(",")
    };
    let reply = rig.ok(&format!("/v1/prices?ids={}", many(250, 128))).await;
    assert_eq!(reply.items().len(), 250, "and all of them stand on one page");
    rig.refused(400, "invalid", &[&format!("/v1/prices?ids={}", many(251, 3))]).await;
    rig.refused(400, "invalid", &[&format!("/v1/prices?ids={}", ["bitcoin"; 251].join(","))]).await;
    rig.stop().await;
}

#[tokio::test]
async fn wrong_questions_are_refused_by_name() {
    let rig = Rig::start().await;
    for query in [
        "ids=",
        "ids=,",
        "ids=a,,b",
        "ids=a/b",
        "ids=a b",
        "ids=..",
        "ids=%FF",
        "ids=%00",
        "ids=a&ids=b",
        "id=a",
        "limit=0",
        "limit=501",
        "limit=x",
        "limit[gt]=1",
        "ids=bitcoin&unknown=1",
        "ids=%F0%9F%A6%86",
    ] {
        rig.refused(400, "invalid", &[&format!("/v1/prices?{query}")]).await;
    }
    rig.stop().await;
}
