//! The reader pool: its size, its patience, its snapshots.

use std::time::Duration;

use eider_store::{Config, Store, StoreError};

use crate::support::{Fixture, Gate, ids, insert, until};

#[tokio::test]
async fn a_reader_cannot_write() {
    let fixture = Fixture::new(Config::default());
    let result =
        fixture.store.read("sneak", |conn| Ok(conn.execute("INSERT INTO item(id) VALUES (1)", [])?)).await;
    assert!(result.unwrap_err().to_string().contains("readonly"));
    assert_eq!(fixture.ids().await, [0; 0]);
}

#[tokio::test]
async fn an_exhausted_pool_refuses_after_the_configured_wait() {
    let reader_wait = Duration::from_millis(20);
    let fixture = Fixture::new(Config { max_readers: 2, reader_wait, ..Config::default() });
    let gates = [Gate::on_reader(&fixture.store).await, Gate::on_reader(&fixture.store).await];
    let refused = fixture.store.read("ids", ids).await.unwrap_err();
    assert!(matches!(refused, StoreError::PoolExhausted { waited } if waited == reader_wait), "{refused}");

    let pool = fixture.store.stats().pool;
    assert_eq!((pool.open, pool.busy, pool.waiting, pool.waits, pool.timeouts), (2, 2, 0, 1, 1));
    assert!(pool.wait.max >= reader_wait, "{pool:?}");
    for gate in gates {
        gate.open().await;
    }
    assert_eq!(fixture.ids().await, [0; 0], "the pool serves again");
}

#[tokio::test]
async fn reads_beyond_the_waiting_bound_are_refused_at_once() {
    let fixture = Fixture::new(Config { max_readers: 1, read_queue: 1, ..Config::default() });
    let gate = Gate::on_reader(&fixture.store).await;
    let store = fixture.store.clone();
    let waiting = tokio::spawn(async move { store.read("ids", ids).await });
    until(|| fixture.store.stats().pool.waiting == 1).await;
    let refused = fixture.store.read("ids", ids).await.unwrap_err();
    assert!(matches!(refused, StoreError::QueueFull { bound: 1 }), "{refused}");
    gate.open().await;
    waiting.await.unwrap().unwrap();
    assert_eq!(fixture.store.stats().pool.waits, 1, "who was refused did not wait");
}

#[tokio::test]
async fn a_read_dropped_while_waiting_leaves_the_line() {
    let fixture = Fixture::new(Config { max_readers: 1, ..Config::default() });
    let gate = Gate::on_reader(&fixture.store).await;
    let store = fixture.store.clone();
    let waiting = tokio::spawn(async move { store.read("dropped", ids).await });
    until(|| fixture.store.stats().pool.waiting == 1).await;
    waiting.abort();
    until(|| fixture.store.stats().pool.waiting == 0).await;
    gate.open().await;
    assert_eq!(fixture.ids().await, [0; 0]);
    assert!(fixture.store.stats().queries.iter().all(|query| query.name != "dropped"));
}

#[tokio::test]
async fn all_statements_of_a_read_see_one_snapshot() {
    let fixture = Fixture::new(Config::default());
    let (begun, wait_begun) = tokio::sync::oneshot::channel();
    let (go_on, wait_written) = std::sync::mpsc::channel::<()>();
    let store: Store = fixture.store.clone();
    let reading = tokio::spawn(async move {
        let twice = move |conn: &eider_store::rusqlite::Connection| {
            begun.send(()).unwrap();
            wait_written.recv().unwrap();
            ids(conn)
        };
        store.read("snapshot", twice).await
    });
    wait_begun.await.unwrap();
    fixture.store.write("insert", |tx| insert(tx, 1)).await.unwrap();
    go_on.send(()).unwrap();
    assert_eq!(reading.await.unwrap().unwrap(), [0; 0], "the snapshot is older than the write");
    assert_eq!(fixture.ids().await, [1], "the next read sees what was acknowledged");
}

#[tokio::test]
async fn one_connection_serves_reads_in_turn_and_closes_when_idle() {
    let fixture = Fixture::new(Config::default());
    for _ in 0..50 {
        fixture.ids().await;
    }
    assert_eq!(fixture.store.stats().pool.open, 1);

    let fixture = Fixture::new(Config { reader_idle: Duration::from_millis(1), ..Config::default() });
    let gates = [Gate::on_reader(&fixture.store).await, Gate::on_reader(&fixture.store).await];
    assert_eq!(fixture.store.stats().pool.open, 2);
    for gate in gates {
        gate.open().await;
    }
    until(|| fixture.store.stats().pool.open == 0).await;
    assert_eq!(fixture.ids().await, [0; 0], "a new one is opened when needed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_reads_never_open_more_connections_than_allowed() {
    // Idle readers that end at any moment must not lose the job that is on its way to them.
    let reader_idle = Duration::from_millis(1);
    let fixture = Fixture::new(Config { max_readers: 3, reader_idle, ..Config::default() });
    let readers: Vec<_> = (0..32)
        .map(|_| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    store.read("ids", ids).await.unwrap();
                    assert!(store.stats().pool.open <= 3);
                }
            })
        })
        .collect();
    for reader in readers {
        reader.await.unwrap();
    }
    assert_eq!(fixture.query("ids").calls, 32 * 50);
}

#[tokio::test]
async fn a_panicking_read_harms_only_its_caller() {
    let fixture = Fixture::new(Config { max_readers: 1, ..Config::default() });
    let result: Result<(), _> = fixture.store.read("panics", |_| panic!("a defect in a closure")).await;
    assert!(matches!(result, Err(StoreError::Panicked { name: "panics" })), "{result:?}");
    assert_eq!(fixture.ids().await, [0; 0]);
    assert_eq!(fixture.store.stats().pool.open, 1, "the connection is used again");
}
