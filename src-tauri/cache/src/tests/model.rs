//! Random calls, clocks, failures and crashes against a model of what may be shown.
//!
//! The model knows the newest value of each key and what ended it. A cache may lose anything, but what it shows
//! must be that value, within its age, and neither removed nor invalidated.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;

use super::rig::{Below, CLASS, Down, Rig, SHELVES, TTL, Text, text};
use super::shelf::Mode;
use crate::{Class, ComputeError, Failure, Hit, Level, Levels};

const KEYS: [&str; 3] = ["ton", "btc", "eth"];
const REGIONS: [&str; 2] = ["prices", "markets"];
const TAGS: [&str; 2] = ["usd", "coingecko"];
const LEVELS: [Levels; 4] =
    [Levels::ALL, Levels::ALL.without(Level::Database), Levels::MEMORY, Levels::ALL.without(Level::Memory)];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct At {
    region: usize,
    key: usize,
}

#[derive(Debug, Clone)]
enum Step {
    Set(At, usize, bool),
    Get(At),
    GetStale(At),
    Compute(At, Outcome),
    Remove(At),
    Invalidate(usize),
    Clear(usize),
    ClearAll,
    Pass(u64),
    SetClockBack(u64),
    Load(f64),
    Fail(usize, Mode),
    BreakMarks(bool),
    Evict,
    EvictBelow(usize, usize),
    Tend,
    Crash,
    Restart,
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    Value,
    Fails,
    FailsLastingly,
}

fn at() -> impl Strategy<Value = At> {
    (0..REGIONS.len(), 0..KEYS.len()).prop_map(|(region, key)| At { region, key })
}

fn step() -> impl Strategy<Value = Step> {
    let mode = prop::sample::select(vec![Mode::Obeys, Mode::Fails, Mode::Lies, Mode::Panics, Mode::Full]);
    let outcome = prop::sample::select(vec![Outcome::Value, Outcome::Fails, Outcome::FailsLastingly]);
    prop_oneof![
        8 => (at(), 0..LEVELS.len(), any::<bool>()).prop_map(|(at, levels, tagged)| Step::Set(at, levels, tagged)),
        12 => at().prop_map(Step::Get),
        4 => at().prop_map(Step::GetStale),
        6 => (at(), outcome).prop_map(|(at, outcome)| Step::Compute(at, outcome)),
        3 => at().prop_map(Step::Remove),
        2 => (0..TAGS.len()).prop_map(Step::Invalidate),
        1 => (0..REGIONS.len()).prop_map(Step::Clear),
        1 => Just(Step::ClearAll),
        4 => (1..400_000u64).prop_map(Step::Pass),
        1 => (1..400_000u64).prop_map(Step::SetClockBack),
        1 => (0.0..1.0f64).prop_map(Step::Load),
        4 => (0..2usize, mode).prop_map(|(level, mode)| Step::Fail(level, mode)),
        1 => any::<bool>().prop_map(Step::BreakMarks),
        6 => Just(Step::Evict),
        2 => (0..2usize, 0..KEYS.len()).prop_map(|(level, key)| Step::EvictBelow(level, key)),
        3 => Just(Step::Tend),
        3 => Just(Step::Crash),
        1 => Just(Step::Restart),
    ]
}

/// The newest value of a key.
#[derive(Debug, Clone)]
struct Newest {
    value: String,
    created_at_ms: i64,
    /// The monotonic time at which this process has had it first; `None` after a restart.
    mono_ms: Option<u64>,
    tagged: bool,
}

#[derive(Default)]
struct Model {
    newest: HashMap<At, Newest>,
    written: u64,
}

struct World {
    rig: Rig,
    model: Model,
}

impl World {
    fn class(levels: usize) -> Class {
        CLASS
            .levels(LEVELS[levels])
            .negative_ttl(Duration::from_secs(60))
            .soft_timeout(Duration::from_secs(20))
    }

    fn next_value(&mut self) -> String {
        self.model.written += 1;
        format!("v{}", self.model.written)
    }

    fn wrote(&mut self, at: At, value: String, tagged: bool) {
        let hands = &self.rig.hands;
        let created_at_ms = hands.wall_ms.load(Ordering::SeqCst);
        let mono_ms = Some(hands.mono_ms.load(Ordering::SeqCst));
        self.model.newest.insert(at, Newest { value, created_at_ms, mono_ms, tagged });
    }

    fn check(&self, at: At, hit: &Hit<Text>) -> Result<(), TestCaseError> {
        let Some(newest) = self.model.newest.get(&at) else {
            return Err(TestCaseError::fail(format!(
                "{at:?}: {hit:?} was removed, invalidated or never there"
            )));
        };
        prop_assert_eq!(&hit.value.0, &newest.value, "{:?}", at);
        prop_assert_eq!(hit.created_at_ms, newest.created_at_ms);
        let hands = &self.rig.hands;
        let by_wall = hands.wall_ms.load(Ordering::SeqCst) - newest.created_at_ms;
        let held = newest.mono_ms.map_or(0, |then| hands.mono_ms.load(Ordering::SeqCst) - then) as i64;
        let ttl_ms = TTL.as_millis() as i64;
        let most_ms = ttl_ms + CLASS.max_stale.as_millis() as i64;
        // What was evicted and promoted again is known to be as old as the wall clock says.
        let age = if hit.level == Level::Memory { by_wall } else { by_wall.max(held.min(by_wall)) };
        let effective = ((ttl_ms as f64 * self.rig.cache.ttl_factor().factor) as i64).min(most_ms);
        prop_assert!(age < most_ms, "{hit:?} is past its maximum age");
        prop_assert!(hit.stale || (0..effective).contains(&age), "{hit:?} of age {age} is not fresh");
        Ok(())
    }

    async fn run(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Set(at, levels, tagged) => {
                let value = self.next_value();
                let tags = if tagged { &TAGS[..] } else { &[] };
                let region = self.region(at.region);
                if region.set(KEYS[at.key], text(&value), &Self::class(levels), tags).await.is_ok() {
                    self.wrote(at, value, tagged);
                }
            }
            Step::Get(at) => {
                if let Some(hit) = self.region(at.region).get::<Text>(KEYS[at.key]).await {
                    prop_assert!(!hit.stale);
                    self.check(at, &hit)?;
                }
            }
            Step::GetStale(at) => {
                if let Some(hit) = self.region(at.region).get_even_stale::<Text>(KEYS[at.key]).await {
                    self.check(at, &hit)?;
                }
            }
            Step::Compute(at, outcome) => self.compute(at, outcome).await?,
            Step::Remove(at) => {
                let _ = self.region(at.region).remove(KEYS[at.key]).await;
                self.model.newest.remove(&at);
            }
            Step::Invalidate(tag) => {
                let _ = self.rig.cache.invalidate_tag(TAGS[tag]).await;
                self.model.newest.retain(|_, newest| !newest.tagged);
            }
            Step::Clear(region) => {
                let _ = self.region(region).clear().await;
                self.model.newest.retain(|at, _| at.region != region);
            }
            Step::ClearAll => {
                let _ = self.rig.cache.clear_all().await;
                self.model.newest.clear();
            }
            Step::Pass(ms) => self.rig.hands.pass(Duration::from_millis(ms)),
            Step::SetClockBack(ms) => {
                self.rig.hands.wall_ms.fetch_sub(ms as i64, Ordering::SeqCst);
            }
            Step::Load(load) => self.rig.cache.set_load(load),
            Step::Fail(level, mode) => self.rig.shelves[level].set(mode),
            Step::BreakMarks(broken) => self.rig.broken_journal().store(broken, Ordering::SeqCst),
            Step::Evict => self.rig.evict_memory(),
            Step::EvictBelow(level, key) => self.rig.shelves[level].evict(KEYS[key]),
            Step::Tend => self.rig.cache.tend().await,
            Step::Crash | Step::Restart => unreachable!("they take the rig"),
        }
        Ok(())
    }

    async fn compute(&mut self, at: At, outcome: Outcome) -> Result<(), TestCaseError> {
        let value = self.next_value();
        let answer = match outcome {
            Outcome::Value => Ok(crate::Computed::value(text(&value))),
            Outcome::Fails => Err(Failure::passing(Down)),
            Outcome::FailsLastingly => Err(Failure::lasting(Down)),
        };
        let computed = self
            .region(at.region)
            .get_or_compute_with(KEYS[at.key], &Self::class(0), &TAGS, |_| async { answer })
            .await;
        match computed {
            Ok(hit) if hit.level == Level::Origin => {
                prop_assert_eq!(&hit.value.0, &value);
                self.wrote(at, value, true);
            }
            Ok(hit) => self.check(at, &hit)?,
            Err(ComputeError::Failed(_)) => {}
            Err(error) => return Err(TestCaseError::fail(format!("{error}"))),
        }
        Ok(())
    }

    fn region(&self, region: usize) -> crate::Region {
        self.rig.cache.region(REGIONS[region]).unwrap()
    }
}

fn run(levels: &'static [Below], steps: Vec<Step>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World { rig: Rig::new(levels).await, model: Model::default() };
        for step in steps {
            match step {
                Step::Crash | Step::Restart => {
                    let World { rig, mut model } = world;
                    let rig =
                        if matches!(step, Step::Crash) { rig.crash().await } else { rig.restart().await };
                    model.newest.values_mut().for_each(|newest| newest.mono_ms = None);
                    world = World { rig, model };
                }
                step => world.run(step).await?,
            }
        }
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_shown_that_must_not_be(steps in prop::collection::vec(step(), 1..80)) {
        run(SHELVES, steps)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_shown_that_must_not_be_by_files_and_database(steps in prop::collection::vec(step(), 1..60)) {
        run(&[Below::Files, Below::Database], steps)?;
    }
}
