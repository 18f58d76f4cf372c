//! Declares the commands of the window, so that Tauri refuses every other one, and embeds `ui/dist`.

use tauri_build::{AppManifest, Attributes, CodegenContext};

/// Each becomes a permission `allow-<name>`; `tauri.conf.json` grants them to the main window.
const COMMANDS: &[&str] = &[
    "open_stream",
    "set_visible",
    "first_paint",
    "first_chart",
    "history",
    "metrics_history",
    "markets",
    "token",
    "search_tokens",
    "watch",
    "unwatch",
    "refresh",
    "cache_view",
    "cache_entry",
    "invalidate_cache",
    "clear_cache_region",
    "warm_cache",
    "limits_view",
    "set_service_limit",
    "isolate_service",
    "close_service",
    "test_service",
    "jobs_view",
    "jobs_page",
    "job_detail",
    "add_job",
    "retry_job",
    "cancel_job",
    "discard_job",
    "retry_failed_jobs",
    "pause_queue",
    "resume_queue",
    "drain_queue",
    "set_queue_concurrency",
    "settings",
    "change_setting",
    "export_history",
    "open_url",
];

fn main() {
    let attributes =
        Attributes::new().app_manifest(AppManifest::new().commands(COMMANDS)).codegen(CodegenContext::new());
    tauri_build::try_build(attributes).expect("the Tauri configuration and ui/dist are in place");
}
