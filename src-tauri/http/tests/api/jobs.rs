//! `/v1/jobs` and `/v1/queues`

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::rig::{Reply, Rig};

impl Rig {
    async fn post(&self, path: &str) -> Reply {
        self.send(self.request("POST", path)).await
    }

    fn adding(&self, job: &Value) -> RequestBuilder {
        self.request("POST", "/v1/jobs").json(job)
    }

    async fn added(&self, job: Value) -> i64 {
        let reply = self.send(self.adding(&job)).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.body["id"].as_i64().unwrap()
    }

    /// The job, once it is in this state.
    async fn job_in(&self, id: i64, state: &str) -> Value {
        let waited = async {
            loop {
                let job = self.ok(&format!("/v1/jobs/{id}")).await.body;
                if job["job"]["state"] == state {
                    return job;
                }
                tokio::task::yield_now().await;
            }
        };
        let patience = std::time::Duration::from_secs(30);
        tokio::time::timeout(patience, waited).await.unwrap_or_else(|_| panic!("job {id} is never {state}"))
    }
}

/// Nobody but the test adds to the low queue while it is paused.
async fn with_low_paused() -> Rig {
    let rig = Rig::start().await;
    let paused = rig.post("/v1/queues/low/pause").await;
    assert_eq!((paused.status, &paused.body["paused"]), (200, &json!(true)));
    rig
}

fn roll_up() -> Value {
    json!({ "kind": "HISTORY_ROLLUP", "payload": {} })
}

#[tokio::test]
async fn a_job_is_added_runs_and_tells_what_it_brought() {
    let rig = Rig::start().await;
    let reply =
        rig.send(rig.adding(&json!({ "kind": "PRICE_REFRESH", "payload": { "ids": ["bitcoin"] } }))).await;
    assert_eq!((reply.status, &reply.body["existing"]), (201, &json!(false)));
    let id = reply.body["id"].as_i64().unwrap();
    assert_eq!(reply.header("location"), format!("/v1/jobs/{id}"));
    let job = rig.job_in(id, "done").await;
    assert_eq!((&job["job"]["about"], &job["why"]), (&json!("bitcoin"), &Value::Null));
    assert!(job["result"].as_str().unwrap().contains("\"updated\": "), "{job}");
    assert_eq!(job["timeline"][0]["outcome"], "done");
    rig.stop().await;
}

#[tokio::test]
async fn a_waiting_job_tells_why_and_is_cancelled_run_again_and_discarded() {
    let rig = with_low_paused().await;
    let id = rig.added(roll_up()).await;
    let job = rig.ok(&format!("/v1/jobs/{id}")).await.body;
    assert_eq!((&job["job"]["state"], &job["why"]["code"]), (&json!("waiting"), &json!("paused")));
    assert_eq!(rig.post(&format!("/v1/jobs/{id}/retry")).await.code(), "not_allowed");
    let early = rig.send(rig.request("DELETE", &format!("/v1/jobs/{id}"))).await;
    assert_eq!((early.status, early.code()), (409, "not_allowed"));

    let cancelled = rig.post(&format!("/v1/jobs/{id}/cancel")).await;
    assert_eq!((cancelled.status, &cancelled.body["job"]["state"]), (200, &json!("cancelled")));
    let again = rig.post(&format!("/v1/jobs/{id}/cancel")).await;
    assert_eq!((again.status, again.code()), (409, "not_allowed"));

    let retried = rig.post(&format!("/v1/jobs/{id}/retry")).await;
    assert_eq!((retried.status, &retried.body["job"]["state"]), (200, &json!("waiting")));
    assert_eq!(rig.post("/v1/queues/low/resume").await.body["paused"], false);
    rig.job_in(id, "done").await;
    assert_eq!(rig.send(rig.request("DELETE", &format!("/v1/jobs/{id}"))).await.status, 204);
    rig.refused(404, "unknown_job", &[&format!("/v1/jobs/{id}")]).await;
    rig.stop().await;
}

#[tokio::test]
async fn the_same_key_gives_the_same_job_and_another_request_with_it_is_refused() {
    let rig = with_low_paused().await;
    let send = |key: &str, job: &Value| rig.send(rig.adding(job).header("Idempotency-Key", key));
    let first = send("one", &roll_up()).await;
    let again = send("one", &roll_up()).await;
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!((&again.body["id"], &again.body["existing"]), (&first.body["id"], &json!(true)));
    let other = send("one", &json!({ "kind": "RETENTION", "payload": {} })).await;
    assert_eq!((other.status, other.code()), (422, "key_reused"));
    let refused = send("two", &json!({ "kind": "NONE" })).await;
    assert_eq!((refused.status, refused.code()), (400, "unknown_kind"));
    assert_eq!(send("two", &roll_up()).await.status, 201, "what was refused has taken no key");
    assert_eq!(send(&"k".repeat(256), &roll_up()).await.code(), "invalid");
    let twice = rig.adding(&roll_up()).header("Idempotency-Key", "a").header("Idempotency-Key", "b");
    assert_eq!(rig.send(twice).await.status, 400);

    // A job key holds while the job is open.
    let keyed = json!({ "kind": "RETENTION", "payload": {}, "key": "mine" });
    let id = rig.added(keyed.clone()).await;
    let again = rig.send(rig.adding(&keyed)).await;
    assert_eq!((again.status, again.body["id"].as_i64()), (200, Some(id)));
    rig.stop().await;
}

#[tokio::test]
async fn what_is_out_of_its_range_is_refused_with_the_field_and_the_range() {
    let rig = Rig::start().await;
    let base = roll_up();
    let with = |field: &str, value: Value| {
        let mut job = base.clone();
        job[field] = value;
        job
    };
    for (job, code, said) in [
        (json!({ "kind": "NONE", "payload": {} }), "unknown_kind", "PRICE_REFRESH"),
        (with("queue", json!("nowhere")), "invalid", "critical, high, normal, low"),
        (with("payload", json!({ "more": 1 })), "bad_payload", "more"),
        (
            json!({ "kind": "PRICE_REFRESH", "payload": { "ids": vec!["bitcoin"; 251] } }),
            "bad_payload",
            "at most 250",
        ),
        (json!({ "kind": "PRICE_REFRESH", "payload": { "ids": ["bitcoin", 7] } }), "bad_payload", "ids[1]: "),
        (with("priority", json!("urgent")), "invalid", "critical"),
        (with("delay_ms", json!(-1)), "invalid", "delay_ms"),
        (with("delay_ms", json!(40_000_000_000_i64)), "invalid", "366 days"),
        (with("run_at_ms", json!(-5)), "invalid", "run_at_ms"),
        (with("attempts", json!(0)), "invalid", "1 to 100"),
        (with("key", json!("")), "invalid", "1 to 256"),
        (with("batch", json!("b".repeat(65))), "invalid", "1 to 64"),
        (with("unknown", json!(1)), "invalid", "unknown"),
        (with("kind", json!(7)), "invalid", "kind"),
    ] {
        let reply = rig.send(rig.adding(&job)).await;
        assert_eq!((reply.status, reply.code()), (400, code), "{job}: {}", reply.body);
        assert!(reply.body["detail"].as_str().unwrap().contains(said), "{said}: {}", reply.body);
    }
    let both =
        json!({ "kind": "RETENTION", "payload": {}, "delay_ms": 1, "run_at_ms": 2_000_000_000_000_i64 });
    assert_eq!(rig.send(rig.adding(&both)).await.code(), "invalid");
    let large = json!({ "kind": "PRICE_REFRESH", "payload": { "ids": ["x".repeat(70_000)] } });
    assert_eq!(rig.send(rig.adding(&large)).await.status, 413);
    let huge = json!({ "kind": "PRICE_REFRESH", "payload": { "ids": ["x".repeat(200_000)] } });
    assert_eq!(rig.send(rig.adding(&huge)).await.status, 413);
    let text = rig.request("POST", "/v1/jobs").body("kind=NONE").header("content-type", "text/plain");
    assert_eq!(rig.send(text).await.status, 415);
    for body in
        [json!({ "concurrency": 0 }), json!({ "concurrency": 1001 }), json!({}), json!({ "concurrency": -1 })]
    {
        let reply = rig.send(rig.request("POST", "/v1/queues/low/concurrency").json(&body)).await;
        assert_eq!((reply.status, reply.code()), (400, "invalid"), "{body}");
    }
    for action in ["pause", "resume", "drain"] {
        let reply = rig.post(&format!("/v1/queues/nowhere/{action}")).await;
        assert_eq!((reply.status, reply.code()), (404, "unknown_queue"));
    }
    rig.stop().await;
}

#[tokio::test]
async fn lists_are_pages_by_filter_and_their_cursors_cannot_be_made_up() {
    let rig = with_low_paused().await;
    for _ in 0..5 {
        rig.added(roll_up()).await;
    }
    let other = rig.added(json!({ "kind": "RETENTION", "payload": {}, "delay_ms": 60_000 })).await;
    let ids = |reply: &Reply| -> Vec<i64> {
        reply.items().iter().map(|item| item["id"].as_i64().unwrap()).collect()
    };
    let list = "/v1/jobs?kind[eq]=HISTORY_ROLLUP&state[in]=waiting,running&queue=low&limit=2";
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = rig.ok(&format!("{list}{cursor}")).await;
        assert!(page.items().len() <= 2);
        all.extend(ids(&page));
        let Some(next) = page.body["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(all.len(), 5);
    assert!(all.windows(2).all(|pair| pair[0] > pair[1]), "newest first: {all:?}");
    let scheduled = rig.ok("/v1/jobs?state=scheduled&kind[in]=RETENTION,HISTORY_ROLLUP").await;
    assert_eq!(ids(&scheduled), [other]);
    let created = scheduled.items()[0]["created_at_ms"].as_i64().unwrap();
    let around = |op: &str| format!("/v1/jobs?kind=RETENTION&created_at_ms[{op}]={created}");
    for (op, found) in [("gte", 1), ("lte", 1), ("gt", 0), ("lt", 0)] {
        assert_eq!(rig.ok(&around(op)).await.items().len(), found, "{op}");
    }
    let fields = rig.ok("/v1/jobs?limit=1&fields=id,state").await;
    assert_eq!(fields.items()[0].as_object().unwrap().len(), 2);

    // A cursor of this list, of another filter, and one that was tampered with.
    let next = rig.ok(list).await.body["next"].as_str().unwrap().to_owned();
    let mut bent = next.clone().into_bytes();
    bent[3] = if bent[3] == b'A' { b'B' } else { b'A' };
    let bent = String::from_utf8(bent).unwrap();
    rig.refused(
        400,
        "bad_cursor",
        &[
            &format!("{list}&cursor={bent}"),
            &format!("/v1/jobs?limit=2&cursor={next}"),
            "/v1/jobs?cursor=AAAA",
        ],
    )
    .await;
    rig.refused(
        400,
        "invalid",
        &[
            "/v1/jobs?limit=0",
            "/v1/jobs?limit=501",
            "/v1/jobs?state=lost",
            "/v1/jobs?state[in]=waiting,lost",
            "/v1/jobs?state=done&state[in]=failed",
            "/v1/jobs?queue[like]=lo",
            "/v1/jobs?queue=lowest",
            "/v1/jobs?queue[in]=low,lowest",
            "/v1/jobs?created_at_ms[gte]=yesterday",
            "/v1/jobs/first",
        ],
    )
    .await;
    rig.refused(400, "unknown_field", &["/v1/jobs?fields=payload"]).await;
    rig.stop().await;
}

#[tokio::test]
async fn queues_and_kinds_tell_what_there_is_and_concurrency_is_changed_while_running() {
    let rig = with_low_paused().await;
    rig.added(roll_up()).await;
    let queues = rig.ok("/v1/queues").await;
    let names: Vec<&str> = queues.items().iter().map(|queue| queue["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["critical", "high", "normal", "low"]);
    let low = &queues.items()[3];
    assert_eq!((&low["paused"], &low["counts"]["waiting"]), (&json!(true), &json!(1)));
    assert_eq!(low["waiting_by_priority"]["low"], 1);
    let change = rig.request("POST", "/v1/queues/low/concurrency").json(&json!({ "concurrency": 5 }));
    assert_eq!(rig.send(change).await.body["concurrency"], 5);

    assert_eq!(rig.post("/v1/queues/low/drain").await.body["draining"], true);
    let refused = rig.send(rig.adding(&roll_up())).await;
    assert_eq!((refused.status, refused.code()), (409, "queue_draining"));

    let kinds = rig.ok("/v1/jobs/kinds").await;
    for kind in kinds.items() {
        // What is told to be accepted is.
        let payload: Value = serde_json::from_str(kind["example_payload"].as_str().unwrap()).unwrap();
        let job = json!({ "kind": kind["kind"], "payload": payload, "queue": "high", "delay_ms": 3_600_000 });
        let reply = rig.send(rig.adding(&job)).await;
        assert!(matches!(reply.status, 200 | 201), "{}", reply.body);
    }
    rig.stop().await;
}

#[tokio::test]
async fn a_job_whose_key_an_open_one_has_is_not_run_again() {
    let rig = Rig::start().await;
    let keyed =
        json!({ "kind": "RETENTION", "payload": {}, "key": "mine", "queue": "normal", "priority": "normal" });
    let first = rig.added(keyed.clone()).await;
    rig.job_in(first, "done").await;
    let mut later = keyed;
    later["delay_ms"] = json!(3_600_000);
    rig.added(later).await;
    let refused = rig.post(&format!("/v1/jobs/{first}/retry")).await;
    assert_eq!((refused.status, refused.code()), (409, "not_allowed"));
    rig.stop().await;
}

#[tokio::test]
async fn a_full_queue_refuses_with_the_time_to_come_back() {
    let rig = Rig::with_config("[jobs]\nqueue_bound = 100\n").await;
    assert_eq!(rig.post("/v1/queues/low/pause").await.status, 200);
    // The engine's own jobs count too.
    let mut taken = 0;
    let refused = loop {
        let reply = rig.send(rig.adding(&roll_up())).await;
        if reply.status != 201 {
            break reply;
        }
        taken += 1;
        assert!(taken <= 100, "the bound does not hold");
    };
    assert_eq!((refused.status, refused.code()), (503, "queue_full"));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
    rig.stop().await;
}
