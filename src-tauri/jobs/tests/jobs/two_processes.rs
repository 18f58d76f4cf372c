//! Two processors over one file, in one process or in two.

use std::sync::Arc;
use std::time::Duration;

use eider_jobs::{Config, State};

use crate::child::{Process, folder, wait_for_parent};
use crate::support::{Act, Hands, Rig, START_MS, job, open};

async fn pair(lease: Duration) -> (Rig, Rig) {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let config = Config { lease, ..Config::default() };
    let hands = || Arc::new(Hands { wall_ms: START_MS.into(), ..Hands::default() });
    let first = Rig::open(Arc::clone(&folder), hands(), config.clone()).await;
    (first, Rig::open(folder, hands(), config).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_job_is_run_by_one_of_them() {
    let (first, second) = pair(Duration::from_secs(30)).await;
    let adders = (0..64).map(|n| {
        let jobs = if n % 2 == 0 { first.jobs.clone() } else { second.jobs.clone() };
        tokio::spawn(async move { jobs.add(job(Act::Done).key("one of both")).await.unwrap() })
    });
    let _ = futures::future::join_all(adders).await;
    let jobs = (0..200).map(|_| job(Act::Done)).collect();
    first.jobs.add_many(jobs).await.unwrap();
    second.jobs.wake();
    while first.jobs.queues().await.unwrap()[2].counts.open() > 0 {
        tokio::task::yield_now().await;
    }
    let begun = first.hands.begun.lock().unwrap().len() + second.hands.begun.lock().unwrap().len();
    let added = first.jobs.queues().await.unwrap()[2].counts.of(State::Done);
    assert_eq!(begun as u64, added, "none twice, none lost");
    first.counts_are_true().await;
    // Both go by the same numbers.
    second.counts_are_true().await;
    let id = second.add(Act::Done).await;
    first.jobs.wake();
    while first.state(id).await != State::Done {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_process_that_gives_no_sign_of_life_is_taken_over_and_its_late_acknowledgement_refused() {
    let (mut first, mut second) = pair(Duration::from_secs(1)).await;
    second.jobs.pause("normal").await.unwrap();
    let id = first.add(Act::Wait).await;
    first.until(id, State::Running).await;
    // The first gives no sign any more, but its handler still runs.
    let session = first.store.write("test.dies", |tx| {
        tx.execute_batch(
            "CREATE TRIGGER dead BEFORE UPDATE ON job_session
             WHEN old.id = (SELECT session FROM job WHERE session IS NOT NULL)
             BEGIN SELECT raise(IGNORE); END",
        )?;
        Ok(tx
            .query_row("SELECT session FROM job WHERE session IS NOT NULL", [], |row| row.get::<_, i64>(0))?)
    });
    let session = session.await.unwrap();
    while second.state(id).await == State::Running {
        tokio::task::yield_now().await;
    }
    assert_eq!(second.outcomes(id).await, ["interrupted"]);
    first.jobs.pause("normal").await.unwrap();
    second.jobs.resume("normal").await.unwrap();
    second.until(id, State::Running).await;
    let owner = second.store.read("test.owner", |db| {
        Ok(db
            .query_row("SELECT session FROM job WHERE session IS NOT NULL", [], |row| row.get::<_, i64>(0))?)
    });
    assert_ne!(owner.await.unwrap(), session);
    // The late end of the first changes nothing.
    first.hands.go.notify_one();
    first.jobs.stop(Duration::from_secs(5)).await;
    assert_eq!(second.state(id).await, State::Running);
    second.hands.go.notify_one();
    second.until(id, State::Done).await;
    second.counts_are_true().await;
}

#[tokio::test]
async fn a_job_that_another_process_cancels_is_told_to_end() {
    let (mut first, second) = pair(Duration::from_secs(30)).await;
    second.jobs.pause("normal").await.unwrap();
    let id = first.add(Act::Wait).await;
    first.until(id, State::Running).await;
    second.jobs.cancel(id).await.unwrap();
    first.until(id, State::Cancelled).await;
    second.counts_are_true().await;
}

#[tokio::test]
async fn a_process_that_was_wrongly_taken_for_dead_can_run_the_job_again_itself() {
    let mut rig = Rig::new().await;
    let id = rig.add(Act::Wait).await;
    rig.until(id, State::Running).await;
    let rescue = "UPDATE job SET state = 0, session = NULL;
                  UPDATE job_count SET jobs = state = 0";
    rig.store.write("test.rescue", |tx| Ok(tx.execute_batch(rescue)?)).await.unwrap();
    rig.jobs.wake();
    rig.until(id, State::Running).await;
    while rig.hands.running.load(std::sync::atomic::Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    // The first run ends; the second one goes on and can be cancelled.
    rig.hands.go.notify_one();
    while rig.hands.running.load(std::sync::atomic::Ordering::SeqCst) > 1 {
        tokio::task::yield_now().await;
    }
    let next = rig.add(Act::Done).await;
    rig.until(next, State::Done).await;
    assert_eq!(rig.state(id).await, State::Running);
    rig.jobs.cancel(id).await.unwrap();
    rig.until(id, State::Cancelled).await;
    rig.counts_are_true().await;
}

const KEYS: u32 = 10;
const ADDERS: u32 = 32;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child_adds_the_same_jobs_from_many_tasks() {
    let Some(folder) = folder() else { return };
    let store = open(&folder);
    let hands = Arc::new(Hands { wall_ms: START_MS.into(), ..Hands::default() });
    let jobs = crate::support::builder(&store, &hands, Config::default()).start().await.unwrap();
    jobs.pause("normal").await.unwrap();
    println!("ready");
    wait_for_parent();
    let adders = (0..ADDERS).map(|_| {
        let jobs = jobs.clone();
        tokio::spawn(async move {
            let mut added = Vec::new();
            for key in 0..KEYS {
                added.push(jobs.add(job(Act::Done).key(&key.to_string())).await.unwrap());
            }
            added
        })
    });
    for added in futures::future::join_all(adders).await {
        for (key, added) in added.unwrap().into_iter().enumerate() {
            println!("{key} {} {}", added.id, added.existing);
        }
    }
    jobs.stop(Duration::ZERO).await;
    store.close().await;
}

#[tokio::test]
async fn of_sixty_four_adders_in_two_real_processes_one_adds_each_key() {
    let folder = tempfile::tempdir().unwrap();
    let test = "two_processes::the_child_adds_the_same_jobs_from_many_tasks";
    let mut children = [(); 2].map(|()| Process::start(test, folder.path()));
    children.iter_mut().for_each(|child| child.until("ready"));
    children.iter_mut().for_each(|child| drop(child.stdin.take()));
    let (mut ids, mut new, mut answers) = (vec![std::collections::HashSet::new(); KEYS as usize], 0, 0);
    for child in &mut children {
        while let Some(line) = child.line() {
            let [key, id, existing] = line.split(' ').collect::<Vec<_>>()[..] else { continue };
            let (Ok(key), Ok(existing)) = (key.parse::<usize>(), existing.parse::<bool>()) else { continue };
            ids[key].insert(id.to_owned());
            new += u32::from(!existing);
            answers += 1;
        }
    }
    assert_eq!((answers, new), (2 * ADDERS * KEYS, KEYS));
    assert!(ids.iter().all(|ids| ids.len() == 1), "all were told the same job: {ids:?}");
}
