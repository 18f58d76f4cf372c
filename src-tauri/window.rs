//! The main window: built hidden in the colour of the theme, shown with its first content.

use std::time::Duration;

use engine::api::Theme;
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder, window::Color};
use tauri_plugin_window_state::StateFlags;

use crate::webview;

pub(crate) const MAIN: &str = "main";

/// `bg` of the two themes, as in the window's style sheet.
const DARK: Color = Color(0x0e, 0x13, 0x17, 0xff);
const LIGHT: Color = Color(0xf6, 0xf8, 0xf9, 0xff);

/// A page that never says it has painted is shown all the same, so that its failure can be seen.
const SHOW_AT_LATEST: Duration = Duration::from_secs(3);

/// Whether the window waits for a second start before it is shown.
struct Hidden(bool);

/// Builds the window and arranges that it is shown, unless `hidden`.
pub(crate) fn open(
    app: &AppHandle,
    theme: Theme,
    data_dir: &std::path::Path,
    hidden: bool,
) -> tauri::Result<()> {
    app.plugin(
        tauri_plugin_window_state::Builder::new()
            .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED)
            .with_filename(data_dir.join("window.json").to_string_lossy())
            .build(),
    )?;
    app.manage(Hidden(hidden));
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::default())
        .title("Eider")
        .inner_size(1280.0, 800.0)
        .min_inner_size(960.0, 600.0)
        .visible(false)
        .theme(native(theme))
        .background_color(if theme == Theme::Light { LIGHT } else { DARK })
        .data_directory(data_dir.join("webview"))
        .initialization_script(format!("window.__EIDER__ = {};", serde_json::json!({ "theme": theme })))
        // Nothing but the program's own page is ever shown in the window.
        .on_navigation(|url| url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost"))
        .build()?;
    report("tuned", webview::tune(&window));
    apply_theme(&window, theme);
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(SHOW_AT_LATEST).await;
        show_first(&window);
    });
    Ok(())
}

/// Shows the window with its first content, unless it was started hidden.
pub(crate) fn show_first(window: &WebviewWindow) {
    if !window.state::<Hidden>().0 && !window.is_visible().unwrap_or(true) {
        report("shown", window.show());
    }
}

/// Brings the window in front of all others.
pub(crate) fn raise(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(MAIN) {
        report("shown", window.show());
        report("restored", window.unminimize());
        report("focused", window.set_focus());
    }
}

/// Gives the frame and the space behind the page the colours of the theme.
pub(crate) fn apply_theme(window: &WebviewWindow, theme: Theme) {
    report("given a theme", window.set_theme(native(theme)));
    let dark = match theme {
        Theme::Dark => true,
        Theme::Light => false,
        Theme::System => window.theme().is_ok_and(|theme| theme == tauri::Theme::Dark),
    };
    report("coloured", window.set_background_color(Some(if dark { DARK } else { LIGHT })));
}

fn native(theme: Theme) -> Option<tauri::Theme> {
    match theme {
        Theme::System => None,
        Theme::Dark => Some(tauri::Theme::Dark),
        Theme::Light => Some(tauri::Theme::Light),
    }
}

fn report(what: &str, result: tauri::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "the window could not be {what}");
    }
}
