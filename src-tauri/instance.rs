//! One window per data directory: a second start asks the first to raise its window.
//!
//! The lock on the data directory decides who is first. The first then listens on a local socket whose name
//! derives from the directory; the second sends one byte and reads the pid. An engine without a window
//! (`eiderd`) holds the same lock and does not listen.

use std::{io, path::Path, time::Duration};

use interprocess::local_socket::{
    GenericNamespaced, ListenerOptions, Name,
    tokio::{Listener, Stream, prelude::*},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const RAISE: u8 = b'r';

/// How long the second start waits for the first.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// Listens for second starts on `data_dir`.
///
/// # Errors
/// Fails where the name is taken; the window then works, but cannot be raised by a second start.
pub(crate) fn listen(data_dir: &Path) -> io::Result<Listener> {
    ListenerOptions::new().name(name(data_dir)?).create_tokio()
}

/// Answers second starts one after the other, for ever; a visitor that stays silent for `patience` is dropped.
pub(crate) async fn serve(listener: Listener, patience: Duration, raise: impl Fn()) {
    loop {
        let visit = async {
            let mut visitor = listener.accept().await?;
            tokio::time::timeout(patience, greet(&mut visitor, &raise)).await?
        };
        if let Err(error) = visit.await {
            tracing::warn!(%error, "a second start could not be answered");
            // A failing `accept` may fail again at once: don't spin.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn greet(visitor: &mut Stream, raise: &impl Fn()) -> io::Result<()> {
    if visitor.read_u8().await? == RAISE {
        raise();
        visitor.write_u32(std::process::id()).await?;
    }
    Ok(())
}

/// Asks the first instance to raise its window and returns its pid.
///
/// # Errors
/// Fails where nobody listens for `data_dir` or nobody answers within two seconds.
pub(crate) async fn raise_first(data_dir: &Path) -> io::Result<u32> {
    let visit = async {
        let mut first = Stream::connect(name(data_dir)?).await?;
        first.write_u8(RAISE).await?;
        first.read_u32().await
    };
    tokio::time::timeout(PATIENCE, visit).await?
}

/// A name in the system's own namespace: no file is left behind by a crash, and a long path fits.
fn name(data_dir: &Path) -> io::Result<Name<'static>> {
    let path = std::fs::canonicalize(data_dir)?;
    format!("eider-{:016x}", fnv1a(path.as_os_str().as_encoded_bytes())).to_ns_name::<GenericNamespaced>()
}

/// 64-bit FNV-1a: the same in every build, unlike the hashers of `std`.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn second_start_raises_the_first_and_learns_its_pid() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let listener = listen(dir.path()).expect("a free name");
        let raised = AtomicU32::new(0);
        let raise = || {
            raised.fetch_add(1, Ordering::Relaxed);
        };
        tokio::select! {
            () = serve(listener, PATIENCE, raise) => {}
            pid = raise_first(dir.path()) => assert_eq!(pid.expect("an answer"), std::process::id()),
        }
        assert_eq!(raised.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn nobody_listens_for_an_engine_without_a_window() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        assert!(raise_first(dir.path()).await.is_err());
    }

    #[tokio::test]
    async fn a_silent_visitor_does_not_block_the_next_one() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let listener = listen(dir.path()).expect("a free name");
        let _silent = Stream::connect(name(dir.path()).expect("a name")).await.expect("a connection");
        tokio::select! {
            () = serve(listener, Duration::from_millis(20), || {}) => {}
            pid = raise_first(dir.path()) => assert_eq!(pid.expect("an answer"), std::process::id()),
        }
    }
}
