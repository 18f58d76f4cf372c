//! Group commit: who shares a commit, and who shares a failure.

use eider_store::rusqlite::Transaction;
use eider_store::{Config, Durability, StoreError};

use crate::support::{Fixture, Gate, ids, insert, until};

type Work = Box<dyn FnOnce(&Transaction<'_>) -> Result<(), StoreError> + Send>;

fn good(id: i64) -> Work {
    Box::new(move |tx| insert(tx, id))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_concurrent_writers_lose_nothing_and_share_commits() {
    let fixture = Fixture::new(Config::default());
    let gate = Gate::on_writer(&fixture.store).await;
    let writers: Vec<_> = (0..64_i64)
        .map(|writer| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                for turn in 0..20 {
                    let id = writer * 20 + turn;
                    let answer = store.write("insert", move |tx| insert(tx, id).map(|()| id)).await;
                    assert_eq!(answer.unwrap(), id, "each caller gets its own answer");
                }
            })
        })
        .collect();
    until(|| fixture.store.stats().writer.queue == 64).await;
    gate.open().await;
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(fixture.ids().await, Vec::from_iter(0..64 * 20));
    let writer = fixture.store.stats().writer;
    assert_eq!((writer.grouped, writer.largest_group, writer.queue), (64 * 20 + 1, 64, 0));
    assert!(writer.groups < 64 * 20, "{writer:?}");
    assert_eq!(fixture.query("insert").rows, 64 * 20);
}

#[tokio::test]
async fn a_group_is_no_larger_than_its_limit() {
    let fixture = Fixture::new(Config { group_limit: 3, ..Config::default() });
    for result in fixture.in_one_group((0..8).map(good).collect()).await {
        result.unwrap();
    }
    let writer = fixture.store.stats().writer;
    assert_eq!((writer.groups, writer.largest_group), (1 + 3, 3), "the gate, then 3 + 3 + 2");
}

#[tokio::test]
async fn a_failing_and_a_panicking_closure_harm_only_themselves() {
    let fixture = Fixture::new(Config::default());
    let works: Vec<Work> = vec![
        good(1),
        Box::new(|tx| {
            insert(tx, 2)?;
            insert(tx, 1)
        }),
        good(3),
        Box::new(|tx| {
            insert(tx, 4)?;
            panic!("a defect in a closure")
        }),
        Box::new(|tx| {
            // Leaves a savepoint open, under the very name the store uses.
            tx.execute_batch("SAVEPOINT eider_request")?;
            insert(tx, 5)?;
            Err(StoreError::Full)
        }),
        good(6),
    ];
    let results = fixture.in_one_group(works).await;
    assert!(matches!(results[1], Err(StoreError::Sqlite(_))), "{:?}", results[1]);
    assert!(matches!(results[3], Err(StoreError::Panicked { name: "grouped" })), "{:?}", results[3]);
    assert!(matches!(results[4], Err(StoreError::Full)), "{:?}", results[4]);
    for at in [0, 2, 5] {
        assert!(results[at].is_ok(), "{:?}", results[at]);
    }
    assert_eq!(fixture.ids().await, [1, 3, 6]);
    let query = fixture.query("grouped");
    assert_eq!((query.calls, query.errors), (6, 3));
    assert_eq!(fixture.store.stats().writer.groups, 2, "the gate and one group");
}

#[tokio::test]
async fn a_failing_commit_refuses_everybody_in_the_group() {
    let fixture = Fixture::new(Config::default());
    let referring = "CREATE TABLE part(
        item INTEGER REFERENCES item(id) DEFERRABLE INITIALLY DEFERRED) STRICT";
    fixture.store.write("create", move |tx| Ok(tx.execute_batch(referring)?)).await.unwrap();
    let dangling: Work = Box::new(|tx| Ok(tx.execute_batch("INSERT INTO part VALUES (99)")?));
    let results = fixture.in_one_group(vec![good(1), dangling, good(2)]).await;
    for result in results {
        let error = result.unwrap_err();
        assert!(error.to_string().contains("FOREIGN KEY constraint failed"), "{error}");
    }
    assert_eq!(fixture.ids().await, [0; 0]);
    assert_eq!(fixture.store.stats().writer.failed_groups, 1);
    fixture.store.write("insert", |tx| insert(tx, 3)).await.unwrap();
    assert_eq!(fixture.ids().await, [3]);
}

#[tokio::test]
async fn a_rollback_by_sqlite_refuses_those_before_it_and_spares_those_after() {
    let fixture = Fixture::new(Config::default());
    fixture.store.write("insert", |tx| insert(tx, 1)).await.unwrap();
    let rolls_back: Work = Box::new(|tx| {
        // The whole transaction goes, as it may on a full disk.
        tx.execute("INSERT OR ROLLBACK INTO item(id) VALUES (1)", [])?;
        Ok(())
    });
    let results = fixture.in_one_group(vec![good(2), good(3), rolls_back, good(4), good(5)]).await;
    for result in &results[..3] {
        let error = result.as_ref().unwrap_err();
        assert!(error.to_string().contains("UNIQUE constraint failed"), "{error}");
    }
    assert!(results[3..].iter().all(Result::is_ok), "{results:?}");
    assert_eq!(fixture.ids().await, [1, 4, 5]);
}

#[tokio::test]
async fn a_closure_that_ends_the_transaction_is_told_so() {
    let fixture = Fixture::new(Config::default());
    let ends: Work = Box::new(|tx| Ok(tx.execute_batch("ROLLBACK")?));
    let results = fixture.in_one_group(vec![good(1), ends, good(2)]).await;
    for result in &results[..2] {
        assert!(matches!(result, Err(StoreError::TransactionEnded { name: "grouped" })), "{result:?}");
    }
    assert!(results[2].is_ok(), "{:?}", results[2]);
    assert_eq!(fixture.ids().await, [2]);
}

#[tokio::test]
async fn a_write_whose_future_was_dropped_is_made_all_the_same() {
    let fixture = Fixture::new(Config::default());
    let gate = Gate::on_writer(&fixture.store).await;
    let mut dropped = Box::pin(fixture.store.write("insert", |tx| insert(tx, 7)));
    assert!(is_pending_after_one_poll(dropped.as_mut()).await);
    drop(dropped);
    gate.open().await;
    // Writes are made in the order they were accepted, so this one ends after it.
    fixture.store.write("last", |_| Ok(())).await.unwrap();
    assert_eq!(fixture.store.read("ids", ids).await.unwrap(), [7]);
}

#[tokio::test]
async fn what_is_acknowledged_is_exactly_what_is_kept() {
    // Every order of four fates in a group of four.
    let fates = |id: i64| -> [Work; 4] {
        [
            good(id),
            Box::new(move |tx| insert(tx, id).and(Err(StoreError::Busy))),
            Box::new(move |tx| {
                insert(tx, id)?;
                Ok(tx.execute_batch("INSERT OR ROLLBACK INTO item(id) VALUES (0)")?)
            }),
            Box::new(move |tx| {
                insert(tx, id)?;
                Ok(tx.execute_batch("INSERT INTO part VALUES (-1)")?)
            }),
        ]
    };
    let fixture = Fixture::new(Config { durability: Durability::Normal, ..Config::default() });
    let prepare = "INSERT INTO item(id) VALUES (0);
        CREATE TABLE part(item INTEGER REFERENCES item(id) DEFERRABLE INITIALLY DEFERRED) STRICT";
    fixture.store.write("prepare", move |tx| Ok(tx.execute_batch(prepare)?)).await.unwrap();
    let mut kept = vec![0];
    for order in 0..256_usize {
        let ids: Vec<i64> = (1..=4).map(|at| i64::try_from(order).unwrap() * 4 + at).collect();
        let chosen: Vec<usize> = (0..4).map(|at| order / 4_usize.pow(at) % 4).collect();
        let works = ids.iter().zip(&chosen).map(|(id, fate)| fates(*id).into_iter().nth(*fate).unwrap());
        let results = fixture.in_one_group(works.collect()).await;

        // A rollback takes those before it; those after the last one share a commit, good or bad.
        let last = chosen.iter().rposition(|fate| *fate == 2).map_or(0, |at| at + 1);
        let commits = !chosen[last..].contains(&3);
        for (at, (fate, result)) in chosen.iter().zip(&results).enumerate() {
            let acknowledged = *fate == 0 && at >= last && commits;
            assert_eq!(result.is_ok(), acknowledged, "{at} of {chosen:?}: {results:?}");
        }
        kept.extend(ids.iter().zip(&results).filter(|(_, result)| result.is_ok()).map(|(id, _)| id));
        assert_eq!(fixture.ids().await, kept, "{chosen:?}");
    }
}

/// Polls a future once and says whether it is still pending.
async fn is_pending_after_one_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_pending())).await
}
