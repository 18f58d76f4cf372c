//! B1 and B2: what becomes of wishes for updates.

use std::sync::Arc;

use eider_market::{Market, MarketConfig, Plan, Scheduled, TokenId};
use limits::Priority;
use serde_json::{Value, json};

use crate::provider::{Provider, json, reply};
use crate::rig::{MINUTE_MS, Rig, START_MS, TestTime, id, usd};
use crate::scripted::Scripted;

async fn price(market: &Market, token: &str) -> Option<f64> {
    market.quotes(&[id(token)], &usd()).await.pop().unwrap().price.map(|(price, _)| price.price)
}

#[tokio::test]
async fn a_hundred_watched_tokens_cost_one_call() {
    let provider = Provider::start(|seen| {
        assert_eq!(seen.path, "/api/v3/simple/price");
        let prices: serde_json::Map<String, Value> = seen
            .ids()
            .into_iter()
            .map(|id| (id.to_owned(), json!({"usd": 7.8e-11, "last_updated_at": START_MS / 1000})))
            .collect();
        Some(json(&Value::Object(prices)))
    })
    .await;
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let rig = Rig::open(folder.path(), Arc::new(provider.client(Plan::Keyless, time.clock())), &time).await;
    for n in 0..95 {
        rig.market.watch(&id(&format!("token-{n}")), None).await.unwrap();
    }
    rig.market.schedule_watchlist(Priority::Normal);
    let processed = rig.market.process_queue().await;
    assert_eq!((processed.batches, processed.updated, provider.calls()), (1, 100, 1));
    assert_eq!(provider.log()[0].ids().len(), 100);
    assert_eq!(price(&rig.market, "token-94").await, Some(7.8e-11));
    assert!(processed.problem.is_none());
    rig.close().await;
}

#[tokio::test]
async fn wishes_for_one_token_are_one_call_and_one_more_if_made_while_it_runs() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    assert_eq!(rig.market.schedule_update(&id("bitcoin")), Scheduled::Added);
    assert_eq!(rig.market.schedule_update(&id("bitcoin")), Scheduled::Waiting);
    rig.market.work_arrived().await;

    let held = source.gate.forget_permits(usize::MAX);
    let draining = tokio::spawn({
        let market = rig.market.clone();
        async move { market.process_queue().await }
    });
    source.entered.notified().await;
    assert_eq!(rig.market.schedule_update(&id("bitcoin")), Scheduled::Again);
    assert_eq!(rig.market.schedule_update(&id("bitcoin")), Scheduled::Again);
    assert_eq!(rig.market.pending().running, 1);
    assert_eq!(rig.market.process_queue().await.batches, 0, "never twice at a time");
    source.gate.add_permits(held);
    assert_eq!(draining.await.unwrap().batches, 2);
    assert_eq!(source.calls(), ["prices 1", "prices 1"]);
    assert_eq!(rig.market.pending(), eider_market::Pending::default());
    rig.close().await;
}

#[tokio::test]
async fn a_drain_that_is_given_up_puts_back_what_it_took() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    rig.market.schedule_update_at(&id("bitcoin"), Priority::High);
    let held = source.gate.forget_permits(usize::MAX);
    let draining = tokio::spawn({
        let market = rig.market.clone();
        async move { market.process_queue().await }
    });
    source.entered.notified().await;
    draining.abort();
    assert!(draining.await.unwrap_err().is_cancelled());
    assert_eq!((rig.market.pending().waiting, rig.market.pending().running), ([0, 1, 0, 0], 0));
    source.gate.add_permits(held);
    assert_eq!(rig.market.process_queue().await.updated, 1);
    rig.close().await;
}

#[tokio::test]
async fn failed_tokens_wait_out_a_pause_and_old_quotes_stay() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    let market = &rig.market;
    market.schedule_update(&id("bitcoin"));
    market.process_queue().await;
    let old = price(market, "bitcoin").await;

    source.set_down(true);
    time.pass_ms(6 * MINUTE_MS);
    market.schedule_update(&id("bitcoin"));
    let processed = market.process_queue().await;
    assert_eq!((processed.failed, processed.problem.unwrap().code()), (1, "source_unreachable"));
    assert_eq!(market.problem().unwrap().code(), "source_unreachable");
    let quoted = market.quotes(&[id("bitcoin")], &usd()).await.pop().unwrap();
    assert_eq!(quoted.price.as_ref().map(|(price, _)| price.price), old);
    assert!(quoted.price.unwrap().1.stale);

    source.set_down(false);
    assert_eq!(market.process_queue().await.batches, 0, "the pause is not over");
    time.pass_ms(market.next_due_ms().unwrap() - time.now_ms());
    assert_eq!(market.process_queue().await.updated, 1);
    assert!(market.problem().is_none() && price(market, "bitcoin").await != old);
    rig.close().await;
}

#[tokio::test]
async fn a_pause_the_provider_asks_for_is_kept() {
    let provider = Provider::start(|_| Some(reply(429, &[("retry-after", "119")], ""))).await;
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let rig = Rig::open(folder.path(), Arc::new(provider.client(Plan::Keyless, time.clock())), &time).await;
    rig.market.schedule_update(&id("bitcoin"));
    let problem = rig.market.process_queue().await.problem.unwrap();
    assert_eq!(problem.code(), "rate_limited");
    assert!(problem.retry_after().unwrap().as_secs() > 100);
    assert!(rig.market.next_due_ms().unwrap() - time.now_ms() > 100_000);
    assert_eq!(provider.calls(), 1);
    rig.close().await;
}

#[tokio::test]
async fn an_unknown_token_is_asked_for_once_in_a_while() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    source.forget(&id("no-such-token"));
    rig.market.schedule_update(&id("no-such-token"));
    let processed = rig.market.process_queue().await;
    assert_eq!((processed.unknown, processed.updated, processed.failed), (1, 0, 0));
    let until_ms = time.now_ms() + 10 * MINUTE_MS;
    assert_eq!(rig.market.schedule_update(&id("no-such-token")), Scheduled::Unknown { until_ms });
    time.pass_ms(10 * MINUTE_MS);
    assert_eq!(rig.market.schedule_update(&id("no-such-token")), Scheduled::Added);
    rig.close().await;
}

#[tokio::test]
async fn a_question_for_prices_asks_only_for_what_is_missing() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    source.forget(&id("no-such-token"));
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    let ids: Vec<TokenId> = ["bitcoin", "ethereum", "no-such-token"].map(id).into();
    rig.market.prices(&ids[..1]).await.unwrap();
    let asked = rig.market.prices(&ids).await.unwrap();
    assert_eq!(source.calls(), ["prices 1", "prices 2"]);
    assert_eq!(
        asked.quotes.iter().map(|quoted| quoted.price.is_some()).collect::<Vec<_>>(),
        [true, true, false]
    );
    assert!(asked.problem.is_none(), "that there is no such token is no failure");
    rig.market.prices(&ids).await.unwrap();
    assert_eq!(source.calls(), Vec::<String>::new());

    source.set_down(true);
    time.pass_ms(6 * MINUTE_MS);
    let asked = rig.market.prices(&ids[..2]).await.unwrap();
    assert_eq!(asked.problem.unwrap().code(), "source_unreachable");
    assert!(asked.quotes.iter().all(|quoted| quoted.price.as_ref().unwrap().1.stale));
    let again = rig.market.prices(&ids[..2]).await.unwrap();
    assert_eq!(
        (source.calls().len(), again.problem.unwrap().code()),
        (1, "source_unreachable"),
        "the pause holds"
    );

    let many: Vec<TokenId> = (0..251).map(|n| id(&format!("t{n}"))).collect();
    assert_eq!(rig.market.prices(&many).await.unwrap_err().code(), "invalid");
    rig.close().await;
}

#[tokio::test]
async fn two_who_ask_for_one_price_wait_for_one_call() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    let held = source.gate.forget_permits(usize::MAX);
    let ask = || {
        let market = rig.market.clone();
        tokio::spawn(async move { market.prices(&[id("bitcoin")]).await })
    };
    let first = ask();
    source.entered.notified().await;
    let second = ask();
    source.gate.add_permits(held);
    for asked in [first.await.unwrap().unwrap(), second.await.unwrap().unwrap()] {
        assert!(asked.quotes[0].price.is_some());
    }
    assert_eq!(source.calls(), ["prices 1"]);
    rig.close().await;
}

#[tokio::test]
async fn the_queue_is_bounded() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let config = MarketConfig { queue: 250, ..MarketConfig::default() };
    let rig = Rig::open_with(folder.path(), Scripted::new(&time), &time, config).await;
    for n in 0..250 {
        assert_eq!(rig.market.schedule_update(&id(&format!("t{n}"))), Scheduled::Added);
    }
    assert_eq!(rig.market.schedule_update(&id("one-more")), Scheduled::Full { bound: 250 });
    rig.close().await;
}

#[tokio::test]
async fn warming_does_not_ask_again_for_what_a_refresh_is_asking_for() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    rig.market.schedule_watchlist(Priority::High);
    let held = source.gate.forget_permits(usize::MAX);
    let draining = tokio::spawn({
        let market = rig.market.clone();
        async move { market.process_queue().await }
    });
    source.entered.notified().await;
    rig.market.warm_essential_cache().await;
    source.gate.add_permits(held);
    assert_eq!(draining.await.unwrap().updated, 5);
    assert_eq!(source.calls().iter().filter(|call| call.starts_with("prices")).count(), 1);
    rig.close().await;
}
