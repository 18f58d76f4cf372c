//! The desktop shell: one window over one engine.
//!
//! Start reading at [`run`], then: `window` builds the window, `commands` is all it may ask for, `stream` is
//! all it is told, and `instance` keeps a second start from opening a second one.

mod api;
mod bindings;
mod commands;
mod display;
mod flags;
mod instance;
mod moments;
#[cfg(target_os = "linux")]
mod notify;
mod run;
mod stream;
mod webview;
mod window;

pub use flags::{Flags, Profile};
pub use run::run;
