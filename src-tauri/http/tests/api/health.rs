//! The health routes.

use crate::rig::Rig;

#[tokio::test]
async fn health_names_every_service_and_its_state() {
    let rig = Rig::start().await;
    let health = rig.ok("/health").await.body;
    assert_eq!(health["profile"], "demo");
    assert!(health["started_at_ms"].as_i64().unwrap() <= health["now_ms"].as_i64().unwrap());
    let names: Vec<_> =
        health["services"].as_array().unwrap().iter().map(|service| &service["name"]).collect();
    assert_eq!(names, ["market", "database", "cache_database", "metrics_database"]);
    assert_eq!(rig.ok("/health/live").await.body, "live\n");
    assert_eq!(rig.ok("/health/ready").await.body, "ready\n");
    rig.stop().await;
}

#[tokio::test]
async fn an_engine_that_has_stopped_is_alive_but_not_ready() {
    let rig = Rig::start().await;
    rig.engine.stop().await;
    assert_eq!(rig.get("/health").await.status, 200);
    assert_eq!(rig.get("/health/live").await.status, 200);
    rig.refused(503, "stopped", &["/health/ready"]).await;
    let history = rig.get("/v1/tokens/bitcoin/history").await;
    assert_eq!((history.status, history.code()), (503, "closed"));
    rig.stop().await;
}
