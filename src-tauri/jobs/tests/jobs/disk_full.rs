//! A disk that takes no more in the middle of commits that many share: a real write that fails, in a process of its own.

use std::time::Duration;

use eider_jobs::{AddError, Priority, State};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::child::{Process, folder};
use crate::support::{Act, Rig, job};

/// No file may grow beyond so much.
fn limit_files(bytes: Option<u64>) {
    let Rlimit { maximum, .. } = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: bytes, maximum }).unwrap();
}

const CALLERS: usize = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child_works_while_its_disk_fills_up() {
    if folder().is_none() {
        return;
    }
    let mut rig = Rig::new().await;
    let kept = rig.added(job(Act::Wait).priority(Priority::Critical)).await.id;
    rig.until(kept, State::Running).await;
    // Some callers still fit, and the write fails somewhere among them.
    let log = std::fs::metadata(rig.folder.path().join("eider.db-wal")).unwrap().len();
    limit_files(Some(log + 3_000_000));
    let callers = (0..CALLERS).map(|_| {
        let jobs = rig.jobs.clone();
        tokio::spawn(async move {
            let mut added = Vec::new();
            loop {
                match jobs.add(job(Act::Result("x".repeat(20_000)))).await {
                    Ok(one) => added.push(one.id),
                    Err(error) => return (added, error),
                }
            }
        })
    });
    let mut acknowledged = Vec::new();
    for caller in futures::future::join_all(callers).await {
        let (added, error) = caller.unwrap();
        assert!(matches!(error, AddError::Store(_)), "{error}");
        println!("refused: {error}");
        acknowledged.extend(added);
    }
    // It ends while not a byte can be written.
    limit_files(Some(1));
    rig.hands.go.notify_one();
    assert!(rig.jobs.add(job(Act::Done)).await.is_err());
    limit_files(None);
    rig.until(kept, State::Done).await;
    assert!(!acknowledged.is_empty(), "some fitted");
    for id in &acknowledged {
        while rig.state(*id).await != State::Done {
            tokio::task::yield_now().await;
        }
    }
    let id = rig.added(job(Act::Result("x".repeat(60_000)))).await.id;
    while rig.state(id).await != State::Done {
        tokio::task::yield_now().await;
    }
    rig.counts_are_true().await;
    let check = rig.store.read("test.check", |db| {
        Ok(db.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))?)
    });
    assert_eq!(check.await.unwrap(), "ok");
    rig.jobs.stop(Duration::from_secs(5)).await;
    println!("{} acknowledged, none lost", acknowledged.len());
}

#[test]
fn a_full_disk_refuses_each_caller_loses_nothing_and_work_resumes_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    // The signal of a file that grows too much would end the child; what is ignored stays so in the program it becomes.
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    let mut child = Process::of(shell, "disk_full::the_child_works_while_its_disk_fills_up", folder.path());
    let (mut refused, mut lost_none) = (0, false);
    while let Some(line) = child.line() {
        refused += usize::from(line.contains("refused: "));
        lost_none |= line.ends_with("none lost");
    }
    assert_eq!(refused, CALLERS, "each has its own answer");
    assert!(lost_none, "the child came to its end");
}
