//! Runs the built desktop program on a display of its own and looks at it through WebKitWebDriver.
//!
//! Each [`App`] has its own X server, session bus, folders and driver, and talks to a [`Market`] on loopback.
//! All of it ends with the values that hold it. The program must have been built before: `make test` does.

mod app;
mod desktop;
mod home;
mod market;
mod picture;
mod process;
mod wait;

pub use app::{App, program};
pub use desktop::Desktop;
pub use home::Home;
pub use market::Market;
pub use picture::{Colour, Picture};
pub use process::Process;
pub use wait::{PATIENCE, until};
