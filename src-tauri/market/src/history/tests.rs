//! The tables against plain models of them.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use store::rusqlite::Connection;

use super::bucket::into_buckets;
use super::bucket::tests::points;
use super::*;
use crate::model::SeriesKey;
use crate::{Currency, Point, TokenId};

const NOW: i64 = 1_750_000_000_000;

fn database() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(SCHEMA).unwrap();
    conn
}

fn key(source: &str, token: &str, currency: &str) -> SeriesKey {
    let (token, currency) = (TokenId::new(token).unwrap(), Currency::new(currency).unwrap());
    SeriesKey { source: source.to_owned(), token, currency }
}

fn duck() -> SeriesKey {
    key("CoinGecko", "duckchain-token", "usd")
}

fn at(at_ms: i64, price: f64) -> Point {
    Point { at_ms, price, volume_24h: None }
}

fn newest(conn: &Connection, points: &[Point], now_ms: i64) {
    let points: Vec<_> = points.iter().map(|point| (duck(), *point)).collect();
    record_newest(conn, &points, now_ms).unwrap();
}

fn tier(conn: &Connection, tier: Tier, key: &SeriesKey) -> Vec<Point> {
    read_tiers(conn, key, &[tier], 0, 0, i64::MAX / 2).unwrap()
}

/// Every cell of every table, as text.
fn dump(conn: &Connection) -> Vec<String> {
    let mut dump = Vec::new();
    for table in ["price_points", "price_buckets"] {
        let mut statement = conn.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            (0..columns).map(|n| Ok(format!("{:?}", row.get_ref(n)?))).collect::<Result<Vec<_>, _>>()
        });
        dump.extend(rows.unwrap().map(|row| row.unwrap().join(" ")));
    }
    dump
}

fn shifted(points: &[Point], by_ms: i64) -> Vec<Point> {
    points.iter().map(|point| Point { at_ms: point.at_ms + by_ms, ..*point }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_tables_hold_what_a_plain_model_of_the_points_holds(points in points(60, 3 * HOUR_MS)) {
        let conn = database();
        let points = shifted(&points, NOW - 4 * HOUR_MS);
        newest(&conn, &points, NOW);
        for width in [5 * MINUTE_MS, HOUR_MS] {
            let model: Vec<Point> = into_buckets(&points, width).iter().map(|(_, bucket)| bucket.as_point()).collect();
            let tier_of_width = if width == HOUR_MS { Tier::Coarse } else { Tier::Fine };
            prop_assert_eq!(tier(&conn, tier_of_width, &duck()), model);
        }
        let model: Vec<Point> = into_buckets(&points, 1).iter().map(|(_, bucket)| bucket.as_point()).collect();
        prop_assert_eq!(tier(&conn, Tier::Raw, &duck()), model);
    }

    #[test]
    fn order_and_repetition_of_points_change_nothing(
        (points, shuffled) in points(40, 2 * HOUR_MS).prop_flat_map(|points| {
            let twice: Vec<Point> = points.iter().chain(&points).copied().collect();
            (Just(points), Just(twice).prop_shuffle())
        }),
        charted in points(20, 2 * HOUR_MS),
    ) {
        let (one, other) = (database(), database());
        let chart = shifted(&charted, NOW - 3 * HOUR_MS);
        newest(&one, &shifted(&points, NOW - 3 * HOUR_MS), NOW);
        record_chart(&one, &duck(), &chart, 5 * MINUTE_MS, NOW).unwrap();
        record_chart(&other, &duck(), &chart, 5 * MINUTE_MS, NOW).unwrap();
        for point in shifted(&shuffled, NOW - 3 * HOUR_MS) {
            newest(&other, &[point], NOW);
        }
        record_chart(&other, &duck(), &chart, 5 * MINUTE_MS, NOW).unwrap();
        prop_assert_eq!(dump(&one), dump(&other));
    }

    #[test]
    fn trimming_in_steps_leaves_what_each_tier_keeps(
        days in proptest::collection::btree_set(0..200_i64, 1..40),
        step in 1..20_usize,
    ) {
        let conn = database();
        let points: Vec<Point> = days.iter().rev().map(|days| at(NOW - days * DAY_MS, *days as f64)).collect();
        for point in &points {
            // Each was new when it came.
            newest(&conn, &[*point], point.at_ms);
        }
        let steps = (0..).take_while(|_| trim(&conn, NOW, step).unwrap().more).count();
        prop_assert!(steps <= 2 * points.len());
        let since = |days: i64| -> Vec<Point> { points.iter().filter(|p| p.at_ms >= NOW - days * DAY_MS).copied().collect() };
        prop_assert_eq!(tier(&conn, Tier::Raw, &duck()), since(2));
        prop_assert_eq!(tier(&conn, Tier::Fine, &duck()), since(90));
        prop_assert_eq!(tier(&conn, Tier::Coarse, &duck()), points);
    }
}

#[test]
fn sources_tokens_and_currencies_never_mix() {
    let conn = database();
    let keys = [
        duck(),
        key("Simulator/42", "duckchain-token", "usd"),
        key("CoinGecko", "duckchain-token", "eur"),
        key("CoinGecko", "bitcoin", "usd"),
    ];
    for (n, key) in keys.iter().enumerate() {
        record_newest(&conn, &[(key.clone(), at(NOW, n as f64))], NOW).unwrap();
        record_chart(&conn, key, &[at(NOW - HOUR_MS, 10.0 + n as f64)], HOUR_MS, NOW).unwrap();
    }
    for (n, key) in keys.iter().enumerate() {
        let prices: Vec<f64> = tier(&conn, Tier::Coarse, key).iter().map(|point| point.price).collect();
        assert_eq!(prices, [10.0 + n as f64, n as f64]);
    }
    assert_eq!(tier(&conn, Tier::Raw, &key("CoinGecko", "tether", "usd")), []);
}

#[test]
fn a_late_point_enters_only_the_tiers_that_would_still_hold_it() {
    let conn = database();
    newest(&conn, &[at(NOW - 3 * DAY_MS, 1.0), at(NOW - 91 * DAY_MS, 2.0)], NOW);
    assert_eq!(tier(&conn, Tier::Raw, &duck()), []);
    assert_eq!(tier(&conn, Tier::Fine, &duck()), [at(NOW - 3 * DAY_MS, 1.0)]);
    assert_eq!(tier(&conn, Tier::Coarse, &duck()).len(), 2);
}

#[test]
fn points_of_the_future_and_impossible_prices_are_not_stored() {
    let conn = database();
    let points =
        [at(NOW + HOUR_MS, 1.0), at(NOW, f64::NAN), at(NOW, -1.0), at(NOW, f64::INFINITY), at(0, 1.0)];
    newest(&conn, &points, NOW);
    assert_eq!(dump(&conn), Vec::<String>::new());
}

#[test]
fn hourly_charts_stay_out_of_the_fine_buckets() {
    let conn = database();
    record_chart(&conn, &duck(), &[at(NOW, 1.0)], HOUR_MS, NOW).unwrap();
    assert_eq!((tier(&conn, Tier::Fine, &duck()).len(), tier(&conn, Tier::Coarse, &duck()).len()), (0, 1));
    record_chart(&conn, &duck(), &[at(NOW, 1.0)], 5 * MINUTE_MS, NOW).unwrap();
    assert_eq!((tier(&conn, Tier::Fine, &duck()).len(), tier(&conn, Tier::Coarse, &duck()).len()), (1, 1));
}

#[test]
fn a_read_takes_the_finest_tier_and_fills_its_holes() {
    let conn = database();
    let chart: Vec<Point> = (0..=12).map(|n| at(NOW - HOUR_MS + n * 5 * MINUTE_MS, 1.0)).collect();
    record_chart(&conn, &duck(), &chart, 5 * MINUTE_MS, NOW).unwrap();
    newest(&conn, &[at(NOW - 10 * MINUTE_MS, 2.0), at(NOW - 2 * MINUTE_MS, 3.0)], NOW);
    let read =
        read_tiers(&conn, &duck(), &[Tier::Raw, Tier::Fine], 15 * MINUTE_MS, NOW - HOUR_MS, NOW).unwrap();
    let ages: Vec<i64> = read.iter().map(|point| (NOW - point.at_ms) / MINUTE_MS).collect();
    assert_eq!(
        ages,
        [60, 55, 50, 45, 40, 35, 30, 25, 20, 15, 10, 2],
        "what lies beside close raw points is left out"
    );
    assert_eq!(read_newest(&conn, &duck()).unwrap(), Some(at(NOW, 1.0)));
}
