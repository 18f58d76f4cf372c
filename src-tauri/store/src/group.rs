use std::collections::VecDeque;
use std::time::Instant;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::recorder::Recorder;
use crate::request::Request;
use crate::stats::Kind;
use crate::watch::{Watch, watch};
use crate::{StoreError, connect};

type Requests = VecDeque<Box<dyn Request>>;

/// A request that has its answer, and what was seen of it if it was run.
struct Done {
    request: Box<dyn Request>,
    seen: Option<Watch>,
}

/// Makes the writes of a group durable with one commit and tells each caller how its own went.
///
/// SQLite may roll back the whole transaction under one of them (a full disk, for example). Those who
/// had run by then are refused with it; the rest go on in a transaction of their own.
pub(crate) fn commit(conn: &Connection, mut waiting: Requests, retries: u32, recorder: &Recorder) {
    while !waiting.is_empty() {
        let done = match connect::begin(conn, TransactionBehavior::Immediate, retries) {
            Ok(tx) => run_all(tx, &mut waiting, recorder),
            Err(error) => waiting.drain(..).map(|request| refuse(request, &error)).collect(),
        };
        for Done { request, seen } in done {
            recorder.record(Kind::Write, &*request, seen.map(|seen| (conn, seen)));
            request.answer();
        }
    }
}

/// Runs requests in one transaction until it ends, by the commit or before it.
fn run_all(tx: Transaction<'_>, waiting: &mut Requests, recorder: &Recorder) -> Vec<Done> {
    let mut done = Vec::with_capacity(waiting.len());
    let mut ended = Ok(());
    while ended.is_ok()
        && let Some(request) = waiting.pop_front()
    {
        let mut now = Done { request, seen: None };
        ended = run_one(&tx, &mut now);
        done.push(now);
    }
    let committed = ended.and_then(|()| {
        let started = Instant::now();
        tx.commit()?;
        Ok(started.elapsed())
    });
    recorder.record_group(done.len(), committed.as_ref().ok().copied());
    if let Err(error) = committed {
        for Done { request, .. } in done.iter_mut().filter(|done| done.request.error().is_none()) {
            request.refuse(error.for_another_caller());
        }
    }
    done
}

/// Runs one request inside a savepoint, so that its failure undoes its own changes only.
///
/// An error means that the transaction is over, for everybody in it.
fn run_one(tx: &Transaction<'_>, Done { request, seen }: &mut Done) -> Result<(), StoreError> {
    if let Err(error) = tx.prepare_cached("SAVEPOINT eider_request").and_then(|mut sql| sql.execute([])) {
        let error = StoreError::from(error);
        request.refuse(error.for_another_caller());
        return Err(error);
    }
    *seen = Some(watch(tx, || request.run(tx)));
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

fn refuse(mut request: Box<dyn Request>, error: &StoreError) -> Done {
    request.refuse(error.for_another_caller());
    Done { request, seen: None }
}
