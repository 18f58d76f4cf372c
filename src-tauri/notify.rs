//! Notifications on the desktop, through the service that the session's bus names.

use std::collections::HashMap;

use engine::{Notification, Notify};
use gtk::gio::{self, BusType, Cancellable, DBusCallFlags};
use gtk::glib::{self, ToVariant, Variant};

/// The longest wait for the notification service, milliseconds.
const PATIENCE_MS: i32 = 5_000;
/// The name under which desktops remember what a person wants to hear from Eider.
const DESKTOP_ENTRY: &str = "eider";

/// The notification service of the desktop.
pub(crate) struct Desktop;

impl Notify for Desktop {
    fn show(&self, notification: &Notification) -> Result<(), String> {
        let bus = gio::bus_get_sync(BusType::Session, Cancellable::NONE)
            .map_err(|error| format!("there is no session bus to show notifications on ({error})"))?;
        let no_actions: Vec<String> = Vec::new();
        let hints = HashMap::from([("desktop-entry".to_owned(), DESKTOP_ENTRY.to_variant())]);
        // The body is markup for most services, and none of it is ours.
        let body = glib::markup_escape_text(&notification.body);
        let (replaces_none, its_own_time): (u32, i32) = (0, -1);
        let parameters: Variant = (
            "Eider",
            replaces_none,
            DESKTOP_ENTRY,
            notification.title.as_str(),
            body.as_str(),
            no_actions,
            hints,
            its_own_time,
        )
            .to_variant();
        bus.call_sync(
            Some("org.freedesktop.Notifications"),
            "/org/freedesktop/Notifications",
            "org.freedesktop.Notifications",
            "Notify",
            Some(&parameters),
            None,
            DBusCallFlags::NONE,
            PATIENCE_MS,
            Cancellable::NONE,
        )
        .map(|_id| ())
        .map_err(|error| format!("no notification service answers on the session bus ({error})"))
    }
}
