//! Random calls, restarts, crashes, full disks and damage, against what the level may hold.

use proptest::prelude::*;
use proptest::sample::Index;

use super::model_rig::{KEYS, Rig};
use super::*;

#[derive(Debug, Clone)]
pub(super) enum Step {
    Put {
        key: usize,
        bytes: usize,
        life_s: i64,
    },
    /// A value whose computation started before the newest one's.
    PutLate {
        key: usize,
    },
    Remove {
        key: usize,
    },
    Get {
        key: usize,
    },
    Pass {
        seconds: i64,
    },
    /// The disk takes only so much more, for one call.
    PutOnFullDisk {
        key: usize,
        bytes: usize,
        room: u64,
    },
    End,
    Crash,
    /// A byte of a file changes between a crash and the start after it.
    Flip {
        ended: bool,
        file: Index,
        at: Index,
        bit: u8,
    },
    /// A stretch of a file is overwritten.
    Spoil {
        ended: bool,
        file: Index,
        at: Index,
        len: usize,
    },
    Cut {
        ended: bool,
        file: Index,
        at: Index,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0..KEYS;
    let step = prop_oneof![
        12 => (key(), prop_oneof![0usize..300, 0usize..3000], prop_oneof![Just(5i64), Just(3600)])
            .prop_map(|(key, bytes, life_s)| Step::Put { key, bytes, life_s }),
        2 => key().prop_map(|key| Step::PutLate { key }),
        3 => key().prop_map(|key| Step::Remove { key }),
        6 => key().prop_map(|key| Step::Get { key }),
        1 => (0i64..8).prop_map(|seconds| Step::Pass { seconds }),
        1 => (key(), 0usize..3000, 0u64..3000)
            .prop_map(|(key, bytes, room)| Step::PutOnFullDisk { key, bytes, room }),
        1 => Just(Step::End),
        1 => Just(Step::Crash),
        1 => (any::<bool>(), any::<Index>(), any::<Index>(), 0u8..8)
            .prop_map(|(ended, file, at, bit)| Step::Flip { ended, file, at, bit }),
        1 => (any::<bool>(), any::<Index>(), any::<Index>(), 1usize..2000)
            .prop_map(|(ended, file, at, len)| Step::Spoil { ended, file, at, len }),
        1 => (any::<bool>(), any::<Index>(), any::<Index>())
            .prop_map(|(ended, file, at)| Step::Cut { ended, file, at }),
    ];
    proptest::collection::vec(step, 1..60)
}

fn run(sizes: Sizes, steps: &[Step]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut rig = Rig::new(sizes).await;
        for step in steps {
            rig.step(step).await;
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_level_with_room_holds_what_was_written_last(steps in steps()) {
        run(Sizes { bound: 64 << 20, segment: 4096 }, &steps);
    }

    #[test]
    fn a_level_without_room_holds_what_was_written_last_or_nothing(steps in steps()) {
        run(Sizes { bound: 40_000, segment: 4096 }, &steps);
    }
}
