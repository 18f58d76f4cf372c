//! The watched tokens.

use eider_market::{Currency, MarketError};
use limits::Priority;

use crate::rig::{Rig, TestTime, id};
use crate::scripted::Scripted;

fn symbols(rig: &Rig) -> Vec<String> {
    rig.market.watchlist().into_iter().map(|token| token.symbol).collect()
}

#[tokio::test]
async fn the_list_starts_with_five_tokens_and_keeps_its_order_across_restarts() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    assert_eq!(symbols(&rig), ["DUCK", "TON", "ETH", "BTC", "USDT"]);
    rig.market.watch(&id("bitcoin"), Some(0)).await.unwrap();
    rig.market.watch(&id("pepe"), Some(1)).await.unwrap();
    rig.market.watch(&id("ethereum"), None).await.unwrap();
    rig.market.watch(&id("tether"), Some(99)).await.unwrap();
    rig.market.unwatch(&id("the-open-network")).await.unwrap();
    let expected = ["BTC", "PEPE", "DUCK", "ETH", "USDT"];
    assert_eq!(symbols(&rig), expected, "watching again without a position moves nothing");
    assert!(rig.market.is_watched(&id("pepe")) && !rig.market.is_watched(&id("the-open-network")));
    rig.close().await;
    let rig = Rig::open(folder.path(), source, &time).await;
    assert_eq!(symbols(&rig), expected);
    rig.close().await;
}

#[tokio::test]
async fn a_list_that_was_emptied_stays_empty() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let rig = Rig::open(folder.path(), Scripted::new(&time), &time).await;
    for id in rig.market.watched_ids() {
        rig.market.unwatch(&id).await.unwrap();
    }
    rig.close().await;
    let rig = Rig::open(folder.path(), Scripted::new(&time), &time).await;
    assert!(rig.market.watchlist().is_empty());
    assert_eq!(rig.market.process_queue().await.batches, 0);
    rig.close().await;
}

#[tokio::test]
async fn the_list_is_bounded_and_a_full_one_can_still_be_ordered() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let rig = Rig::open(folder.path(), Scripted::new(&time), &time).await;
    for n in 0..245 {
        rig.market.watch(&id(&format!("token-{n}")), None).await.unwrap();
    }
    let refused = rig.market.watch(&id("one-more"), None).await.unwrap_err();
    assert!(matches!(refused, MarketError::WatchlistFull { bound: 250 }));
    rig.market.watch(&id("token-244"), Some(0)).await.unwrap();
    assert_eq!(rig.market.watched_ids()[0], id("token-244"));
    rig.close().await;
}

#[tokio::test]
async fn a_new_token_is_wished_for_and_a_removed_one_no_longer() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let rig = Rig::open(folder.path(), Scripted::new(&time), &time).await;
    let mut changes = rig.market.changes();
    rig.market.watch(&id("pepe"), None).await.unwrap();
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    assert_eq!(rig.market.pending().waiting, [0, 1, 0, 0]);
    rig.market.unwatch(&id("pepe")).await.unwrap();
    assert!(changes.has_changed().unwrap());
    assert_eq!(rig.market.pending().waiting, [0; 4]);
    rig.close().await;
}

#[tokio::test]
async fn changes_made_at_the_same_moment_are_all_kept() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let rig = Rig::open(folder.path(), Scripted::new(&time), &time).await;
    let names: Vec<_> = (0..20).map(|n| id(&format!("token-{n}"))).collect();
    let changes = futures::future::join_all(names.iter().map(|id| rig.market.watch(id, Some(0)))).await;
    assert!(changes.into_iter().all(|change| change.is_ok()));
    assert_eq!(rig.market.watchlist().len(), 25);
    rig.close().await;
}

#[tokio::test]
async fn another_currency_is_another_set_of_quotes() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let rig = Rig::open(folder.path(), Scripted::new(&time), &time).await;
    let eur = Currency::new("eur").unwrap();
    rig.market.schedule_watchlist(Priority::Normal);
    rig.market.process_queue().await;
    rig.market.set_currency(eur.clone());
    assert_eq!((rig.market.currency(), rig.market.pending().waiting), (eur.clone(), [0, 5, 0, 0]));
    let ids = rig.market.watched_ids();
    assert!(rig.market.quotes(&ids, &eur).await.iter().all(|quoted| quoted.price.is_none()));
    rig.market.process_queue().await;
    assert!(rig.market.quotes(&ids, &eur).await.iter().all(|quoted| quoted.price.is_some()));
    rig.close().await;
}
