#![allow(clippy::unwrap_used)]
use super::*;

fn id(n: usize) -> TokenId {
    TokenId::new(&format!("token-{n}")).unwrap()
}

fn queue_of(count: usize) -> UpdateQueue {
    let mut queue = UpdateQueue::new(1000);
    for n in 0..count {
        assert_eq!(queue.schedule(&id(n), Priority::Normal, 0), Scheduled::Added);
    }
    queue
}

#[test]
fn one_token_waits_at_most_once_and_the_more_urgent_wish_counts() {
    let mut queue = queue_of(1);
    assert_eq!(queue.schedule(&id(0), Priority::High, 0), Scheduled::Waiting);
    assert_eq!(queue.schedule(&id(0), Priority::Low, 0), Scheduled::Waiting);
    assert_eq!(queue.take(0), Some((Priority::High, vec![id(0)])));
    assert_eq!(queue.take(0), None);
}

#[test]
fn asked_again_while_running_it_runs_once_more() {
    let mut queue = queue_of(1);
    queue.take(0);
    assert_eq!(queue.schedule(&id(0), Priority::Low, 0), Scheduled::Again);
    assert_eq!(queue.schedule(&id(0), Priority::High, 0), Scheduled::Again);
    assert_eq!(queue.take(0), None, "never twice at a time");
    queue.finish(&id(0), Outcome::Updated, 0);
    assert_eq!(queue.take(0), Some((Priority::High, vec![id(0)])));
    queue.finish(&id(0), Outcome::Updated, 0);
    assert_eq!(queue.pending(0), Pending::default());
}

#[test]
fn a_batch_holds_what_one_call_carries_most_urgent_first() {
    let mut queue = queue_of(300);
    queue.schedule(&id(299), Priority::Critical, 0);
    let (priority, ids) = queue.take(0).unwrap();
    assert_eq!((priority, ids.len(), &ids[0], &ids[1]), (Priority::Critical, 250, &id(299), &id(0)));
    let (priority, ids) = queue.take(0).unwrap();
    assert_eq!((priority, ids.len()), (Priority::Normal, 50));
}

#[test]
fn long_ids_make_smaller_batches_and_none_is_left_behind() {
    let mut queue = UpdateQueue::new(1000);
    for n in 0..100 {
        queue.schedule(&TokenId::new(&format!("{n:0128}")).unwrap(), Priority::Normal, 0);
    }
    let sizes: Vec<usize> = std::iter::from_fn(|| queue.take(0)).map(|(_, ids)| ids.len()).collect();
    assert_eq!((sizes.iter().sum::<usize>(), sizes[0]), (100, 45));
}

#[test]
fn a_failed_id_goes_back_with_a_pause_that_doubles_up_to_a_bound() {
    let mut queue = queue_of(1);
    let mut now_ms = 0;
    for expected in [5_000, 10_000, 20_000, 40_000, 60_000, 60_000] {
        queue.take(now_ms).unwrap();
        queue.finish(&id(0), Outcome::Failed { at_least_ms: 0 }, now_ms);
        assert_eq!(queue.next_due_ms(), Some(now_ms + expected));
        assert_eq!(queue.take(now_ms + expected - 1), None);
        now_ms += expected;
    }
    queue.take(now_ms).unwrap();
    queue.finish(&id(0), Outcome::Failed { at_least_ms: 900_000 }, now_ms);
    assert_eq!(queue.next_due_ms(), Some(now_ms + 900_000), "the provider asked for a longer one");
    queue.take(now_ms + 900_000).unwrap();
    queue.finish(&id(0), Outcome::Updated, now_ms);
    assert_eq!(queue.schedule(&id(0), Priority::Low, now_ms), Scheduled::Added);
    assert!(queue.is_ready(&id(0), now_ms), "success forgets the failures");
}

#[test]
fn an_unknown_id_is_not_asked_again_for_a_while() {
    let mut queue = queue_of(1);
    queue.take(0);
    queue.finish(&id(0), Outcome::Unknown { until_ms: 100 }, 0);
    assert_eq!(queue.schedule(&id(0), Priority::Critical, 99), Scheduled::Unknown { until_ms: 100 });
    assert_eq!(queue.schedule(&id(0), Priority::Critical, 100), Scheduled::Added);
}

#[test]
fn the_queue_and_the_unknown_are_bounded() {
    let mut queue = UpdateQueue::new(3);
    for n in 0..3 {
        queue.schedule(&id(n), Priority::Normal, 0);
    }
    assert_eq!(queue.schedule(&id(3), Priority::Critical, 0), Scheduled::Full { bound: 3 });
    queue.take(0);
    assert_eq!(
        queue.schedule(&id(3), Priority::Critical, 0),
        Scheduled::Full { bound: 3 },
        "they may come back"
    );
    for n in 0..2 * UNKNOWN_MAX {
        queue.remember_unknown(&id(n), 10, 0);
    }
    assert_eq!(queue.unknown.len(), UNKNOWN_MAX);
    queue.remember_unknown(&id(0), 30, 20);
    assert_eq!(queue.unknown.len(), 1, "what is over makes room");
}

#[test]
fn an_id_that_nobody_wants_any_more_leaves() {
    let mut queue = queue_of(2);
    queue.cancel(&id(0));
    assert_eq!(queue.take(0).unwrap().1, [id(1)]);
    queue.schedule(&id(1), Priority::Low, 0);
    queue.cancel(&id(1));
    queue.finish(&id(1), Outcome::Updated, 0);
    assert_eq!(queue.take(0), None);
}

#[test]
fn a_person_who_asks_ends_a_pause() {
    let mut queue = queue_of(1);
    queue.take(0);
    queue.finish(&id(0), Outcome::Failed { at_least_ms: 0 }, 0);
    assert_eq!(queue.schedule(&id(0), Priority::High, 1), Scheduled::Waiting);
    assert_eq!(queue.take(1), None);
    assert_eq!(queue.schedule(&id(0), Priority::Critical, 1), Scheduled::Waiting);
    assert_eq!(queue.take(1), Some((Priority::Critical, vec![id(0)])));
}
