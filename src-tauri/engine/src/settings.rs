//! The Settings screen: what it shows, and how one change is checked, written and put in force.

use std::path::{Path, PathBuf};
use std::sync::RwLock;

use toml_edit::Value;

use crate::api::{Problem, Profile, Settings, SettingsChange, Theme};
use crate::config::{Config, Edit, Loaded, apply};
use crate::webhook::Address;

/// The currencies that the screen offers; any other that the source knows can stand in the file.
const CURRENCIES: [&str; 12] =
    ["usd", "eur", "gbp", "jpy", "cny", "krw", "inr", "chf", "aud", "cad", "btc", "eth"];

/// The configuration in force and its file.
pub(crate) struct Book {
    file: PathBuf,
    /// Guards the configuration; held for reads and for the swap after a change.
    loaded: RwLock<Loaded>,
}

/// What must follow a change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    Nothing,
    /// The calls to the webhook begin anew.
    NewWebhook,
    /// The market session starts anew, in this profile where it is named.
    NewSession(Option<Profile>),
}

impl Book {
    pub(crate) fn new(file: PathBuf, loaded: Loaded) -> Self {
        Self { file, loaded: RwLock::new(loaded) }
    }

    /// Reads a part of the configuration.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&Config) -> T) -> T {
        read(&self.lock().config)
    }

    pub(crate) fn issues(&self) -> usize {
        self.lock().issues.len()
    }

    fn lock(&self) -> std::sync::RwLockReadGuard<'_, Loaded> {
        self.loaded.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn shown(&self, profile: Profile, data_dir: &Path) -> Settings {
        let loaded = self.lock();
        let config = &loaded.config;
        let mut currencies: Vec<String> = CURRENCIES.map(str::to_owned).to_vec();
        if !currencies.contains(&config.currency) {
            currencies.insert(0, config.currency.clone());
        }
        Settings {
            profile,
            theme: config.theme,
            currency: config.currency.clone(),
            currencies,
            has_api_key: config.market.api_key.is_some(),
            market_base_url: config.market.address().to_owned(),
            refresh_interval_s: config.market.refresh_interval.as_secs(),
            rate_limit_per_minute: config.market.rate_limit(),
            desktop_notifications: config.notifications.desktop,
            webhook_host: config.notifications.webhook.as_ref().map(|address| address.host().to_owned()),
            config_file: self.file.display().to_string(),
            data_dir: data_dir.display().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            issues: loaded.issues.clone(),
        }
    }

    /// Checks a change, writes it to the file, and puts it in force; nothing changes where any of it fails.
    pub(crate) fn change(&self, change: SettingsChange) -> Result<Follow, Problem> {
        let (edit, follow) = check(change)?;
        let key = edit.key;
        let section = edit.section;
        apply(&self.file, edit).map_err(|error| {
            let file = self.file.display();
            Problem::new(
                "not_saved",
                format!("the setting could not be written to {file}: {error}; nothing was changed"),
            )
        })?;
        let loaded = Config::load(&self.file);
        let path = section.map_or_else(|| key.to_owned(), |section| format!("{section}.{key}"));
        debug_assert!(
            loaded.issues.iter().all(|issue| issue.key != path),
            "check() lets pass what the file refuses"
        );
        *self.loaded.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = loaded;
        Ok(follow)
    }
}

fn check(change: SettingsChange) -> Result<(Edit, Follow), Problem> {
    let edit = |section, key, value: Option<Value>| Edit { section, key, value };
    let refused =
        |what: &str, accepted: &str| Problem::new("invalid", format!("{what}; accepted: {accepted}"));
    Ok(match change {
        SettingsChange::Profile(profile) => {
            let name = match profile {
                Profile::Live => "live",
                Profile::Local => "local",
                Profile::Demo => "demo",
            };
            (edit(None, "profile", Some(name.into())), Follow::NewSession(Some(profile)))
        }
        SettingsChange::Theme(theme) => {
            let name = match theme {
                Theme::System => "system",
                Theme::Dark => "dark",
                Theme::Light => "light",
            };
            (edit(Some("window"), "theme", Some(name.into())), Follow::Nothing)
        }
        SettingsChange::Currency(currency) => {
            let currency = market::Currency::new(&currency)
                .map_err(|error| Problem::new("invalid", error.to_string()))?;
            (edit(Some("window"), "currency", Some(currency.as_str().into())), Follow::NewSession(None))
        }
        SettingsChange::ApiKey(key) => {
            let key = key.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
            if key.as_deref().is_some_and(|key| !crate::config::is_api_key(key)) {
                return Err(refused("this is not an API key", "at most 128 visible ASCII characters"));
            }
            (edit(Some("market"), "api_key", key.map(Value::from)), Follow::NewSession(None))
        }
        SettingsChange::RefreshIntervalS(seconds) => {
            let in_range = i64::try_from(seconds).ok().filter(|seconds| (5..=3600).contains(seconds));
            let Some(seconds) = in_range else {
                return Err(refused(
                    &format!("the refresh interval is {seconds} s"),
                    "a whole number from 5 to 3600",
                ));
            };
            (edit(Some("market"), "refresh_interval_s", Some(seconds.into())), Follow::NewSession(None))
        }
        SettingsChange::DesktopNotifications(wanted) => {
            (edit(Some("notifications"), "desktop", Some(wanted.into())), Follow::Nothing)
        }
        SettingsChange::WebhookUrl(address) => {
            let address = address.filter(|text| !text.trim().is_empty());
            let address = address.map(|text| {
                Address::parse(&text)
                    .ok_or_else(|| refused("this is not a webhook's address", Address::ACCEPTED))
            });
            let value = address.transpose()?.map(|address| Value::from(address.text()));
            (edit(Some("notifications"), "webhook_url", value), Follow::NewWebhook)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(folder: &Path) -> Book {
        let file = folder.join("eider.toml");
        crate::config::create_if_missing(&file).expect("the folder is writable");
        let loaded = Config::load(&file);
        Book::new(file, loaded)
    }

    #[test]
    fn a_change_is_in_force_and_in_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let book = book(folder.path());
        for change in [
            SettingsChange::Theme(Theme::Dark),
            SettingsChange::Currency("EUR".into()),
            SettingsChange::RefreshIntervalS(30),
            SettingsChange::ApiKey(Some(" key ".into())),
            SettingsChange::DesktopNotifications(false),
            SettingsChange::WebhookUrl(Some(" https://hooks.example/s3cr3t ".into())),
            SettingsChange::Profile(Profile::Demo),
        ] {
            book.change(change).expect("every change is valid");
        }
        let reread = Book::new(book.file.clone(), Config::load(&book.file));
        for book in [book, reread] {
            let shown = book.shown(Profile::Demo, folder.path());
            assert_eq!(
                (shown.theme, shown.currency.as_str(), shown.refresh_interval_s),
                (Theme::Dark, "eur", 30)
            );
            assert!(shown.has_api_key);
            assert_eq!(
                (shown.desktop_notifications, shown.webhook_host.as_deref()),
                (false, Some("hooks.example"))
            );
            book.change(SettingsChange::WebhookUrl(None)).expect("none is valid");
            assert_eq!(book.shown(Profile::Demo, folder.path()).webhook_host, None);
            book.change(SettingsChange::WebhookUrl(Some("https://hooks.example/s3cr3t".into())))
                .expect("valid");
            assert!(book.with(|config| config.market.api_key == Some(market::Secret::new("key"))));
            assert_eq!(shown.issues, []);
        }
    }

    #[test]
    fn a_refused_change_says_what_is_accepted_and_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let book = book(folder.path());
        let before = std::fs::read_to_string(&book.file).expect("it was created");
        for (change, accepted) in [
            (SettingsChange::RefreshIntervalS(4), "a whole number from 5 to 3600"),
            (SettingsChange::RefreshIntervalS(u64::MAX), "a whole number from 5 to 3600"),
            (SettingsChange::Currency("dollars!".into()), "2 to 8 letters"),
            (SettingsChange::ApiKey(Some("tab\tinside".into())), "at most 128 visible ASCII characters"),
            (
                SettingsChange::WebhookUrl(Some("ftp://a.example/inside".into())),
                "an http:// or https:// address",
            ),
        ] {
            let problem = book.change(change).expect_err("it is out of range");
            assert_eq!(problem.code, "invalid");
            assert!(problem.message.contains(accepted), "{}", problem.message);
            assert!(!problem.message.contains("inside"), "a key is never repeated");
        }
        assert_eq!(std::fs::read_to_string(&book.file).expect("it is still there"), before);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_with_the_key_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let book = book(folder.path());
        book.change(SettingsChange::ApiKey(Some("key".into()))).expect("it is valid");
        let mode = std::fs::metadata(&book.file).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
