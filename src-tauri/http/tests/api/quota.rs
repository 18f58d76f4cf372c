//! The limits of requests.

use crate::rig::Rig;

async fn refused_at_once(config: &str) {
    let rig = Rig::with_config(config).await;
    // The document, which the rig has read, was the one request of this minute.
    let reply = rig.send(rig.plain("/health")).await;
    assert_eq!((reply.status, reply.code()), (429, "too_many_requests"));
    let wait_ms = reply.body["retry_after_ms"].as_u64().unwrap();
    assert!((1..=60_000).contains(&wait_ms), "{wait_ms}");
    assert_eq!(reply.header("retry-after"), wait_ms.div_ceil(1000).to_string());
    assert_eq!(rig.send(rig.plain("/nowhere")).await.status, 429, "unknown routes count too");
    rig.stop().await;
}

#[tokio::test]
async fn a_client_beyond_its_limit_is_told_when_to_come_back() {
    refused_at_once("[http]\nrequests_per_minute_per_client = 1\n").await;
}

#[tokio::test]
async fn all_together_beyond_the_limit_are_told_when_to_come_back() {
    refused_at_once("[http]\nrequests_per_minute = 1\n").await;
}
