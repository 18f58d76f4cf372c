use std::time::{Duration, Instant};

use anyhow::bail;

/// How long a test waits for what should be there soon, on a slow machine with other tests beside it.
pub const PATIENCE: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(50);

/// Waits until `ready` gives a value; an error counts as "not yet" and is told when the time is up.
///
/// # Errors
/// Says what was waited for and what stood in the way at last.
pub async fn until<T>(
    what: &str,
    mut ready: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let last = match ready().await {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if Instant::now() >= deadline {
            match last {
                Some(error) => return Err(error.context(format!("waited {PATIENCE:?} for {what}"))),
                None => bail!("waited {PATIENCE:?} for {what}"),
            }
        }
        tokio::time::sleep(POLL).await;
    }
}
