//! The typed seam to the window: its commands, and their TypeScript in `ui/src/bindings/index.ts`.

use tauri_specta::{Builder, ErrorHandlingMode, collect_commands};

use crate::commands;

/// Every command of the window; `build.rs` declares the same names to Tauri.
pub(crate) fn builder() -> Builder<tauri::Wry> {
    Builder::new()
        .commands(collect_commands![
            commands::open_stream,
            commands::set_visible,
            commands::first_paint,
            commands::first_chart,
            commands::history,
            commands::metrics_history,
            commands::markets,
            commands::token,
            commands::search_tokens,
            commands::watch,
            commands::unwatch,
            commands::refresh,
            commands::cache_view,
            commands::cache_entry,
            commands::invalidate_cache,
            commands::clear_cache_region,
            commands::warm_cache,
            commands::limits_view,
            commands::set_service_limit,
            commands::isolate_service,
            commands::close_service,
            commands::test_service,
            commands::jobs_view,
            commands::jobs_page,
            commands::job_detail,
            commands::add_job,
            commands::retry_job,
            commands::cancel_job,
            commands::discard_job,
            commands::retry_failed_jobs,
            commands::pause_queue,
            commands::resume_queue,
            commands::drain_queue,
            commands::set_queue_concurrency,
            commands::settings,
            commands::change_setting,
            commands::export_history,
            commands::open_url,
        ])
        .error_handling(ErrorHandlingMode::Throw)
        .disable_serde_phases()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use specta_typescript::Typescript;

    use super::*;

    /// `make bindings` sets `EIDER_WRITE_BINDINGS`, and the file is written instead of compared.
    #[test]
    fn typescript_bindings_are_up_to_date() {
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/src/bindings/index.ts");
        if std::env::var_os("EIDER_WRITE_BINDINGS").is_some() {
            builder().export(Typescript::default(), &committed).expect("the bindings can be written");
            return;
        }
        let dir = tempfile::tempdir().expect("a temporary directory");
        let fresh = dir.path().join("index.ts");
        builder().export(Typescript::default(), &fresh).expect("the bindings can be written");
        let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            read(&fresh) == read(&committed),
            "ui/src/bindings/index.ts is out of date: run `make bindings`"
        );
    }
}
