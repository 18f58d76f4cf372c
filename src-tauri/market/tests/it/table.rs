//! The market table, token pages, searches and small lines.

use eider_market::{MarketConfig, Range, Table};

use crate::rig::{HOUR_MS, MINUTE_MS, Rig, TestTime, id, usd};
use crate::scripted::Scripted;

fn ids(table: &Table) -> Vec<&str> {
    table.rows.iter().map(|row| row.token.id.as_str()).collect()
}

#[tokio::test]
async fn the_table_holds_the_largest_and_every_watched_token() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let config = MarketConfig { table_rows: 4, ..MarketConfig::default() };
    let rig = Rig::open_with(folder.path(), source.clone(), &time, config).await;
    let table = rig.market.table(&usd()).await;
    assert_eq!(source.calls(), ["top 4", "rows 2"], "duck and ton are small");
    assert_eq!(ids(&table)[4..], ["duckchain-token", "the-open-network"]);
    assert!(table.rows.iter().all(|row| row.spark_7d.len() == 48) && table.problem.is_none());

    rig.market.watch(&id("pepe"), None).await.unwrap();
    assert_eq!(ids(&rig.market.table(&usd()).await)[6..], ["pepe"]);
    assert_eq!(source.calls(), ["rows 1"], "only the new one is asked for");
    rig.market.table(&usd()).await;
    assert_eq!(source.calls(), Vec::<String>::new());

    source.set_down(true);
    time.pass_ms(11 * MINUTE_MS);
    let old = rig.market.table(&usd()).await;
    assert_eq!((old.rows.len(), old.provenance.as_ref().unwrap().stale), (7, true));
    assert_eq!(old.problem.unwrap().code(), "source_unreachable");
    rig.close().await;
}

#[tokio::test]
async fn a_table_that_cannot_be_had_says_why() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    source.set_down(true);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    let table = rig.market.table(&usd()).await;
    assert!(table.rows.is_empty() && table.provenance.is_none());
    assert_eq!(table.problem.unwrap().code(), "source_unreachable");
    assert_eq!(source.calls(), ["top 250"], "a second question would fail as well");
    rig.close().await;
}

#[tokio::test]
async fn a_watched_token_that_no_source_knows_is_asked_for_once() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    rig.market.watch(&id("no-such-token"), None).await.unwrap();
    rig.market.table(&usd()).await;
    rig.market.table(&usd()).await;
    assert_eq!(source.calls(), ["top 250", "rows 1"]);
    rig.close().await;
}

#[tokio::test]
async fn a_token_page_takes_one_call_a_day_for_its_texts_and_the_newest_numbers_at_hand() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    let view = rig.market.token(&id("duckchain-token"), &usd()).await.unwrap();
    assert_eq!(source.calls(), ["token duckchain-token"], "one reply tells texts and numbers");
    assert!(view.profile.description.is_some() && view.numbers.ath.is_some());

    time.pass_ms(MINUTE_MS);
    rig.market.schedule_update(&id("duckchain-token"));
    rig.market.process_queue().await;
    let view = rig.market.token(&id("duckchain-token"), &usd()).await.unwrap();
    assert_eq!(view.numbers.price, Some(1.0 + (time.now_ms() % 1_000_000) as f64), "the quote is newer");
    assert_eq!((view.numbers.change_24h_pct, view.provenance.as_of_ms), (Some(2.0), time.now_ms() - 1_000));
    assert!(view.numbers.ath.is_some(), "what the quote does not tell stays");

    time.pass_ms(20 * MINUTE_MS);
    source.calls();
    rig.market.token(&id("duckchain-token"), &usd()).await.unwrap();
    assert_eq!(source.calls(), ["rows 1"], "numbers are renewed, texts are not");
    rig.close().await;
}

#[tokio::test]
async fn a_token_page_shows_what_is_known_and_fails_where_nothing_is() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    let unknown = rig.market.token(&id("no-such-token"), &usd()).await.unwrap_err();
    assert_eq!(unknown.code(), "unknown_token");
    rig.market.table(&usd()).await;
    source.set_down(true);
    let view = rig.market.token(&id("pepe"), &usd()).await.unwrap();
    assert_eq!((view.profile.token.symbol.as_str(), view.profile.description), ("PEPE", None));
    assert!(view.numbers.price.is_some());
    let nothing = rig.market.token(&id("never-seen"), &usd()).await.unwrap_err();
    assert_eq!(nothing.code(), "source_unreachable");
    rig.close().await;
}

#[tokio::test]
async fn a_search_is_asked_once_and_its_words_are_bounded() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    let found = rig.market.search("  Pepe ").await.unwrap();
    assert_eq!(found[0].symbol, "PEPE");
    rig.market.search("pepe").await.unwrap();
    assert_eq!(source.calls(), ["search pepe"]);
    for bad in ["", "  ", "a\nb", &"x".repeat(65)] {
        assert_eq!(rig.market.search(bad).await.unwrap_err().code(), "invalid", "{bad:?}");
    }
    rig.market.search(&"ä".repeat(64)).await.unwrap();
    rig.market.watch(&id("pepe"), None).await.unwrap();
    assert_eq!(rig.market.watchlist()[5].name, "Pepe", "its name is known from the search");
    rig.close().await;
}

#[tokio::test]
async fn small_lines_come_from_the_store_and_before_that_from_the_table() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    let ids = [id("bitcoin"), id("tether")];
    assert!(rig.market.sparks(&ids, &usd()).await.unwrap().iter().all(|spark| spark.prices.is_empty()));
    rig.market.table(&usd()).await;
    let from_table = rig.market.sparks(&ids, &usd()).await.unwrap();
    assert!(from_table.iter().all(|spark| (20..=48).contains(&spark.prices.len())), "{from_table:?}");
    rig.market.history(&ids[0], &usd(), Range::Day).await.unwrap();
    let sparks = rig.market.sparks(&ids, &usd()).await.unwrap();
    assert_eq!((sparks[0].prices.len(), &sparks[1]), (48, &from_table[1]));
    time.pass_ms(HOUR_MS);
    let later = rig.market.sparks(&ids[..1], &usd()).await.unwrap();
    assert_eq!(later[0].prices[..46], sparks[0].prices[2..], "two half hours on");
    assert_eq!(later[0].prices[45..], [sparks[0].prices[47]; 3], "a price stands until a newer one comes");
    rig.close().await;
}
