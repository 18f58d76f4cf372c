//! Histories: stored, back-filled, kept across restarts, never mixed.

use eider_market::{ChartSpan, Currency, History, Level, MarketConfig, Range, Simulator, Source};
use limits::Attempt;

use crate::rig::{DAY_MS, HOUR_MS, MINUTE_MS, Rig, TestTime, id, usd};
use crate::scripted::Scripted;

fn gaps(history: &History) -> i64 {
    history.points.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms).max().unwrap_or(i64::MAX)
}

#[tokio::test]
async fn a_range_is_fetched_once_and_then_read_from_the_store_even_after_a_restart() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    for range in Range::ALL {
        let history = rig.market.history(&id("bitcoin"), &usd(), range).await.unwrap();
        assert!(history.problem.is_none(), "{range:?}");
        assert!(history.points.len() <= 2_000 && gaps(&history) <= 3 * range.step_ms(), "{range:?}");
        let first = history.points[0].at_ms;
        assert!(first - (time.now_ms() - range.span_ms()) <= 3 * range.step_ms(), "{range:?}");
    }
    assert_eq!(
        source.calls(),
        ["chart bitcoin 1", "chart bitcoin 7", "chart bitcoin 30", "chart bitcoin 365"]
    );
    rig.close().await;

    source.set_down(true);
    std::fs::remove_file(folder.path().join("cache.db")).unwrap();
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    for range in Range::ALL {
        let history = rig.market.history(&id("bitcoin"), &usd(), range).await.unwrap();
        assert!(history.problem.is_none() && history.points.len() > 10, "{range:?}");
        assert_eq!(history.provenance.unwrap().level, Level::Database);
    }
    assert_eq!(source.calls(), Vec::<String>::new());
    rig.close().await;
}

#[tokio::test]
async fn a_history_holds_the_prices_of_its_source() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let rig = Rig::open(folder.path(), Scripted::new(&time), &time).await;
    let told = match Simulator::new(42, time.clock()).chart(&id("bitcoin"), &usd(), ChartSpan::Day).await {
        Attempt::Done(points) => points,
        other => panic!("{other:?}"),
    };
    let history = rig.market.history(&id("bitcoin"), &usd(), Range::Day).await.unwrap();
    assert!(history.points.len() >= 287);
    assert!(history.points.iter().all(|point| told.contains(point)), "to the bit, with volume");
    rig.close().await;
}

#[tokio::test]
async fn refreshes_extend_the_last_hour_and_a_pause_of_the_program_is_filled() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    rig.market.history(&id("bitcoin"), &usd(), Range::Hour).await.unwrap();
    for _ in 0..10 {
        time.pass_ms(MINUTE_MS);
        rig.market.schedule_update(&id("bitcoin"));
        rig.market.process_queue().await;
    }
    let hour = rig.market.history(&id("bitcoin"), &usd(), Range::Hour).await.unwrap();
    assert_eq!(source.calls().iter().filter(|call| call.starts_with("chart")).count(), 1);
    assert_eq!(hour.points.len(), 19, "10 refreshes, and 9 points of the chart before them");
    assert_eq!(hour.points.last().unwrap().at_ms, time.now_ms() - 1_000, "the provider's time, not ours");
    time.pass_ms(8 * HOUR_MS);
    let day = rig.market.history(&id("bitcoin"), &usd(), Range::Day).await.unwrap();
    assert_eq!(source.calls(), ["chart bitcoin 1"]);
    assert!(gaps(&day) <= 3 * Range::Day.step_ms());
    rig.close().await;
}

#[tokio::test]
async fn where_the_source_fails_what_is_stored_is_shown_with_the_reason() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    rig.market.history(&id("bitcoin"), &usd(), Range::Day).await.unwrap();
    source.set_down(true);
    time.pass_ms(2 * HOUR_MS);
    let day = rig.market.history(&id("bitcoin"), &usd(), Range::Day).await.unwrap();
    assert_eq!(day.problem.unwrap().code(), "source_unreachable");
    assert!(day.points.len() > 200 && day.provenance.unwrap().stale);
    let nothing = rig.market.history(&id("ethereum"), &usd(), Range::Day).await.unwrap();
    assert!(nothing.points.is_empty() && nothing.provenance.is_none() && nothing.problem.is_some());
    rig.close().await;
}

#[tokio::test]
async fn an_unknown_token_has_no_history() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let rig = Rig::open(folder.path(), Scripted::new(&time), &time).await;
    let error = rig.market.history(&id("no-such-token"), &usd(), Range::Day).await.unwrap_err();
    assert_eq!(error.code(), "unknown_token");
    assert!(rig.market.problem().is_none(), "the source is well");
    rig.close().await;
}

#[tokio::test]
async fn currencies_and_sources_never_mix() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let (one, other) = (Scripted::named("one", &time), Scripted::named("other", &time));
    let eur = Currency::new("eur").unwrap();
    let rig = Rig::open(folder.path(), one.clone(), &time).await;
    let usd_prices = rig.market.history(&id("bitcoin"), &usd(), Range::Day).await.unwrap();
    let eur_prices = rig.market.history(&id("bitcoin"), &eur, Range::Day).await.unwrap();
    let ratio = eur_prices.points[0].price / usd_prices.points[0].price;
    assert!((ratio - 0.92).abs() < 1e-9, "{ratio}");
    rig.market.schedule_update(&id("bitcoin"));
    rig.market.process_queue().await;
    assert!(
        rig.market.quotes(&[id("bitcoin")], &eur).await[0].price.as_ref().is_some_and(|(_, p)| p.stale),
        "from the history"
    );
    rig.close().await;

    let rig = Rig::open(folder.path(), other.clone(), &time).await;
    other.set_down(true);
    let nothing = rig.market.history(&id("bitcoin"), &usd(), Range::Day).await.unwrap();
    assert!(nothing.points.is_empty(), "one source's points are not the other's");
    assert!(rig.market.quotes(&[id("bitcoin")], &usd()).await[0].price.is_none());
    rig.close().await;
}

#[tokio::test]
async fn many_who_open_one_chart_cost_one_call() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    let (token, usd) = (id("bitcoin"), usd());
    let ask = || rig.market.history(&token, &usd, Range::Week);
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    assert!([a, b, c].into_iter().all(|history| history.unwrap().points.len() >= 167));
    assert_eq!(source.calls(), ["chart bitcoin 7"]);
    rig.close().await;
}

#[tokio::test]
async fn quotes_outlive_a_restart_and_the_loss_of_the_cache() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    rig.market.schedule_update(&id("bitcoin"));
    rig.market.process_queue().await;
    let (first, at) = rig.market.quotes(&[id("bitcoin")], &usd()).await.pop().unwrap().price.unwrap();
    assert_eq!((at.level, at.stale, at.as_of_ms), (Level::Memory, false, time.now_ms() - 1_000));
    rig.close().await;

    time.pass_ms(DAY_MS);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    let (price, at) = rig.market.quotes(&[id("bitcoin")], &usd()).await.pop().unwrap().price.unwrap();
    assert_eq!((price, at.level, at.stale), (first.clone(), Level::Database, true));
    rig.close().await;

    std::fs::remove_file(folder.path().join("cache.db")).unwrap();
    let rig = Rig::open(folder.path(), source, &time).await;
    let (price, at) = rig.market.quotes(&[id("bitcoin")], &usd()).await.pop().unwrap().price.unwrap();
    assert_eq!((price.price, price.as_of_ms, at.stale), (first.price, first.as_of_ms, true));
    rig.close().await;
}

#[tokio::test]
async fn warming_loads_what_is_missing_a_few_charts_at_a_time() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let rig = Rig::open(folder.path(), source.clone(), &time).await;
    let first = rig.market.warm_essential_cache().await;
    let charts = ["chart duckchain-token 1", "chart the-open-network 1"];
    assert_eq!(
        source.calls(),
        [&["prices 5", "top 250"][..], &charts].concat(),
        "four calls: the keyless budget is five"
    );
    assert_eq!((first.prices.updated, first.charts, first.charts_left), (5, 2, 3));
    assert!(first.table_rows >= 60 && first.problem.is_none());
    let second = rig.market.warm_essential_cache().await;
    assert_eq!(source.calls(), ["chart ethereum 1", "chart bitcoin 1"], "prices and table are fresh");
    assert_eq!((second.charts, second.charts_left), (2, 1));
    rig.market.warm_essential_cache().await;
    source.calls();
    let last = rig.market.warm_essential_cache().await;
    assert_eq!((source.calls(), last.charts_left), (Vec::<String>::new(), 0));
    assert_eq!(rig.market.trim_history().await.unwrap(), 0);
    rig.close().await;
}

#[tokio::test]
async fn warming_stops_asking_for_charts_at_the_first_failure() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    source.set_down(true);
    let config = MarketConfig { warm_charts: 5, ..MarketConfig::default() };
    let rig = Rig::open_with(folder.path(), source.clone(), &time, config).await;
    let warmed = rig.market.warm_essential_cache().await;
    assert_eq!(source.calls(), ["prices 5", "top 250", "chart duckchain-token 1"]);
    assert_eq!((warmed.charts_left, warmed.problem.unwrap().code()), (5, "source_unreachable"));
    rig.close().await;
}

#[tokio::test]
async fn warming_that_reaches_the_limit_gives_way_and_is_no_failure() {
    let (folder, time) = (tempfile::tempdir().unwrap(), TestTime::new());
    let source = Scripted::new(&time);
    let patience = std::time::Duration::from_secs(1);
    let config = MarketConfig { warm_charts: 5, patience, ..MarketConfig::default() };
    let rig = Rig::open_limited(folder.path(), source.clone(), &time, config, 3).await;
    let warmed = rig.market.warm_essential_cache().await;
    assert_eq!(source.calls(), ["prices 5", "top 250", "chart duckchain-token 1"]);
    assert_eq!((warmed.charts, warmed.charts_left), (1, 4));
    assert!(warmed.problem.is_none() && rig.market.problem().is_none());
    rig.close().await;
}
