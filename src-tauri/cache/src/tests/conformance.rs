//! What every combination of levels must do alike.

use std::time::Duration;

use super::rig::{Below, CLASS, Down, Rig, TTL, Text, text};
use crate::{CacheError, Class, ComputeError, Level, Levels};

const COMBINATIONS: &[&[Below]] = &[
    &[],
    &[Below::Files],
    &[Below::Database],
    &[Below::Files, Below::Database],
    &[Below::Shelf(Level::Files)],
    &[Below::Shelf(Level::Files), Below::Database],
    &[Below::Files, Below::Shelf(Level::Database)],
];

/// Runs a check over every combination.
macro_rules! conforms {
    ($($name:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            for levels in COMBINATIONS {
                println!("{levels:?}");
                checks::$name(Rig::new(levels).await).await;
            }
        }
    )*};
}
conforms!(
    a_value_is_found_in_memory_and_below_with_its_age,
    marks_hold_at_every_level_and_after_a_crash,
    a_removed_key_stays_removed,
    regions_do_not_reach_into_one_another,
    a_class_is_kept_in_its_levels_alone,
    a_value_from_before_a_restart_yields_to_a_newer_one_above_it,
    another_schema_is_a_miss,
    a_value_that_fits_no_level_is_refused,
    inspecting_tells_where_an_entry_is_but_not_what_it_says,
    stale_values_serve_and_dead_ones_do_not,
);

mod checks {
    use super::*;

    pub(super) async fn a_value_is_found_in_memory_and_below_with_its_age(rig: Rig) {
        rig.set("ton", "5.41").await;
        assert_eq!(rig.get("ton").await, Some(("5.41".into(), Level::Memory)));
        rig.hands.pass(TTL / 2);
        for _ in 0..2 {
            rig.evict_memory();
            let Some(first) = rig.levels.first() else {
                assert_eq!(rig.get("ton").await, None);
                return;
            };
            assert_eq!(rig.get("ton").await, Some(("5.41".into(), first.level())));
            assert_eq!(rig.get("ton").await, Some(("5.41".into(), Level::Memory)), "it was promoted");
        }
        let rig = rig.crash().await;
        assert_eq!(rig.value("ton").await.as_deref(), Some("5.41"));
        let rig = rig.restart().await;
        assert_eq!(rig.value("ton").await.as_deref(), Some("5.41"));
        rig.hands.pass(TTL / 2);
        assert_eq!(rig.get("ton").await, None, "promotion must not make it younger");
    }

    pub(super) async fn marks_hold_at_every_level_and_after_a_crash(rig: Rig) {
        for key in ["by tag", "by region", "by all", "kept"] {
            rig.set(key, "old").await;
        }
        let other = rig.cache.region("other").unwrap();
        other.set("untagged", text("kept"), &CLASS, &["unrelated"]).await.unwrap();
        rig.cache.invalidate_tag("tag").await.unwrap();
        let rig = rig.crash().await;
        for key in ["by tag", "by region", "kept"] {
            assert_eq!(rig.get(key).await, None, "{key}");
            assert!(rig.region.get_even_stale::<Text>(key).await.is_none(), "not even stale");
        }
        rig.set("again", "new").await;
        assert_eq!(rig.value("again").await.as_deref(), Some("new"));
        rig.region.clear().await.unwrap();
        let rig = rig.crash().await;
        assert_eq!(rig.get("again").await, None);
        let other = rig.cache.region("other").unwrap();
        assert_eq!(other.get::<Text>("untagged").await.is_some(), !rig.levels.is_empty());
        rig.cache.clear_all().await.unwrap();
        let rig = rig.crash_with_store().await;
        assert!(rig.cache.region("other").unwrap().get::<Text>("untagged").await.is_none());
    }

    pub(super) async fn a_removed_key_stays_removed(rig: Rig) {
        rig.set("ton", "1").await;
        rig.region.remove("ton").await.unwrap();
        assert_eq!(rig.get("ton").await, None);
        rig.evict_memory();
        assert_eq!(rig.get("ton").await, None, "the levels below were told too");
        let rig = rig.crash().await;
        assert_eq!(rig.get("ton").await, None);
        rig.set("ton", "2").await;
        rig.evict_memory();
        assert_eq!(rig.value("ton").await.is_some(), !rig.levels.is_empty());
    }

    pub(super) async fn regions_do_not_reach_into_one_another(rig: Rig) {
        let other = rig.cache.region("prices-a").unwrap();
        let keys = ["a", "prices-a", "a/b", "\0", "prices", "-a"];
        for key in keys {
            rig.set(key, "mine").await;
            other.set(key, text("theirs"), &CLASS, &[]).await.unwrap();
        }
        rig.region.clear().await.unwrap();
        for key in keys {
            assert_eq!(rig.get(key).await, None);
            assert_eq!(*other.get::<Text>(key).await.unwrap().value, text("theirs"));
        }
    }

    pub(super) async fn a_class_is_kept_in_its_levels_alone(rig: Rig) {
        let all = [Levels::MEMORY, Levels::ALL.without(Level::Memory), Levels::MEMORY.with(Level::Files)];
        for (at, levels) in all.into_iter().chain(all).enumerate() {
            let value = format!("{at}");
            let class = CLASS.levels(levels);
            let set = rig.region.set("moving", text(&value), &class, &[]).await;
            let somewhere = levels.contains(Level::Memory) || !rig.levels.is_empty();
            assert_eq!(set.is_ok(), somewhere, "{levels:?}: {set:?}");
            let here = rig.get("moving").await;
            rig.evict_memory();
            let below = rig.get("moving").await;
            if somewhere {
                assert_eq!(here.map(|found| found.0), Some(value.clone()), "{levels:?}");
                let first = rig.levels.iter().find(|below| levels.contains(below.level()));
                assert_eq!(
                    below,
                    first.map(|first| (value, first.level())),
                    "{levels:?}: nothing older below"
                );
            }
        }
    }

    pub(super) async fn a_value_from_before_a_restart_yields_to_a_newer_one_above_it(rig: Rig) {
        rig.set("k", "older").await;
        let rig = rig.crash().await;
        rig.region.set("k", text("newer"), &CLASS.levels(Levels::MEMORY), &[]).await.unwrap();
        assert_eq!(rig.value("k").await.as_deref(), Some("newer"));
        rig.evict_memory();
        assert_eq!(rig.value("k").await, None, "nothing older comes up from below");
    }

    pub(super) async fn another_schema_is_a_miss(rig: Rig) {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Newer(String);
        impl crate::Cached for Newer {
            const KIND: &'static str = "text";
            const SCHEMA: u32 = 2;
        }
        rig.set("k", "1").await;
        assert!(rig.region.get::<Newer>("k").await.is_none());
        rig.evict_memory();
        assert!(rig.region.get::<Newer>("k").await.is_none());
        assert_eq!(
            rig.value("k").await.is_some(),
            !rig.levels.is_empty(),
            "it is still there for those who know it"
        );
    }

    pub(super) async fn a_value_that_fits_no_level_is_refused(rig: Rig) {
        rig.set("k", "small").await;
        let huge = "x".repeat(9 << 20);
        let plain = CLASS.compress_over(None);
        let small_levels = plain.levels(Levels::ALL.without(Level::Memory));
        let refused = rig.region.set("k", text(&huge), &small_levels, &[]).await;
        assert!(matches!(refused, Err(CacheError::OutOfBounds { what: "value", .. })), "{refused:?}");
        assert_eq!(rig.value("k").await.as_deref(), Some("small"), "nothing else changed");
        rig.region.set("k", text(&huge), &plain, &[]).await.unwrap();
        rig.evict_memory();
        assert_eq!(rig.get("k").await, None, "what does not fit a level leaves nothing older there");
    }

    pub(super) async fn inspecting_tells_where_an_entry_is_but_not_what_it_says(rig: Rig) {
        let class = Class { secret: true, ..CLASS };
        rig.region.set("k", text("do not tell"), &class, &["usd"]).await.unwrap();
        rig.hands.pass(Duration::from_secs(10));
        for in_memory in [true, false] {
            let Some(info) = rig.cache.inspect("prices", "k").await.unwrap() else {
                assert!(rig.levels.is_empty() && !in_memory);
                return;
            };
            let below = rig.levels.iter().map(|below| below.level());
            let levels: Vec<_> = in_memory.then_some(Level::Memory).into_iter().chain(below).collect();
            assert_eq!(info.levels, levels);
            assert_eq!((info.age_ms, info.base_ttl_ms, info.effective_ttl_ms), (10_000, 300_000, 300_000));
            assert_eq!(info.expires_at_ms, info.created_at_ms + 300_000);
            assert_eq!(info.stale_until_ms, info.created_at_ms + 3_900_000);
            assert!(info.fresh && info.secret && !info.invalidated);
            assert_eq!((info.tags.clone(), &*info.kind), (vec!["usd".to_owned()], "text"));
            assert!(!format!("{info:?}").contains("do not tell"));
            rig.evict_memory();
        }
        rig.cache.invalidate_tag("usd").await.unwrap();
        assert!(rig.cache.inspect("prices", "k").await.unwrap().unwrap().invalidated);
        assert_eq!(rig.cache.inspect("prices", "absent").await, Ok(None));
        assert!(rig.cache.inspect("No Region", "k").await.is_err());
    }

    pub(super) async fn stale_values_serve_and_dead_ones_do_not(rig: Rig) {
        rig.set("k", "old").await;
        rig.hands.pass(TTL);
        for _ in 0..2 {
            assert_eq!(rig.get("k").await, None);
            let stale = rig.region.get_even_stale::<Text>("k").await;
            if stale.is_none() {
                assert!(rig.levels.is_empty());
                return;
            }
            let computed =
                rig.region.get_or_compute("k", &CLASS, &[], || async { Err::<Text, _>(Down) }).await;
            assert!(computed.unwrap().stale);
            rig.evict_memory();
        }
        rig.hands.pass(Duration::from_secs(3600));
        assert!(rig.region.get_even_stale::<Text>("k").await.is_none());
        rig.hands.pass(Duration::from_secs(10));
        let computed = rig.region.get_or_compute("k", &CLASS, &[], || async { Err::<Text, _>(Down) }).await;
        assert!(matches!(computed, Err(ComputeError::Failed(_))));
    }
}
