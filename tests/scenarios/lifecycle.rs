//! Starts, stops, and what survives them.

use std::time::Duration;

use eider_engine::api::{NoticeAction, Profile, Range, ServiceState, SettingsChange, Theme};
use eider_engine::{Engine, Options, ProfileChoice, StartError};

use crate::provider::{Fault, Provider, invented_price};
use crate::rig::{Rig, data, options, refused, write_config};

const TON: &str = "the-open-network";
const NO_LIMIT: &str = "rate_limit_per_minute = 1000";

#[tokio::test]
async fn prices_and_history_survive_a_restart_into_a_dead_network() {
    let provider = Provider::start().await;
    let rig = Rig::start(&provider, NO_LIMIT).await;
    rig.quote_when(TON, |quote| quote.price.is_some()).await;
    let before = rig.engine.history(TON, Range::Month).await.unwrap();
    rig.engine.watch("my-token", Some(0)).await.unwrap();
    rig.quote_when("my-token", |quote| quote.price.is_some()).await;
    let folder = rig.stop().await;

    provider.always("/", Fault::Hang);
    let rig = Rig::start_in(folder, &provider, &format!("{NO_LIMIT}\ntimeout_s = 1\nattempts = 1")).await;
    assert_eq!(rig.engine.watched()[0], "my-token");
    let quote = rig.quote_when(TON, |quote| quote.price.is_some()).await;
    assert_eq!(quote.price, Some(invented_price(TON)), "from the database, at once");
    let after = rig.engine.history(TON, Range::Month).await.unwrap();
    assert!(after.at_ms.len() >= before.at_ms.len() - 1, "{} {}", after.at_ms.len(), before.at_ms.len());
    let status = rig.status_when(|status| status.market.state == ServiceState::Down).await;
    assert!(status.notices.iter().any(|notice| notice.action == Some(NoticeAction::Retry)), "{status:?}");
    // The network is back: a person's retry is enough.
    provider.heal();
    rig.engine.refresh().await.unwrap();
    rig.status_when(|status| status.market.state == ServiceState::Up && status.notices.is_empty()).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_network_that_is_not_there_is_told_as_such_and_uses_up_no_calls() {
    let provider = Provider::start().await;
    // Nobody listens on a port that was given back.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let dead = format!("http://{nobody}/api/v3");
    write_config(folder.path(), &dead, "rate_limit_per_minute = 5\nattempts = 1\nrefresh_interval_s = 5");
    let engine = Engine::start(options(folder.path(), ProfileChoice::Local)).await.unwrap();
    let rig = Rig { folder, engine };
    rig.status_when(|status| status.market.state == ServiceState::Down).await;
    for _ in 0..8 {
        let refused = rig.engine.search("ton").await.unwrap_err();
        assert!(refused.code == "source_unreachable" || refused.code == "breaker_open", "{refused:?}");
    }
    let (quotes, problem) = rig.engine.prices(&[TON.to_owned()]).await.unwrap();
    assert_eq!((quotes[0].price, problem.is_some()), (None, true));
    rig.engine.refresh().await.unwrap();
    // A call in flight holds its slot until the connection is refused.
    let status = rig.status_when(|status| status.market.problem.is_some() && status.market.used == 0).await;
    let problem = status.market.problem.unwrap();
    assert_eq!((problem.code.as_str(), status.market.state), ("source_unreachable", ServiceState::Down));
    let folder = rig.stop().await;
    write_config(folder.path(), &provider.base_url(), "rate_limit_per_minute = 5");
    let rig = Rig::start_in(folder, &provider, "rate_limit_per_minute = 5").await;
    rig.quote_when(TON, |quote| quote.price.is_some()).await;
    rig.stop().await;
}

#[tokio::test]
async fn auto_finds_the_network_once_and_keeps_what_it_found() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), &provider.base_url(), NO_LIMIT);
    let start = async || Engine::start(options(folder.path(), ProfileChoice::Auto)).await.unwrap();
    let engine = start().await;
    assert_eq!(engine.settings().profile, Profile::Live);
    engine.stop().await;
    // Never by itself from live to demo.
    provider.always("/", Fault::Hang);
    let engine = start().await;
    assert_eq!(engine.settings().profile, Profile::Live);
    engine.stop().await;
}

#[tokio::test]
async fn auto_without_a_network_is_a_demo_that_says_so_and_goes_live_when_asked() {
    let provider = Provider::start().await;
    provider.always("/ping", Fault::Hang);
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), &provider.base_url(), NO_LIMIT);
    let engine = Engine::start(options(folder.path(), ProfileChoice::Auto)).await.unwrap();
    let rig = Rig { folder, engine };
    let status = rig.status_when(|_| true).await;
    assert_eq!((status.profile.active, status.profile.fell_back_to_demo), (Profile::Demo, true));
    assert!(status.notices.iter().any(|notice| notice.action == Some(NoticeAction::GoLive)), "{status:?}");
    let simulated = rig.quote_when(TON, |quote| quote.price.is_some()).await;
    assert_eq!(simulated.provenance.unwrap().source, "Simulator");
    assert!(provider.calls("/simple").is_empty());

    let settings = rig.engine.change_setting(SettingsChange::Profile(Profile::Live)).await.unwrap();
    assert_eq!(settings.profile, Profile::Live);
    let real = rig.quote_when(TON, |quote| quote.price == Some(invented_price(TON))).await;
    assert_eq!(real.provenance.unwrap().source, "CoinGecko");
    let history = rig.engine.history(TON, Range::Hour).await.unwrap();
    assert!(history.provenance.is_none_or(|from| from.source == "CoinGecko"), "nothing simulated among it");
    let folder = rig.stop().await;
    let engine = Engine::start(options(folder.path(), ProfileChoice::Live)).await.unwrap();
    assert_eq!(engine.settings().profile, Profile::Live);
    engine.stop().await;
}

#[tokio::test]
async fn the_same_seed_shows_the_same_demo() {
    let mut first = None;
    for _ in 0..2 {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("eider.toml"), "[demo]\nseed = 42\n").unwrap();
        let engine = Engine::start(options(folder.path(), ProfileChoice::Demo)).await.unwrap();
        let year = engine.history("duckchain-token", Range::Year).await.unwrap();
        engine.stop().await;
        // Days that are over: the newest point differs by the moment of the question.
        let days: Vec<(i64, f64)> = year.at_ms.into_iter().zip(year.price).take(300).collect();
        assert!(days.len() == 300, "{}", days.len());
        let first = first.get_or_insert_with(|| days.clone());
        let both = days.iter().filter(|(at_ms, price)| first.contains(&(*at_ms, *price))).count();
        assert!(both >= 298, "{both} days agree");
    }
}

#[tokio::test]
async fn settings_take_effect_at_once_and_last() {
    let provider = Provider::start().await;
    let rig = Rig::start(&provider, NO_LIMIT).await;
    rig.quote_when(TON, |quote| quote.price.is_some()).await;
    rig.engine.change_setting(SettingsChange::Theme(Theme::Dark)).await.unwrap();
    rig.engine.change_setting(SettingsChange::Currency("eur".into())).await.unwrap();
    let calls = provider
        .until("/simple/price", |calls| calls.iter().any(|call| call.query["vs_currencies"] == "eur"))
        .await;
    assert!(!calls.is_empty());
    let status = rig.status_when(|status| status.currency == "eur").await;
    assert_eq!(status.currency, "eur");
    let refused = rig.engine.change_setting(SettingsChange::RefreshIntervalS(1)).await.unwrap_err();
    assert!(refused.message.contains("from 5 to 3600"), "{refused:?}");
    let folder = rig.stop().await;
    let engine = Engine::start(options(folder.path(), ProfileChoice::Local)).await.unwrap();
    let settings = engine.settings();
    assert_eq!((settings.theme, settings.currency.as_str()), (Theme::Dark, "eur"));
    engine.stop().await;
}

#[tokio::test]
async fn a_wrong_value_opens_with_the_default_and_is_named() {
    let provider = Provider::start().await;
    let rig = Rig::start(&provider, "refresh_interval_s = 1\n[cache]\nmemory_mib = \"much\"").await;
    let settings = rig.engine.settings();
    let issues: Vec<_> =
        settings.issues.iter().map(|issue| (issue.key.as_str(), issue.value.as_str())).collect();
    assert_eq!(issues, [("market.refresh_interval_s", "1"), ("cache.memory_mib", "\"much\"")]);
    assert_eq!(settings.refresh_interval_s, 60);
    let status = rig.status_when(|_| true).await;
    assert!(
        status.notices.iter().any(|notice| notice.action == Some(NoticeAction::OpenSettings)),
        "{status:?}"
    );
    let folder = rig.stop().await;
    let strict = Options { strict_config: true, ..options(folder.path(), ProfileChoice::Local) };
    let error = refused(strict).await;
    assert_eq!(error.exit_status(), 2);
    let sentence = error.to_string();
    assert!(
        sentence.contains("market.refresh_interval_s is 1; accepted: a whole number from 5 to 3600"),
        "{sentence}"
    );
}

#[tokio::test]
async fn one_engine_at_a_time_for_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(options(folder.path(), ProfileChoice::Demo)).await.unwrap();
    let error = refused(options(folder.path(), ProfileChoice::Demo)).await;
    assert!(matches!(error, StartError::DataDir(_)), "{error}");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    engine.stop().await;
    engine.stop().await;
    let again = Engine::start(options(folder.path(), ProfileChoice::Demo)).await.unwrap();
    again.stop().await;
}

#[tokio::test]
async fn damaged_databases_are_set_aside_and_the_engine_starts() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(options(folder.path(), ProfileChoice::Demo)).await.unwrap();
    engine.stop().await;
    for name in ["eider.db", "cache.db", "metrics.db"] {
        std::fs::write(data(&folder).join(name), b"this is no database, whatever its name says ".repeat(200))
            .unwrap();
    }
    let engine = Engine::start(options(folder.path(), ProfileChoice::Demo)).await.unwrap();
    let rig = Rig { folder, engine };
    let status = rig.status_when(|_| true).await;
    let told = status.notices.iter().filter(|notice| notice.title.contains("set aside")).count();
    assert_eq!(told, 3, "{status:?}");
    rig.quote_when(TON, |quote| quote.price.is_some()).await;
    let folder = rig.stop().await;
    let kept = std::fs::read_dir(data(&folder))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains(".damaged-"));
    assert_eq!(kept.count(), 3, "nothing is deleted");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let below_a_file = folder.path().join("file").join("data");
    let error =
        refused(Options { data_dir: Some(below_a_file), ..options(folder.path(), ProfileChoice::Demo) })
            .await;
    let sentence = error.to_string();
    assert!(sentence.contains("file") && !sentence.contains('\n'), "{sentence}");
    assert_eq!(error.exit_status(), 1);
}

#[tokio::test]
async fn the_measured_history_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(options(folder.path(), ProfileChoice::Demo)).await.unwrap();
    let rig = Rig { folder, engine };
    rig.quote_when(TON, |quote| quote.price.is_some()).await;
    let folder = rig.stop().await;
    let engine = Engine::start(options(folder.path(), ProfileChoice::Demo)).await.unwrap();
    let history = engine.metrics_history(Range::Hour).await.unwrap();
    assert!(!history.at_ms.is_empty() && history.load[0].is_some(), "{history:?}");
    engine.stop().await;
}

#[tokio::test]
async fn a_source_that_never_answers_does_not_hold_up_the_stop() {
    let provider = Provider::start().await;
    provider.always("/", Fault::Hang);
    let rig = Rig::start(&provider, "rate_limit_per_minute = 1000\ntimeout_s = 120").await;
    provider.until("/", |calls| !calls.is_empty()).await;
    let stopped = tokio::time::timeout(Duration::from_secs(20), rig.engine.stop()).await;
    assert!(stopped.is_ok(), "it waits for the answer, which takes 120 s to be given up");
}
