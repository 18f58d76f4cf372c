//! What the web view is told beyond what Tauri passes on.

use tauri::WebviewWindow;

/// Lets the processor put the page together instead of the graphics card.
///
/// One update a second is little to draw, and a WebKitGTK that composites with OpenGL takes 100 MiB more for
/// it, twice the processor time where the driver is a software one, and is known to show blank windows with
/// some drivers.
#[cfg(target_os = "linux")]
pub(crate) fn tune(window: &WebviewWindow) -> tauri::Result<()> {
    use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt, WebViewExt};
    window.with_webview(|webview| {
        if let Some(settings) = WebViewExt::settings(&webview.inner()) {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    })
}

/// Other systems' web views are taken as they are.
#[cfg(not(target_os = "linux"))]
pub(crate) fn tune(_window: &WebviewWindow) -> tauri::Result<()> {
    Ok(())
}
