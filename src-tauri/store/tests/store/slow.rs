//! The slow-query log: which statement, which plan, and no private values.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eider_store::rusqlite::Connection;
use eider_store::{Config, StoreError};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Fixture, insert};

const SECRET: &str = "correct horse battery staple";

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Captured;

    fn make_writer(&self) -> Captured {
        self.clone()
    }
}

fn find(conn: &Connection) -> Result<bool, StoreError> {
    Ok(conn.prepare("SELECT id FROM item WHERE text = ?1")?.exists([SECRET])?)
}

#[tokio::test]
async fn a_slow_call_is_logged_once_with_its_plan_and_without_values() {
    let captured = Captured::default();
    // The calls run on threads of their own, so the subscriber has to be everybody's; the name tells
    // this test's lines from those of its neighbours.
    tracing_subscriber::fmt().with_writer(captured.clone()).with_ansi(false).init();
    let fixture = Fixture::new(Config { slow_query: Duration::ZERO, ..Config::default() });
    assert!(!fixture.store.read("find_secret", find).await.unwrap());

    let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("query=\"find_secret\"")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(lines[0].contains("slow query") && lines[0].contains("WARN"), "{text}");
    assert!(lines[0].contains("plan=\"SCAN item\""), "{text}");
    assert!(lines[0].contains("SELECT id FROM item WHERE text = ?1"), "{text}");
    assert!(!text.contains("horse"), "{text}");
}

#[tokio::test]
async fn the_last_slow_calls_are_kept_with_the_plan_of_today() {
    let fixture = Fixture::new(Config { slow_query: Duration::ZERO, ..Config::default() });
    fixture.store.read("find", find).await.unwrap();
    let index = |tx: &eider_store::rusqlite::Transaction<'_>| {
        Ok(tx.execute_batch("CREATE INDEX item_by_text ON item(text)")?)
    };
    fixture.store.write("add_index", index).await.unwrap();
    fixture.store.read("find", find).await.unwrap();
    fixture.store.write("insert", |tx| insert(tx, 1)).await.unwrap();

    let slow = fixture.store.stats().recent_slow;
    let plans: Vec<_> = slow.iter().map(|slow| (slow.name, slow.plan.as_str())).collect();
    let none = "no plan: index item_by_text already exists";
    let searched = "SEARCH item USING COVERING INDEX item_by_text (text=?)";
    assert_eq!(plans, [("find", "SCAN item"), ("add_index", none), ("find", searched), ("insert", "")]);
    assert!(slow.iter().all(|slow| slow.statements == 1 && !slow.sql.contains("horse")), "{slow:?}");
    let query = fixture.query("find");
    assert_eq!((query.calls, query.slow, query.rows), (2, 2, 0));

    for _ in 0..40 {
        fixture.store.read("find", find).await.unwrap();
    }
    assert_eq!(fixture.store.stats().recent_slow.len(), 32);
}

#[tokio::test]
async fn a_quick_call_is_not_logged() {
    let fixture = Fixture::new(Config { slow_query: Duration::from_secs(3600), ..Config::default() });
    fixture.store.read("find", find).await.unwrap();
    assert!(fixture.store.stats().recent_slow.is_empty());
    assert_eq!(fixture.query("find").slow, 0);
}
