//! Whether a window can be shown at all, asked before Tauri, which would panic.

/// Returns one sentence for the user where no window can be shown.
#[cfg(target_os = "linux")]
pub(crate) fn check() -> Result<(), String> {
    let named = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let Some(display) = named("WAYLAND_DISPLAY").or_else(|| named("DISPLAY")) else {
        return Err("Eider needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set: start it in a \
                    desktop session, or run eiderd, which needs none."
            .into());
    };
    gtk::init().map_err(|_| {
        format!(
            "Eider cannot open the display {display}: start it in the desktop session that owns it, or run \
             eiderd, which needs none."
        )
    })
}

/// Windows and macOS always have a display.
#[cfg(not(target_os = "linux"))]
pub(crate) fn check() -> Result<(), String> {
    Ok(())
}
