//! The keys that are asked for most: a bounded list that finds them without counting every key.
//!
//! "Space saving" (Metwally et al., 2005): a key that is not listed takes the place of the least, and its weight
//! with it. Any key asked for in more than one of `LISTED` reads is listed for certain.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

/// A key that is asked for often.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HotKey {
    /// Its region.
    pub region: String,
    /// The key.
    pub key: String,
    /// How often it was asked for, roughly; halved every hour.
    pub weight: u64,
}

/// The most keys listed.
pub(crate) const LISTED: usize = 1024;

#[derive(Default)]
pub(crate) struct HotKeys {
    /// Guards the list; held for one count, or a walk over the list once a minute.
    list: Mutex<List>,
}

/// The weights twice: by key, and in order.
#[derive(Default)]
struct List {
    by_key: HashMap<Arc<str>, HashMap<Arc<str>, u64>>,
    in_order: BTreeSet<(u64, Arc<str>, Arc<str>)>,
}

impl HotKeys {
    pub(crate) fn load(&self, keys: Vec<HotKey>) {
        let mut list = self.lock();
        keys.iter().take(LISTED).for_each(|hot| list.add(&hot.region, &hot.key, hot.weight));
    }

    /// Counts a key as asked for so many times.
    pub(crate) fn note(&self, region: &str, key: &str, times: u64) {
        // A hit must not wait for another one's count: one lost in a while changes no ranking.
        if let Ok(mut list) = self.list.try_lock() {
            list.add(region, key, times);
        }
    }

    /// The `n` hottest, hottest first.
    pub(crate) fn top(&self, n: usize) -> Vec<HotKey> {
        let list = self.lock();
        let hottest = list.in_order.iter().rev().take(n);
        let hot = |(weight, region, key): &(u64, Arc<str>, Arc<str>)| HotKey {
            region: region.to_string(),
            key: key.to_string(),
            weight: *weight,
        };
        hottest.map(hot).collect()
    }

    pub(crate) fn forget(&self, region: &str) {
        self.lock().retain(|(weight, of, _)| (&**of != region).then_some(*weight));
    }

    /// Lets what is no longer asked for sink.
    pub(crate) fn halve(&self) {
        self.lock().retain(|(weight, ..)| Some(weight / 2).filter(|weight| *weight > 0));
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl List {
    fn add(&mut self, region: &str, key: &str, times: u64) {
        let known = self.by_key.get_key_value(region).and_then(|(region, keys)| {
            let (key, weight) = keys.get_key_value(key)?;
            Some((*weight, Arc::clone(region), Arc::clone(key)))
        });
        let (weight, region, key) = match known {
            Some(known) => {
                self.in_order.remove(&known);
                known
            }
            None => (self.make_room(), Arc::from(region), Arc::from(key)),
        };
        self.insert(weight + times, region, key);
    }

    fn insert(&mut self, weight: u64, region: Arc<str>, key: Arc<str>) {
        self.by_key.entry(Arc::clone(&region)).or_default().insert(Arc::clone(&key), weight);
        self.in_order.insert((weight, region, key));
    }

    /// Takes the least key off a full list and returns its weight.
    fn make_room(&mut self) -> u64 {
        if self.in_order.len() < LISTED {
            return 0;
        }
        let Some((weight, region, key)) = self.in_order.pop_first() else { return 0 };
        if let Some(keys) = self.by_key.get_mut(&region) {
            keys.remove(&key);
        }
        weight
    }

    /// Keeps what `weigh` gives a weight.
    fn retain(&mut self, weigh: impl Fn(&(u64, Arc<str>, Arc<str>)) -> Option<u64>) {
        let before = std::mem::take(self);
        for entry in before.in_order {
            if let Some(weight) = weigh(&entry) {
                self.insert(weight, entry.1, entry.2);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_often_is_found_among_many() {
        let hot = HotKeys::default();
        for n in 0..20_000 {
            hot.note("noise", &format!("k{n}"), 1);
            if n % 100 == 0 {
                hot.note("prices", "ton", 1);
                hot.note("prices", "btc", 2);
            }
        }
        let top: Vec<_> = hot.top(2).into_iter().map(|hot| hot.key).collect();
        assert_eq!(top, ["btc", "ton"]);
        assert_eq!(hot.top(usize::MAX).len(), LISTED);
        hot.forget("noise");
        assert_eq!(hot.top(5).len(), 2);
        (0..64).for_each(|_| hot.halve());
        assert_eq!(hot.top(1), []);
    }
}
