//! The provider's own log proves that its limit is never passed.

use std::time::Duration;

use eider_engine::api::Range;

use crate::provider::Provider;
use crate::rig::{Rig, Seen};

const MINUTE: Duration = Duration::from_secs(60);

/// Asks for many different things at once, as an impatient person with several windows would.
async fn press(rig: &Rig) {
    let asking = (0..40).map(|n| {
        let engine = rig.engine.clone();
        tokio::spawn(async move {
            let id = format!("token-{n}");
            let (history, token) = tokio::join!(engine.history(&id, Range::Month), engine.token(&id));
            // Refused or not does not matter here, only what the provider sees.
            drop((history, token));
        })
    });
    let asking: Vec<_> = asking.collect();
    for task in asking {
        task.abort();
        let _ = task.await;
    }
}

#[tokio::test]
async fn no_minute_holds_more_calls_than_the_limit_also_across_restarts() {
    let provider = Provider::start().await;
    let mut folder = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let rig = Rig::start_in(folder, &provider, "rate_limit_per_minute = 7\nattempts = 2").await;
        if round == 0 {
            provider.until("/", |calls| calls.len() >= 5).await;
        }
        press(&rig).await;
        let engine = rig.engine.clone();
        let asked = (0..20).map(|n| {
            let engine = engine.clone();
            async move { engine.history(&format!("asked-{n}"), Range::Week).await }
        });
        let answers = futures::future::join_all(asked).await;
        assert!(
            answers.iter().flatten().any(|history| history.problem.is_some()),
            "some must have been refused"
        );
        folder = rig.stop().await;
    }
    let log = provider.calls("/");
    assert_eq!(log.len(), 7, "three engines within a minute share one window: {log:#?}");
    assert!(provider.busiest(MINUTE) <= 7);
}

#[tokio::test]
async fn when_the_minute_is_over_calls_resume_and_still_no_window_holds_more() {
    let provider = Provider::start().await;
    let rig = Rig::start(&provider, "rate_limit_per_minute = 5").await;
    let engine = rig.engine.clone();
    let asking = tokio::spawn(async move {
        for n in 0.. {
            // As a client does: ask, and where it is refused, come back when it is told to.
            let refused =
                engine.history(&format!("token-{n}"), Range::Week).await.ok().and_then(|told| told.problem);
            let wait_ms = refused.and_then(|problem| problem.retry_after_ms).unwrap_or(0);
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
    });
    let resumed = async {
        while provider.calls("/").len() < 9 {
            let known = provider.calls("/").len();
            provider.more_than(known).await;
        }
    };
    tokio::time::timeout(3 * MINUTE, resumed).await.expect("calls resume after a minute");
    asking.abort();
    assert!(provider.busiest(MINUTE) <= 5, "{:#?}", provider.calls("/"));
    rig.stop().await;
}

#[tokio::test]
async fn a_hundred_watched_tokens_cost_one_call_a_refresh() {
    let provider = Provider::start().await;
    let rig = Rig::start(&provider, "rate_limit_per_minute = 1000").await;
    for id in rig.engine.watched() {
        rig.engine.unwatch(&id).await.unwrap();
    }
    for n in 0..100 {
        rig.engine.watch(&format!("token-{n}"), None).await.unwrap();
    }
    let mut seen = Seen::new(&rig.engine);
    seen.until(|seen| seen.quotes.len() == 100 && seen.quotes.iter().all(|quote| quote.price.is_some()))
        .await;
    let before = provider.calls("/simple/price").len();
    let fetched = |seen: &Seen| {
        seen.quotes
            .iter()
            .filter_map(|quote| Some(quote.provenance.as_ref()?.fetched_at_ms))
            .min()
            .unwrap_or(0)
    };
    let newest =
        seen.quotes.iter().filter_map(|quote| Some(quote.provenance.as_ref()?.fetched_at_ms)).max().unwrap();
    rig.engine.refresh().await.unwrap();
    seen.until(|seen| fetched(seen) > newest).await;
    let calls = provider.calls("/simple/price").split_off(before);
    assert_eq!(calls.iter().map(|call| call.ids().len()).collect::<Vec<_>>(), [100]);
    rig.stop().await;
}

#[tokio::test]
async fn a_refresh_comes_by_itself_at_the_configured_interval() {
    let provider = Provider::start().await;
    let rig = Rig::start(&provider, "rate_limit_per_minute = 1000\nrefresh_interval_s = 5").await;
    let _looking = Seen::new(&rig.engine);
    let calls = provider.until("/simple/price", |calls| calls.len() >= 3).await;
    let pause = calls[2].at - calls[1].at;
    assert!(pause >= Duration::from_millis(4500), "{pause:?}");
    rig.stop().await;
}
