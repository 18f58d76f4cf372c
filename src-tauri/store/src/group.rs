use std::collections::VecDeque;
use std::time::Instant;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::recorder::Recorder;
use crate::request::Request;
use crate::stats::Kind;
use crate::watch::{Watch, watch};
use crate::{StoreError, connect};

type Requests = VecDeque<Box<dyn Request>>;

/// Makes the writes of a group durable with one commit and tells each caller how its own went.
///
/// SQLite may roll back the whole transaction under one of them (a full disk, for example). Those who
/// had run by then are refused with it; the rest go on in a transaction of their own.
pub(crate) fn commit(conn: &Connection, mut waiting: Requests, retries: u32, recorder: &Recorder) {
    while !waiting.is_empty() {
        let mut done = Vec::with_capacity(waiting.len());
        match connect::begin(conn, TransactionBehavior::Immediate, retries) {
            Ok(tx) => run_all(tx, &mut waiting, &mut done, recorder),
            Err(error) => {
                for mut request in waiting.drain(..) {
                    request.refuse(error.for_another_caller());
                    done.push((request, None));
                }
            }
        }
        for (request, seen) in &mut done {
            recorder.record(conn, Kind::Write, &**request, seen.take());
        }
        for (request, _) in done {
            request.answer();
        }
    }
}

/// Runs requests in one transaction until it ends, by the commit or before it.
fn run_all(
    tx: Transaction<'_>,
    waiting: &mut Requests,
    done: &mut Vec<(Box<dyn Request>, Option<Watch>)>,
    recorder: &Recorder,
) {
    let mut ended = Ok(());
    while ended.is_ok()
        && let Some(mut request) = waiting.pop_front()
    {
        let (result, seen) = watch(|| run_one(&tx, &mut *request));
        ended = result;
        done.push((request, Some(seen)));
    }
    let started = Instant::now();
    let ended = ended.and_then(|()| Ok(tx.commit()?));
    recorder.record_group(done.len(), started.elapsed(), ended.is_ok());
    if let Err(error) = ended {
        for (request, _) in done.iter_mut().filter(|(request, _)| request.error().is_none()) {
            request.refuse(error.for_another_caller());
        }
    }
}

/// Runs one request between savepoints, so that its failure undoes its own changes only.
///
/// An error means that the transaction is over, for everybody in it.
fn run_one(tx: &Transaction<'_>, request: &mut dyn Request) -> Result<(), StoreError> {
    tx.prepare_cached("SAVEPOINT eider_request")?.execute([])?;
    request.run(tx);
    if tx.is_autocommit() {
        // Either SQLite rolled everything back, or the closure ended what it was only lent.
        return Err(match request.error() {
            Some(error) => error.for_another_caller(),
            None => StoreError::TransactionEnded { name: request.name() },
        });
    }
    if request.error().is_some() {
        tx.prepare_cached("ROLLBACK TO eider_request")?.execute([])?;
    }
    tx.prepare_cached("RELEASE eider_request")?.execute([])?;
    Ok(())
}
