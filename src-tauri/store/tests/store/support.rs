use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use eider_store::rusqlite::{Connection, Transaction};
use eider_store::{Config, Migrations, QueryStats, Store, StoreError};
use tempfile::TempDir;
use tokio::task::{JoinHandle, yield_now};

pub(crate) const MIGRATIONS: Migrations = Migrations {
    owner: "test",
    steps: &["CREATE TABLE item(id INTEGER PRIMARY KEY, text TEXT NOT NULL DEFAULT '') STRICT"],
};

/// A store in a folder of its own.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) dir: TempDir,
}

impl Fixture {
    pub(crate) fn new(config: Config) -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let opened = Store::open(&dir.path().join("test.db"), &[MIGRATIONS], config).unwrap();
        assert_eq!(opened.set_aside, None);
        Fixture { store: opened.store, dir }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("test.db")
    }

    /// Another connection to the same file, as another program would have.
    pub(crate) fn outsider(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    pub(crate) async fn ids(&self) -> Vec<i64> {
        self.store.read("ids", ids).await.unwrap()
    }

    pub(crate) fn query(&self, name: &str) -> QueryStats {
        let queries = self.store.stats().queries;
        queries.into_iter().find(|query| query.name == name).unwrap()
    }

    /// Writes behind a gate, so that all of them meet in one group.
    pub(crate) async fn in_one_group<T, F>(&self, works: Vec<F>) -> Vec<Result<T, StoreError>>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let gate = Gate::on_writer(&self.store).await;
        let count = works.len();
        let mut waiting = Vec::new();
        for (at, work) in works.into_iter().enumerate() {
            let store = self.store.clone();
            waiting.push(tokio::spawn(async move { store.write("grouped", work).await }));
            until(|| self.store.stats().writer.queue == at + 1).await;
        }
        gate.open().await;
        let mut results = Vec::with_capacity(count);
        for one in waiting {
            results.push(one.await.unwrap());
        }
        results
    }
}

pub(crate) fn ids(conn: &Connection) -> Result<Vec<i64>, StoreError> {
    let mut statement = conn.prepare("SELECT id FROM item ORDER BY id")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn insert(tx: &Transaction<'_>, id: i64) -> Result<(), StoreError> {
    tx.execute("INSERT INTO item(id) VALUES (?1)", [id])?;
    Ok(())
}

/// A call that occupies its thread until told to go on.
pub(crate) struct Gate {
    release: Sender<()>,
    call: JoinHandle<Result<(), StoreError>>,
}

impl Gate {
    /// Returns once the writer stands in the call.
    pub(crate) async fn on_writer(store: &Store) -> Gate {
        let (store, (entered, release, wait)) = (store.clone(), signals());
        let call = tokio::spawn(async move { store.write("gate", move |_| wait()).await });
        entered.await.unwrap();
        Gate { release, call }
    }

    /// Returns once a reader stands in the call.
    pub(crate) async fn on_reader(store: &Store) -> Gate {
        let (store, (entered, release, wait)) = (store.clone(), signals());
        let call = tokio::spawn(async move { store.read("gate", move |_| wait()).await });
        entered.await.unwrap();
        Gate { release, call }
    }

    pub(crate) async fn open(self) {
        self.release.send(()).unwrap();
        self.call.await.unwrap().unwrap();
    }
}

type Entered = tokio::sync::oneshot::Receiver<()>;

fn signals() -> (Entered, Sender<()>, impl FnOnce() -> Result<(), StoreError> + Send + 'static) {
    let (enter, entered) = tokio::sync::oneshot::channel();
    let (release, released): (_, Receiver<()>) = channel();
    let wait = move || {
        enter.send(()).unwrap();
        released.recv().unwrap();
        Ok(())
    };
    (entered, release, wait)
}

/// Lets others run until `condition` holds.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "this never came true");
        yield_now().await;
    }
}
