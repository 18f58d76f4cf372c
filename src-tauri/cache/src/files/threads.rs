//! Work that is spread over a few threads, for the start.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The most threads; more would wait for the disk.
const THREADS: usize = 4;

/// Does the work for each item on a few threads; the results come in the items' order.
pub(super) fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS));
    let next = AtomicUsize::new(0);
    let take_all = || {
        let take_next = || {
            let at = next.fetch_add(1, Ordering::Relaxed);
            Some((at, work(items.get(at)?)))
        };
        std::iter::from_fn(take_next).collect::<Vec<_>>()
    };
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(items.len())).map(|_| scope.spawn(take_all)).collect();
        let mut done = take_all();
        // A thread only ends without its results where the work panicked, and then so does this one.
        others.into_iter().for_each(|other| match other.join() {
            Ok(more) => done.extend(more),
            Err(panic) => std::panic::resume_unwind(panic),
        });
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
