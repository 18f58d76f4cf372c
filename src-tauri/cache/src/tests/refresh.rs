//! When a value is computed anew: ahead of expiry, in the background, after failures, and on condition.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::rig::{CLASS, Down, Rig, SHELVES, TTL, Text, text};
use crate::{Cached, Class, ComputeError, Computed, Failure, Hit, Level};

/// A source that counts how often it is asked and answers as soon as it may.
#[derive(Clone)]
struct Source {
    asked: Arc<AtomicUsize>,
    answers: Arc<Semaphore>,
}

impl Source {
    fn new(answers: usize) -> Self {
        Self { asked: Arc::default(), answers: Arc::new(Semaphore::new(answers)) }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn answer(self, value: Result<Text, Down>) -> Result<Text, Down> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.answers.acquire().await.unwrap().forget();
        value
    }
}

async fn ask(
    rig: &Rig,
    class: &Class,
    source: &Source,
    value: Result<&str, Down>,
) -> Result<Hit<Text>, ComputeError<Down>> {
    let (source, value) = (source.clone(), value.map(text));
    rig.region.get_or_compute("k", class, &["tag"], || source.answer(value)).await
}

/// Waits until memory holds this value.
async fn arrives(rig: &Rig, value: &str) {
    while rig.value("k").await.as_deref() != Some(value) {
        tokio::task::yield_now().await;
    }
}

async fn asked(source: &Source, times: usize) {
    while source.asked() < times {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_hit_past_the_refresh_point_starts_one_refresh_and_waits_for_none() {
    let rig = Rig::new(SHELVES).await;
    let (class, source) = (CLASS.refresh_ahead(0.8), Source::new(1));
    ask(&rig, &class, &source, Ok("1")).await.unwrap();
    rig.hands.pass(TTL * 79 / 100);
    assert_eq!(ask(&rig, &class, &source, Ok("2")).await.unwrap().value.0, "1");
    assert_eq!(rig.cache.stats().total().refreshes, 0, "before the point nothing is asked");
    rig.hands.pass(TTL * 2 / 100);
    for _ in 0..5 {
        let hit = ask(&rig, &class, &source, Ok("2")).await.unwrap();
        assert!(!hit.stale && hit.value.0 == "1");
    }
    asked(&source, 2).await;
    source.answers.add_permits(1);
    arrives(&rig, "2").await;
    assert_eq!(
        (source.asked(), rig.cache.stats().total().computations),
        (2, 2),
        "one flight for all of them"
    );
}

#[tokio::test]
async fn a_refresh_that_fails_is_not_repeated_at_once() {
    let rig = Rig::new(SHELVES).await;
    let (class, source) = (CLASS.refresh_ahead(0.5), Source::new(100));
    ask(&rig, &class, &source, Ok("1")).await.unwrap();
    rig.hands.pass(TTL / 2);
    ask(&rig, &class, &source, Err(Down)).await.unwrap();
    asked(&source, 2).await;
    while rig.cache.stats().total().failures < 1 {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        assert_eq!(ask(&rig, &class, &source, Ok("2")).await.unwrap().value.0, "1");
    }
    assert_eq!(source.asked(), 2);
    rig.hands.pass(class.retry_after_failure);
    ask(&rig, &class, &source, Ok("2")).await.unwrap();
    arrives(&rig, "2").await;
}

#[tokio::test]
async fn an_invalidation_overtakes_a_refresh_and_a_stale_value() {
    let rig = Rig::new(SHELVES).await;
    let (class, source) = (CLASS.refresh_ahead(0.5).soft_timeout(Duration::from_millis(20)), Source::new(1));
    ask(&rig, &class, &source, Ok("1")).await.unwrap();
    rig.hands.pass(TTL / 2);
    ask(&rig, &class, &source, Ok("too old")).await.unwrap();
    asked(&source, 2).await;
    rig.cache.invalidate_tag("tag").await.unwrap();
    source.answers.add_permits(1);
    while !rig.cache.core.flights.tasks.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.value("k").await, None, "what the refresh brought began before the invalidation");
}

#[tokio::test]
async fn a_stale_value_serves_at_once_while_it_is_computed_anew() {
    let rig = Rig::new(SHELVES).await;
    let (class, source) = (CLASS.soft_timeout(Duration::ZERO), Source::new(1));
    ask(&rig, &class, &source, Ok("1")).await.unwrap();
    rig.hands.pass(TTL);
    let hit = ask(&rig, &class, &source, Ok("2")).await.unwrap();
    assert!(hit.stale && hit.value.0 == "1");
    source.answers.add_permits(1);
    arrives(&rig, "2").await;
}

#[tokio::test]
async fn a_lasting_failure_answers_for_its_time_unless_something_ends_it() {
    let class = CLASS.negative_ttl(Duration::from_secs(60));
    let rig = Rig::new(SHELVES).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let unknown = async |rig: &Rig, key: &str| {
        let counted = Arc::clone(&runs);
        let compute = move |_| async move {
            counted.fetch_add(1, Ordering::SeqCst);
            Err::<Computed<Text>, _>(Failure::lasting(Down))
        };
        let outcome = rig.region.get_or_compute_with(key, &class, &["tag"], compute).await;
        assert!(matches!(outcome, Err(ComputeError::Failed(error)) if *error == Down));
        runs.load(Ordering::SeqCst)
    };
    assert_eq!(unknown(&rig, "k").await, 1);
    assert_eq!(unknown(&rig, "k").await, 1, "it is remembered");
    assert_eq!(unknown(&rig, "other").await, 2, "for its key alone");
    rig.hands.pass(Duration::from_secs(60));
    assert_eq!(unknown(&rig, "k").await, 3, "for its time");
    rig.cache.invalidate_tag("tag").await.unwrap();
    assert_eq!(unknown(&rig, "k").await, 4, "an invalidation ends it");
    rig.region.remove("k").await.unwrap();
    assert_eq!(unknown(&rig, "k").await, 5, "so does a removal");
    assert_eq!(rig.cache.stats().total().negative_serves, 1);
    rig.set("k", "known").await;
    assert_eq!(rig.value("k").await.as_deref(), Some("known"));
    rig.hands.pass(TTL);
    assert_eq!(unknown(&rig, "k").await, 6, "a stale value does not hide an answer");
}

#[tokio::test]
async fn an_unchanged_answer_renews_the_value_and_keeps_its_validator() {
    let rig = Rig::new(SHELVES).await;
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let ask = async |rig: &Rig, answer: Computed<Text>| {
        let seen = Arc::clone(&seen);
        let compute = move |previous: Option<crate::Previous<Text>>| async move {
            let told = previous.map(|previous| (previous.value.0.clone(), previous.validator));
            seen.lock().unwrap().push(told);
            Ok::<_, Failure<Down>>(answer)
        };
        rig.region.get_or_compute_with("k", &CLASS, &["tag"], compute).await
    };
    let refused = ask(&rig, Computed::unchanged()).await;
    assert!(matches!(refused, Err(ComputeError::NothingToRenew)), "{refused:?}");
    ask(&rig, Computed::value(text("1")).validator("\"etag\"")).await.unwrap();
    for _ in 0..2 {
        rig.hands.pass(TTL);
        rig.evict_memory();
        let renewed = ask(&rig, Computed::unchanged()).await.unwrap();
        assert_eq!((&*renewed.value.0, renewed.stale, renewed.level), ("1", false, Level::Origin));
        rig.evict_memory();
        assert_eq!(rig.get("k").await, Some(("1".into(), Level::Files)), "renewed at every level");
    }
    let told = Some(("1".to_owned(), Some(Arc::from("\"etag\""))));
    assert_eq!(*seen.lock().unwrap(), [None, None, told.clone(), told]);
    assert_eq!(rig.cache.stats().total().renewals, 2);
    rig.cache.invalidate_tag("tag").await.unwrap();
    ask(&rig, Computed::value(text("2"))).await.unwrap();
    assert_eq!(seen.lock().unwrap().last(), Some(&None), "an invalidated value is nothing to ask about");
    let long = Computed::value(text("3")).validator("x".repeat(513));
    rig.region.remove("k").await.unwrap();
    assert!(matches!(ask(&rig, long).await, Err(ComputeError::Refused(_))));
}

#[tokio::test]
async fn the_age_that_a_source_grants_takes_the_place_of_the_time_to_live() {
    let rig = Rig::new(SHELVES).await;
    let answer = Computed::value(text("1")).max_age(Duration::from_secs(5));
    let compute = |_| async { Ok::<_, Failure<Down>>(answer) };
    rig.region.get_or_compute_with("k", &CLASS, &[], compute).await.unwrap();
    rig.hands.pass(Duration::from_secs(4));
    assert!(rig.value("k").await.is_some());
    rig.hands.pass(Duration::from_secs(1));
    assert!(rig.value("k").await.is_none());
}

#[tokio::test]
async fn load_stretches_times_to_live_at_the_read_but_never_past_the_maximum_age() {
    let rig = Rig::new(SHELVES).await;
    let short = CLASS.max_stale(TTL / 2);
    rig.set("adaptive", "1").await;
    rig.region.set("bounded", text("1"), &short, &[]).await.unwrap();
    rig.region.set("fixed", text("1"), &CLASS.adaptive(false), &[]).await.unwrap();
    rig.cache.set_load(1.0);
    assert_eq!(rig.cache.ttl_factor().factor, 3.0);
    rig.hands.pass(TTL);
    for evicted in [false, true] {
        assert!(rig.value("adaptive").await.is_some(), "evicted: {evicted}");
        assert!(rig.value("bounded").await.is_some());
        assert!(rig.value("fixed").await.is_none());
        rig.evict_memory();
    }
    rig.hands.pass(TTL / 2);
    assert!(rig.region.get_even_stale::<Text>("bounded").await.is_none(), "its maximum age has passed");
    rig.cache.set_load(0.0);
    rig.hands.pass(Duration::from_secs(100));
    rig.cache.set_load(0.0);
    assert!(rig.value("adaptive").await.is_none(), "the load fell, and so did its time to live");
}

#[tokio::test]
async fn jitter_takes_off_at_most_its_share() {
    let rig = Rig::new(&[]).await;
    let class = CLASS.jitter(0.2);
    let mut lives = Vec::new();
    for n in 0..200 {
        let key = format!("k{n}");
        rig.region.set(&key, text("1"), &class, &[]).await.unwrap();
        lives.push(rig.cache.inspect("prices", &key).await.unwrap().unwrap().base_ttl_ms);
    }
    lives.sort_unstable();
    assert!(lives[0] >= 240_000 && lives[199] <= 300_000);
    assert!(lives[0] < 250_000 && lives[199] > 290_000, "they are spread: {} to {}", lives[0], lives[199]);
}

#[tokio::test]
async fn two_types_under_one_key_do_not_share_a_flight() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Number(u64);
    impl Cached for Number {
        const KIND: &'static str = "number";
        const SCHEMA: u32 = 1;
    }
    let rig = Rig::new(SHELVES).await;
    let words = rig.region.get_or_compute("k", &CLASS, &[], || async { Ok::<_, Down>(text("1")) });
    let numbers = rig.region.get_or_compute("k", &CLASS, &[], || async { Ok::<_, Down>(Number(2)) });
    let (word, number) = tokio::join!(words, numbers);
    assert_eq!((&*word.unwrap().value.0, number.unwrap().value.0), ("1", 2));
}
