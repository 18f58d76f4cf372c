//! Logs go to a file in the data folder, a new one each day, seven kept.

use std::path::Path;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Begins logging for this process; where it has begun before, nothing changes.
///
/// Only warnings of other crates are kept, so that no request with a private address reaches the file.
pub(crate) fn begin(data_dir: &Path, level: &str) {
    let folder = data_dir.join("logs");
    if std::fs::create_dir_all(&folder).is_err() {
        return;
    }
    let file = tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("eider")
        .filename_suffix("log")
        .max_log_files(7)
        .build(&folder);
    let Ok(file) = file else { return };
    let filter = EnvFilter::new(format!("warn,eider={level}"));
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::sync::Mutex::new(file));
    // Fails only where another engine of this process logs already, as tests do.
    let _ = tracing_subscriber::registry().with(filter).with(layer).try_init();
}
