use serde::{Deserialize, Serialize};
use specta::Type;
use specta_typescript::Number;
use utoipa::ToSchema;

use super::Profile;

/// The window's colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Follow the desktop.
    #[default]
    System,
    Dark,
    Light,
}

/// A value of the configuration file that was refused; the default is in force instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
pub struct ConfigIssue {
    /// The key's path, for example `market.refresh_interval_s`; empty where the whole file is unreadable.
    pub key: String,
    /// The value as it stands in the file.
    pub value: String,
    /// What would be accepted, for example `a whole number from 5 to 3600`.
    pub accepted: String,
}

/// What the Settings screen shows. The API key itself never crosses this boundary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
pub struct Settings {
    pub profile: Profile,
    pub theme: Theme,
    pub currency: String,
    /// The currencies that can be chosen.
    pub currencies: Vec<String>,
    pub has_api_key: bool,
    pub market_base_url: String,
    #[specta(type = Number)]
    pub refresh_interval_s: u64,
    pub rate_limit_per_minute: u32,
    /// Whether messages are shown on the desktop; failed jobs are told there while the window is hidden.
    pub desktop_notifications: bool,
    /// The host that messages are also posted to. The address itself, which may hold a secret, never crosses this
    /// boundary.
    pub webhook_host: Option<String>,
    pub config_file: String,
    pub data_dir: String,
    pub version: String,
    pub issues: Vec<ConfigIssue>,
}

/// One change on the Settings screen; it is validated and written to the configuration file at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum SettingsChange {
    /// Stops the engine and starts it in the other profile.
    Profile(Profile),
    Theme(Theme),
    Currency(String),
    /// The CoinGecko demo key; `None` removes it.
    ApiKey(Option<String>),
    RefreshIntervalS(#[specta(type = Number)] u64),
    DesktopNotifications(bool),
    /// Where messages are also posted to; `None` removes it.
    WebhookUrl(Option<String>),
}

/// The form of an exported chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    Csv,
    Svg,
    Png,
}
