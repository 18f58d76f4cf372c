//! `/v1/tokens/{id}/history`

use engine::api::Range;

use crate::rig::Rig;

const ID: &str = "the-open-network";

fn times(items: &[serde_json::Value]) -> Vec<i64> {
    items.iter().map(|item| item["at_ms"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn every_range_is_told_newest_first() {
    let rig = Rig::start().await;
    for range in ["1h", "24h", "7d", "30d", "1y"] {
        let reply = rig.ok(&format!("/v1/tokens/{ID}/history?range={range}&limit=500")).await;
        let times = times(reply.items());
        assert!(times.len() > 5 && times.is_sorted_by(|newer, older| newer > older), "{range}: {times:?}");
        let page = &reply.body;
        assert_eq!((&page["id"], &page["range"]), (&ID.into(), &range.into()));
        assert_eq!((&page["currency"], &page["source"]), (&"usd".into(), &"Simulator".into()));
        assert_eq!(page["as_of_ms"], times[0], "{range}");
        assert!(page["cache_level"].is_string() && page["problem"].is_null(), "{page}");
    }
    let default = rig.ok(&format!("/v1/tokens/{ID}/history")).await;
    assert_eq!((&default.body["range"], default.items().len()), (&"24h".into(), 50));
    rig.stop().await;
}

#[tokio::test]
async fn the_pages_hold_the_whole_history_once() {
    let rig = Rig::start().await;
    for (range, name, limit) in [(Range::Day, "24h", 7), (Range::Week, "7d", 1), (Range::Year, "1y", 500)] {
        let known = rig.engine.history(ID, range).await.unwrap().at_ms;
        let first = format!("/v1/tokens/{ID}/history?range={name}&limit={limit}");
        let (mut path, mut paged) = (first.clone(), Vec::new());
        loop {
            let page = rig.ok(&path).await;
            assert!((1..=limit).contains(&page.items().len()));
            paged.extend(times(page.items()));
            let Some(next) = page.body["next"].as_str() else { break };
            path = format!("{first}&cursor={next}");
        }
        assert!(paged.is_sorted_by(|newer, older| newer > older), "{name}: a point came twice");
        // While the pages are read, the newest point moves on and the oldest may leave the range.
        for at_ms in &known[1..known.len() - 1] {
            assert!(paged.contains(at_ms), "{name} lacks {at_ms}");
        }
        assert!(paged.len().abs_diff(known.len()) <= 1, "{name}: {} of {}", paged.len(), known.len());
    }
    rig.stop().await;
}

#[tokio::test]
async fn a_cursor_that_was_changed_or_is_of_another_list_is_refused() {
    let rig = Rig::start().await;
    let list = |id: &str, range: &str| format!("/v1/tokens/{id}/history?range={range}&limit=5");
    let page = rig.ok(&list(ID, "24h")).await;
    let cursor = page.body["next"].as_str().unwrap();
    rig.ok(&format!("{}&cursor={cursor}", list(ID, "24h"))).await;
    rig.ok(&format!("{}&cursor={cursor}", list(ID, "24h").replace("limit=5", "limit=9"))).await;
    for place in 0..cursor.len() {
        let other = if &cursor[place..=place] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &cursor[..place], &cursor[place + 1..]);
        rig.refused(400, "bad_cursor", &[&format!("{}&cursor={changed}", list(ID, "24h"))]).await;
    }
    let twice = format!("{cursor}{cursor}");
    for wrong in ["", "A", "%00", "null", "%F0%9F%A6%86", &cursor[..31], &twice, &format!("{cursor}=")] {
        rig.refused(400, "bad_cursor", &[&format!("{}&cursor={wrong}", list(ID, "24h"))]).await;
    }
    for other in [list(ID, "7d"), list("bitcoin", "24h"), "/v1/prices?limit=1".to_owned()] {
        rig.refused(400, "bad_cursor", &[&format!("{other}&cursor={cursor}")]).await;
    }
    rig.stop().await;
}

#[tokio::test]
async fn fields_are_chosen_by_name() {
    let rig = Rig::start().await;
    let reply = rig.ok(&format!("/v1/tokens/{ID}/history?fields=price,at_ms&limit=3")).await;
    for item in reply.items() {
        let names: Vec<_> = item.as_object().unwrap().keys().collect();
        assert_eq!(names, ["at_ms", "price"]);
    }
    let all = rig.ok(&format!("/v1/tokens/{ID}/history?limit=1")).await;
    let names: Vec<_> = all.items()[0].as_object().unwrap().keys().cloned().collect();
    rig.ok(&format!("/v1/tokens/{ID}/history?fields={}", names.join(","))).await;
    for fields in ["", "cost", "price,", "price,cost", " price", "price%2C%2Cat_ms"] {
        rig.refused(400, "unknown_field", &[&format!("/v1/tokens/{ID}/history?fields={fields}")]).await;
    }
    rig.stop().await;
}

#[tokio::test]
async fn wrong_questions_are_refused_by_name() {
    let rig = Rig::start().await;
    for query in [
        "range=2h",
        "range=",
        "range=24H",
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=",
        "limit=many",
        "limit=1.5",
        "limit=99999999999999999999",
        "limit=1&limit=2",
        "page=2",
        "ids=bitcoin",
        "range[eq]=1h",
    ] {
        rig.refused(400, "invalid", &[&format!("/v1/tokens/{ID}/history?{query}")]).await;
    }
    let long = "x".repeat(129);
    for id in
        ["a%2Fb", "%2e%2e%2f", "a%20b", "%FF", "%00", "%F0%9F%A6%86", "a,b", "a%0d%0ab", "%E2%80%AE", &long]
    {
        rig.refused(400, "invalid", &[&format!("/v1/tokens/{id}/history")]).await;
    }
    rig.refused(404, "unknown_token", &["/v1/tokens/no-such-token/history", "/v1/tokens/_/history"]).await;
    rig.refused(404, "no_such_route", &["/v1/tokens/x", "/v1/tokens/x/history/"]).await;
    for (query, named) in
        [("limit=501", "501"), ("page=2", "page"), ("range=2h", "range"), ("limit=x", "limit")]
    {
        let reply = rig.get(&format!("/v1/tokens/{ID}/history?{query}")).await;
        assert!(reply.body["detail"].as_str().unwrap().contains(named), "{}", reply.body);
    }
    rig.stop().await;
}
