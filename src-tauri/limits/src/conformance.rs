//! What every [`Journal`] must do, to be run by a test of each implementation.

use crate::{Batch, Finished, Journal, MonthCount, Recorded, Started};

/// Checks an implementation against the contract of [`Journal`]; `open` opens it anew over one and the same
/// storage, which is empty at first, as a restart does.
///
/// # Panics
/// With the clause that does not hold.
pub async fn check_journal<J: Journal>(open: impl AsyncFn() -> J) {
    let recorded = load(&open().await).await;
    assert_eq!(recorded, Recorded::default(), "an empty storage remembers nothing");

    write(&open().await, batch(&[1, 2, 3], &[], 3)).await;
    let recorded = load(&open().await).await;
    assert_eq!(recorded.calls, [(1, None), (2, None), (3, None)], "starts are durable");
    assert_eq!(recorded.month, count(202_611, 3), "the month's count is durable");

    write(&open().await, batch(&[4], &[(1, 100), (2, 200), (99, 100)], 4)).await;
    let ended = [(1, Some(100)), (2, Some(200)), (3, None), (4, None)];
    assert_eq!(load(&open().await).await.calls, ended, "ends are durable; one of an unknown call is ignored");

    let journal = open().await;
    write(&journal, batch(&[4], &[(1, 100)], 2)).await;
    let recorded = load(&journal).await;
    assert_eq!(recorded.calls, ended, "a batch that comes twice changes nothing");
    assert_eq!(recorded.month, count(202_611, 4), "a smaller count does not replace a greater one");
    write(&journal, Batch { month: count(202_612, 1), ..Batch::default() }).await;
    write(&journal, batch(&[], &[], 9)).await;
    assert_eq!(load(&journal).await.month, count(202_612, 1), "the latest month is the one remembered");

    for (hold, expected) in [(Some(500), Some(500)), (None, Some(500)), (Some(400), Some(500))] {
        write(&journal, Batch { hold_until_ms: hold, ..Batch::default() }).await;
        assert_eq!(load(&journal).await.hold_until_ms, expected, "the latest hold is the one remembered");
    }

    write(&journal, Batch { forget_before_ms: 150, ..Batch::default() }).await;
    let kept = load(&open().await).await.calls;
    let needed = [(2, Some(200)), (3, None), (4, None)];
    assert!(needed.iter().all(|call| kept.contains(call)), "only calls that ended before may be forgotten");
}

async fn load(journal: &impl Journal) -> Recorded {
    let mut recorded = journal.load().await.expect("a journal in order can be read");
    recorded.calls.sort_unstable();
    recorded
}

async fn write(journal: &impl Journal, batch: Batch) {
    journal.write(batch).await.expect("a journal in order can be written");
}

fn batch(started: &[i64], finished: &[(i64, i64)], calls: u32) -> Batch {
    Batch {
        started: started.iter().map(|&id| Started { id, at_ms: 10 }).collect(),
        finished: finished.iter().map(|&(id, at_ms)| Finished { id, at_ms }).collect(),
        month: count(202_611, calls),
        ..Batch::default()
    }
}

fn count(month: i32, calls: u32) -> Option<MonthCount> {
    Some(MonthCount { month, calls })
}
