//! The bound in bytes, what is given up for it, and when room is freed early.

use super::*;

/// What the folder takes on the disk, with itself.
fn du(folder: &Path) -> u64 {
    let of_file = |path: PathBuf| segment::on_disk(fs::metadata(path).unwrap().len());
    4096 + fs::read_dir(folder).unwrap().map(|file| of_file(file.unwrap().path())).sum::<u64>()
}

#[tokio::test]
async fn the_bytes_on_the_disk_never_exceed_the_bound() {
    for (sizes, payload_bytes) in [
        (SMALL, &[0, 700, 3000][..]),
        (SMALL, &[260_000, 10, 130_000]),
        (Sizes { bound: 64 << 10, segment: 1000 }, &[100, 10_000]),
        (Sizes { bound: 300_000, segment: 1 << 20 }, &[5000]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let files = open(folder.path(), sizes).await;
        let mut written = 0;
        for n in 0u64.. {
            let bytes = payload_bytes[n as usize % payload_bytes.len()];
            let at = key("r", &(n % 5000).to_string());
            files.put(&at, record(n + 1, &noise(n, bytes))).await.unwrap();
            if n % 3 == 0 {
                files.get(&at).await.unwrap();
            }
            assert!(du(folder.path()) <= sizes.bound, "{} of {sizes:?}", du(folder.path()));
            written += bytes as u64 + 200;
            if written > 4 * sizes.bound && n > 500 {
                break;
            }
        }
        assert!(files.bytes() > sizes.bound / 2, "{} of {sizes:?}", files.bytes());
        files.close().await;
        assert!(du(folder.path()) <= sizes.bound);
        let smaller = Sizes { bound: sizes.bound / 2, ..sizes };
        open(folder.path(), smaller).await;
        assert!(du(folder.path()) <= smaller.bound, "a bound lowered between two starts");
    }
}

#[tokio::test]
async fn there_is_room_for_the_list_of_contents_at_any_moment() {
    for records in (100..400).step_by(7) {
        let folder = tempfile::tempdir().unwrap();
        let sizes = Sizes { bound: 64 << 10, segment: 1 << 20 };
        let files = open(folder.path(), sizes).await;
        for n in 0..records {
            files.put(&key("r", &n.to_string()), record(n + 1, &noise(n, 150))).await.unwrap();
        }
        files.close().await;
        assert!(du(folder.path()) <= sizes.bound, "{} after {records} records", du(folder.path()));
    }
}

#[tokio::test]
async fn the_index_is_bounded_where_values_are_tiny() {
    let folder = tempfile::tempdir().unwrap();
    let files = open(folder.path(), SMALL).await;
    for n in 0..6000u64 {
        files.remove(&key("r", &n.to_string()), n + 1, NOW_MS).await.unwrap();
        assert!(files.log.index.len() <= 4096);
    }
}

#[tokio::test]
async fn the_oldest_goes_first_but_for_what_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let files = open(folder.path(), SMALL).await;
    for n in 0..3000u64 {
        files.put(&key("r", &n.to_string()), record(n + 1, &noise(n, 1000))).await.unwrap();
        assert_eq!(payload(&files, "r", "0").await.unwrap(), noise(0, 1000), "read all the time, after {n}");
    }
    assert_eq!(payload(&files, "r", "1").await, None);
    let kept = (0..3000).filter(|n| files.log.find(&key("r", &n.to_string())).is_some()).count();
    assert_eq!(kept, files.entries());
    assert_eq!(files.evictions(), Some(3000 - kept as u64));
    let oldest = (1..3000).find(|n| files.log.find(&key("r", &n.to_string())).is_some()).unwrap();
    assert_eq!(3000 - oldest + 1, kept, "all that is younger than the oldest is there");
}

#[tokio::test]
async fn a_removal_outlives_its_segment_while_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let files = open(folder.path(), SMALL).await;
    files.remove(&key("r", "removed"), 100, NOW_MS).await.unwrap();
    for n in 0..3000u64 {
        files.put(&key("r", &n.to_string()), record(n + 1, &noise(n, 1000))).await.unwrap();
    }
    files.put(&key("r", "removed"), record(99, b"late")).await.unwrap();
    assert_eq!(payload(&files, "r", "removed").await, None);
}

#[tokio::test]
async fn a_value_beyond_a_quarter_of_the_bound_is_not_kept_and_removes_the_older() {
    let folder = tempfile::tempdir().unwrap();
    let files = open(folder.path(), SMALL).await;
    files.put(&key("r", "large"), record(1, b"small")).await.unwrap();
    files.put(&key("r", "other"), record(1, b"other")).await.unwrap();
    files.put(&key("r", "large"), record(2, &noise(1, 262_144))).await.unwrap();
    assert_eq!(payload(&files, "r", "large").await, None);
    assert_eq!(payload(&files, "r", "other").await.unwrap(), b"other");
    let files = open(folder.path(), SMALL).await;
    assert_eq!(payload(&files, "r", "large").await, None);
}

#[tokio::test]
async fn the_largest_value_of_the_cache_fits() {
    let folder = tempfile::tempdir().unwrap();
    let files = open(folder.path(), Sizes::for_bound(256 << 20)).await;
    let value = noise(7, crate::VALUE_MAX);
    files.put(&key("r", "k"), record(1, &value)).await.unwrap();
    files.put(&key("r", "after"), record(1, b"after")).await.unwrap();
    assert!(payload(&files, "r", "k").await.unwrap() == value);
    let files = open(folder.path(), Sizes::for_bound(256 << 20)).await;
    assert!(payload(&files, "r", "k").await.unwrap() == value);
    assert_eq!(payload(&files, "r", "after").await.unwrap(), b"after");
}

#[tokio::test]
async fn a_segment_without_entries_goes_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let files = open(folder.path(), SMALL).await;
    for n in 0..2000u64 {
        files.put(&key("r", &(n % 10).to_string()), record(n + 1, &noise(n, 1000))).await.unwrap();
        assert!(segments(folder.path()).len() <= 2, "overwritten values take no room");
    }
}

#[tokio::test]
async fn what_has_expired_is_not_served_and_its_room_is_freed() {
    let folder = tempfile::tempdir().unwrap();
    let hands = Hands::new();
    let files = Files::open_with(folder.path(), SMALL, Arc::new(Machine), hands.clock()).await.unwrap();
    for n in 0..300u64 {
        files.put(&key("r", &n.to_string()), record(n + 1, &noise(n, 1000))).await.unwrap();
    }
    hands.pass_ms(7_200_000 - 1);
    assert!(payload(&files, "r", "0").await.is_some());
    hands.pass_ms(1);
    assert_eq!(payload(&files, "r", "0").await, None, "one millisecond later");
    assert!(segments(folder.path()).len() > 4);
    hands.pass_ms(1000);
    let mut late = record(1000, b"late");
    late.meta.created_at_ms = hands.now_ms();
    files.put(&key("r", "late"), late).await.unwrap();
    assert_eq!(segments(folder.path()).len(), 1, "only the one that is being written");
}

#[tokio::test]
async fn an_older_value_that_lives_longer_does_not_come_back() {
    for (twice, restarts) in [(false, false), (false, true), (true, false), (true, true)] {
        let folder = tempfile::tempdir().unwrap();
        let hands = Hands::new();
        let open = || Files::open_with(folder.path(), SMALL, Arc::new(Machine), hands.clock());
        let mut files = open().await.unwrap();
        let fill = async |files: &Files| {
            for n in 0..100u64 {
                files.put(&key("fill", &n.to_string()), record(1, &noise(n, 1000))).await.unwrap();
            }
        };
        let mut long = record(1, b"long");
        long.meta.ttl_ms = 30 * 24 * 3_600_000;
        for name in ["overwritten", "removed", "stays"] {
            files.put(&key("r", name), long.clone()).await.unwrap();
        }
        fill(&files).await;
        files.put(&key("r", "overwritten"), record(2, b"short")).await.unwrap();
        files.remove(&key("r", "removed"), 2, NOW_MS).await.unwrap();
        fill(&files).await;
        if restarts {
            files = open().await.unwrap();
        }
        if twice {
            for name in ["overwritten", "removed"] {
                files.put(&key("r", name), record(3, b"short too")).await.unwrap();
            }
            fill(&files).await;
        }
        hands.pass_ms(48 * 3_600_000);
        for _ in 0..4 {
            files.put(&key("r", "tick"), record(1, b"")).await.unwrap();
            for name in ["overwritten", "removed"] {
                assert_eq!(
                    payload(&files, "r", name).await,
                    None,
                    "{name}, twice {twice}, restarts {restarts}"
                );
            }
            assert_eq!(payload(&files, "r", "stays").await.unwrap(), b"long");
            hands.pass_ms(1000);
            files = open().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_sweep_frees_the_room_of_its_region_alone() {
    let folder = tempfile::tempdir().unwrap();
    let files = open(folder.path(), SMALL).await;
    files.put(&key("kept", "k"), record(1, b"kept")).await.unwrap();
    for n in 0..500u64 {
        files.put(&key("swept", &n.to_string()), record(n + 2, &noise(n, 1000))).await.unwrap();
    }
    let before = files.bytes();
    files.sweep_region("swept", 1000).await.unwrap();
    // The sweep goes on beside the calls: each of these gives it a turn.
    while files.entries() > 1 {
        files.sweep_region("unknown", 1).await.unwrap();
    }
    files.put(&key("kept", "l"), record(2, b"kept")).await.unwrap();
    assert!(files.bytes() < before / 3, "{} of {before}", files.bytes());
    assert_eq!(payload(&files, "kept", "k").await.unwrap(), b"kept");
}
