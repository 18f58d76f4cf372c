//! What clients may keep.

use crate::rig::Rig;

#[tokio::test]
async fn what_a_client_has_already_is_not_sent_again() {
    let rig = Rig::start().await;
    let first = rig.get("/openapi.json").await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
    for known in [tag.clone(), "*".to_owned(), format!("\"x\", {tag}"), tag.replace("W/", "")] {
        let reply = rig.send(rig.plain("/openapi.json").header("if-none-match", &known)).await;
        assert_eq!((reply.status, reply.header("etag")), (304, tag.as_str()), "{known}");
    }
    for other in ["\"x\"", "x", "", "W/\"\""] {
        let reply = rig.send(rig.plain("/openapi.json").header("if-none-match", other)).await;
        assert_eq!(reply.status, 200, "{other:?}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn lists_carry_a_tag_and_an_age() {
    let rig = Rig::start().await;
    for (path, control) in [
        ("/v1/prices?ids=bitcoin", "private, max-age=1"),
        ("/v1/tokens/bitcoin/history", "private, max-age=5"),
    ] {
        // A refresh may fall between two questions, hardly between each of several pairs.
        let mut unchanged = 0;
        for _ in 0..10 {
            let tag = rig.ok(path).await.header("etag").to_owned();
            let again = rig.plain(path).bearer_auth(&rig.token).header("if-none-match", tag);
            let reply = rig.send(again).await;
            assert_eq!(reply.header("cache-control"), control, "{path}");
            unchanged += u32::from(reply.status == 304);
        }
        assert!(unchanged > 0, "{path}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn what_changes_by_the_moment_is_never_kept() {
    let rig = Rig::start().await;
    for path in ["/health", "/health/live", "/health/ready", "/metrics", "/nowhere", "/v1/prices?limit=0"] {
        assert_eq!(rig.get(path).await.header("cache-control"), "no-store", "{path}");
    }
    rig.stop().await;
}
