//! From TOML to [`Config`]: each value is taken out of the table, checked, and its default used where it is
//! refused. What is left in the table at the end is a key that nobody knows.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::{Table, Value};

use cache::{Level, Levels};
use market::{Class, Plan, Secret};

use super::{Cache, Config, Http, Jobs, Loaded, Market, Notifications, ProfileChoice};
use crate::api::{ConfigIssue, Theme};
use crate::webhook::Address;

pub(super) fn parse(text: &str) -> Loaded {
    let mut reader = Reader::default();
    reader.table = text.parse().unwrap_or_else(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        let found = text.lines().nth(line - 1).unwrap_or_default().trim().to_owned();
        let accepted = format!("TOML (line {line}: {})", error.message().replace('\n', " "));
        reader.issues.push(ConfigIssue { key: String::new(), value: redacted("", &found), accepted });
        Table::new()
    });
    let config = reader.config();
    reader.refuse_unknown();
    Loaded { config, issues: reader.issues }
}

#[derive(Default)]
struct Reader {
    table: Table,
    issues: Vec<ConfigIssue>,
}

impl Reader {
    fn config(&mut self) -> Config {
        let defaults = market::MarketConfig::default();
        Config {
            profile: self.choice("profile", &ProfileChoice::NAMES, ProfileChoice::Auto),
            market: self.market(),
            demo_seed: self.number("demo.seed", 0..=u64::from(u32::MAX)).unwrap_or(1),
            theme: self.choice(
                "window.theme",
                &[("system", Theme::System), ("dark", Theme::Dark), ("light", Theme::Light)],
                Theme::System,
            ),
            currency: self
                .checked_text("window.currency", "2 to 8 letters, for example usd", |text| {
                    market::Currency::new(text).is_ok()
                })
                .map_or_else(|| "usd".to_owned(), |text| text.to_ascii_lowercase()),
            frames_per_second: self.number("window.frames_per_second", 1..=4).unwrap_or(1) as u32,
            put_off_under_load: self.flag_or("load.put_off", true),
            cache: Cache {
                memory_bytes: self.number("cache.memory_mib", 1..=4096).unwrap_or(32) << 20,
                files_bytes: self.number("cache.files_mib", 1..=65_536).unwrap_or(256) << 20,
                database_bytes: self.number("cache.database_mib", 1..=65_536).unwrap_or(256) << 20,
                price: self.class("price", defaults.price),
                market_summary: self.class("market_summary", defaults.summary),
                token_metadata: self.class("token_metadata", defaults.token),
            },
            jobs: Jobs {
                queue_bound: self.number("jobs.queue_bound", 100..=10_000_000).unwrap_or(1_000_000),
                keep_done: self.seconds("jobs.keep_done_s", 60..=31_536_000, 86_400),
                keep_failed: self.seconds("jobs.keep_failed_s", 60..=31_536_000, 2_592_000),
            },
            notifications: Notifications {
                desktop: self.flag_or("notifications.desktop", true),
                webhook: self
                    .checked_text(
                        "notifications.webhook_url",
                        &format!("{}, or \"\"", Address::ACCEPTED),
                        |text| text.is_empty() || Address::parse(text).is_some(),
                    )
                    .and_then(|text| Address::parse(&text)),
            },
            http: self.http(),
            slow_query: Duration::from_millis(
                self.number("database.slow_query_ms", 1..=60_000).unwrap_or(50),
            ),
            log_level: self
                .choice(
                    "log.level",
                    &["error", "warn", "info", "debug", "trace"].map(|level| (level, level)),
                    "info",
                )
                .to_owned(),
        }
    }

    fn market(&mut self) -> Market {
        Market {
            base_url: self.checked_text("market.base_url", "an http:// or https:// address", is_base_url),
            api_key: self
                .checked_text("market.api_key", "at most 128 visible ASCII characters", is_api_key)
                .filter(|key| !key.is_empty())
                .map(|key| Secret::new(&key)),
            key_plan: self.choice("market.plan", &[("demo", Plan::Demo), ("pro", Plan::Pro)], Plan::Demo),
            refresh_interval: self.seconds("market.refresh_interval_s", 5..=3600, 60),
            hidden_refresh_interval: self.seconds("market.hidden_refresh_interval_s", 30..=86_400, 300),
            rate_limit_per_minute: self
                .number("market.rate_limit_per_minute", 1..=1000)
                .map(|limit| limit as u32),
            month_budget: self.number("market.month_budget", 0..=100_000_000).map(|budget| budget as u32),
            timeout: self.seconds("market.timeout_s", 1..=120, 10),
            attempts: self.number("market.attempts", 1..=10).unwrap_or(3) as u32,
        }
    }

    fn http(&mut self) -> Http {
        let listen =
            self.checked_text("http.listen", "an address with a port, for example 127.0.0.1:7878", |text| {
                text.parse::<SocketAddr>().is_ok()
            });
        Http {
            enabled: self.flag("http.enabled"),
            listen: listen.and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_LISTEN),
            allow_remote: self.flag("http.allow_remote"),
            per_client: self.number("http.requests_per_minute_per_client", 1..=10_000_000).unwrap_or(120_000)
                as u32,
            in_all: self.number("http.requests_per_minute", 1..=10_000_000).unwrap_or(600_000) as u32,
        }
    }

    /// One class of cached values: `[cache.NAME]`.
    fn class(&mut self, name: &str, default: Class) -> Class {
        let key = |key: &str| format!("cache.{name}.{key}");
        let ttl = self.seconds(&key("ttl_s"), 1..=2_592_000, default.ttl.as_secs());
        let max_stale = self.seconds(&key("max_stale_s"), 0..=31_536_000, default.max_stale.as_secs());
        let negative = self.number(&key("negative_ttl_s"), 0..=86_400).map(Duration::from_secs);
        let compress = self.number(&key("compress_over_bytes"), 0..=16_777_216).map(|bytes| bytes as u32);
        Class {
            ttl,
            max_stale,
            jitter: self.share(&key("jitter"), 0.0..=0.5).unwrap_or(default.jitter),
            refresh_ahead: self.share(&key("refresh_ahead"), 0.1..=0.95).or(default.refresh_ahead),
            negative_ttl: negative.map_or(default.negative_ttl, |ttl| (!ttl.is_zero()).then_some(ttl)),
            compress_over: compress.map_or(default.compress_over, |bytes| (bytes > 0).then_some(bytes)),
            levels: self.levels(&key("levels")).unwrap_or(default.levels),
            adaptive: self.flag_or(&key("adaptive"), default.adaptive),
            ..default
        }
    }

    fn levels(&mut self, key: &str) -> Option<Levels> {
        let value = self.take(key)?;
        let named =
            |name: &Value| Level::KEEPING.into_iter().find(|level| name.as_str() == Some(level.name()));
        let levels: Option<Vec<Level>> = value.as_array().and_then(|names| names.iter().map(named).collect());
        match levels.filter(|levels| !levels.is_empty()) {
            Some(levels) => Some(levels.into_iter().fold(Levels::NONE, Levels::with)),
            None => {
                self.refuse(key, &value, "a list of at least one of \"memory\", \"files\", \"database\"");
                None
            }
        }
    }

    /// Takes `section.key`, or `section.part.key`, out of the table.
    fn take(&mut self, path: &str) -> Option<Value> {
        let (sections, key) =
            path.rsplit_once('.').map_or((None, path), |(sections, key)| (Some(sections), key));
        let mut table = &mut self.table;
        for section in sections.into_iter().flat_map(|sections| sections.split('.')) {
            table = table.get_mut(section)?.as_table_mut()?;
        }
        table.remove(key)
    }

    fn refuse(&mut self, key: &str, value: &Value, accepted: impl Into<String>) {
        let value = redacted(key, &value.to_string());
        self.issues.push(ConfigIssue { key: key.to_owned(), value, accepted: accepted.into() });
    }

    fn number(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.take(key)?;
        let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
        if let Some(number) = number.filter(|number| range.contains(number)) {
            return Some(number);
        }
        self.refuse(key, &value, format!("a whole number from {} to {}", range.start(), range.end()));
        None
    }

    fn seconds(&mut self, key: &str, range: RangeInclusive<u64>, default: u64) -> Duration {
        Duration::from_secs(self.number(key, range).unwrap_or(default))
    }

    fn share(&mut self, key: &str, range: RangeInclusive<f64>) -> Option<f64> {
        let value = self.take(key)?;
        let share = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
        if let Some(share) = share.filter(|share| range.contains(share)) {
            return Some(share);
        }
        self.refuse(key, &value, format!("a number from {} to {}", range.start(), range.end()));
        None
    }

    fn flag(&mut self, key: &str) -> bool {
        self.flag_or(key, false)
    }

    fn flag_or(&mut self, key: &str, default: bool) -> bool {
        let Some(value) = self.take(key) else { return default };
        value.as_bool().unwrap_or_else(|| {
            self.refuse(key, &value, "true or false");
            default
        })
    }

    fn checked_text(&mut self, key: &str, accepted: &str, allowed: impl Fn(&str) -> bool) -> Option<String> {
        let value = self.take(key)?;
        if let Some(text) = value.as_str().filter(|text| allowed(text)) {
            return Some(text.to_owned());
        }
        self.refuse(key, &value, accepted);
        None
    }

    fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)], default: T) -> T {
        let Some(value) = self.take(key) else { return default };
        if let Some((_, choice)) = choices.iter().find(|(name, _)| value.as_str() == Some(name)) {
            return *choice;
        }
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
        self.refuse(key, &value, format!("one of {}", names.join(", ")));
        default
    }

    fn refuse_unknown(&mut self) {
        let rest = std::mem::take(&mut self.table);
        self.refuse_rest("", rest);
    }

    /// Every value that is left below `path`; sections that the file may have are gone through, others refused.
    fn refuse_rest(&mut self, path: &str, rest: Table) {
        for (name, value) in rest {
            let key = if path.is_empty() { name } else { format!("{path}.{name}") };
            match value {
                Value::Table(section) if is_section(&key) => self.refuse_rest(&key, section),
                value => self.refuse(&key, &value, "no such key or section; see the comments in the file"),
            }
        }
    }
}

fn is_section(path: &str) -> bool {
    super::DEFAULT_TEXT.lines().any(|line| line == format!("[{path}]"))
}

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7878);

/// An issue is shown and logged, so a key's value never stands in it, nor a long text.
fn redacted(key: &str, value: &str) -> String {
    let secret = ["api_key", "webhook_url"];
    if secret.iter().any(|name| key.contains(name) || value.contains(name)) {
        return "(not shown)".to_owned();
    }
    value.chars().take(120).collect()
}

fn is_base_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(|byte| byte.is_ascii_graphic())
    }) && !text.contains(['?', '#', '@'])
}

pub(crate) fn is_api_key(text: &str) -> bool {
    text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(text: &str) -> ConfigIssue {
        let mut issues = parse(text).issues;
        assert_eq!(issues.len(), 1, "{text}: {issues:?}");
        issues.remove(0)
    }

    #[test]
    fn the_default_file_is_valid_and_says_the_defaults() {
        assert_eq!(parse(super::super::DEFAULT_TEXT).issues, []);
        let uncommented: String = super::super::DEFAULT_TEXT
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line))
            .fold(String::new(), |text, line| text + line + "\n");
        let loaded = parse(&uncommented);
        assert_eq!(loaded.issues, []);
        let (said, default) = (loaded.config, parse("").config);
        assert_eq!(said.market.address(), default.market.address());
        let keyed = Market { api_key: Some(Secret::new("k")), ..default.market.clone() };
        assert_eq!((said.market.rate_limit(), said.market.budget()), (keyed.rate_limit(), keyed.budget()));
        assert_eq!(format!("{:?}", said.cache), format!("{:?}", default.cache));
        assert_eq!(format!("{:?}", said.http), format!("{:?}", default.http));
        assert_eq!(
            (said.profile, said.theme, said.currency),
            (default.profile, default.theme, default.currency)
        );
        assert_eq!(said.market.refresh_interval, default.market.refresh_interval);
        assert_eq!(said.market.hidden_refresh_interval, default.market.hidden_refresh_interval);
        assert_eq!(format!("{:?}", said.jobs), format!("{:?}", default.jobs));
        assert_eq!(said.put_off_under_load, default.put_off_under_load);
        assert_eq!(format!("{:?}", said.notifications), format!("{:?}", default.notifications));
        assert_eq!((said.demo_seed, said.log_level), (default.demo_seed, default.log_level));
        assert_eq!(
            (said.slow_query, said.frames_per_second),
            (default.slow_query, default.frames_per_second)
        );
    }

    #[test]
    fn a_refused_value_is_named_with_its_key_and_range_and_the_default_holds() {
        for (text, key, value, accepted) in [
            (
                "[market]\nrefresh_interval_s = 4",
                "market.refresh_interval_s",
                "4",
                "a whole number from 5 to 3600",
            ),
            (
                "[market]\nrefresh_interval_s = -1",
                "market.refresh_interval_s",
                "-1",
                "a whole number from 5 to 3600",
            ),
            ("[market]\nattempts = \"3\"", "market.attempts", "\"3\"", "a whole number from 1 to 10"),
            (
                "[market]\nbase_url = \"ftp://x\"",
                "market.base_url",
                "\"ftp://x\"",
                "an http:// or https:// address",
            ),
            (
                "[window]\ntheme = \"blue\"",
                "window.theme",
                "\"blue\"",
                "one of \"system\", \"dark\", \"light\"",
            ),
            ("[http]\nenabled = 1", "http.enabled", "1", "true or false"),
            (
                "[http]\nlisten = \"here\"",
                "http.listen",
                "\"here\"",
                "an address with a port, for example 127.0.0.1:7878",
            ),
            (
                "[market]\nfrobnicate = 1",
                "market.frobnicate",
                "1",
                "no such key or section; see the comments in the file",
            ),
            (
                "profil = \"demo\"",
                "profil",
                "\"demo\"",
                "no such key or section; see the comments in the file",
            ),
        ] {
            let found = issue(text);
            assert_eq!(
                (found.key.as_str(), found.value.as_str(), found.accepted.as_str()),
                (key, value, accepted)
            );
        }
        assert_eq!(
            parse("[market]\nrefresh_interval_s = 4").config.market.refresh_interval,
            Duration::from_secs(60)
        );
    }

    #[test]
    fn a_file_that_is_not_toml_names_the_line() {
        let found = issue("[market]\nrefresh_interval_s = = 4\n");
        assert_eq!(found.key, "");
        assert!(found.accepted.starts_with("TOML (line 2: "), "{found:?}");
    }

    #[test]
    fn a_key_never_stands_in_an_issue_or_in_debug() {
        let secret = "s3cr3t-k3y-\u{e9}";
        for text in [
            format!("[market]\napi_key = \"{secret}\""),
            format!("[market]\napi_key = = \"{secret}\""),
            format!("[notifications]\nwebhook_url = \"{secret}\""),
        ] {
            let loaded = parse(&text);
            assert!(!format!("{:?}", loaded.issues).contains("s3cr3t"), "{:?}", loaded.issues);
        }
        let loaded = parse("[market]\napi_key = \"s3cr3t\"");
        assert!(!format!("{:?}", loaded.config).contains("s3cr3t"));
    }

    #[test]
    fn zero_turns_off_what_a_class_does_by_default() {
        let cache = |text| parse(text).config.cache;
        assert!(cache("").token_metadata.negative_ttl.is_some());
        assert_eq!(cache("[cache.token_metadata]\nnegative_ttl_s = 0").token_metadata.negative_ttl, None);
        assert_eq!(
            cache("[cache.token_metadata]\ncompress_over_bytes = 0").token_metadata.compress_over,
            None
        );
        let seven = cache("[cache.price]\nnegative_ttl_s = 7").price.negative_ttl;
        assert_eq!(seven, Some(Duration::from_secs(7)));
    }

    #[test]
    fn limits_follow_the_plan_unless_the_file_says_otherwise() {
        for (text, limit, budget) in [
            ("", 5, None),
            ("[market]\napi_key = \"k\"", 50, Some(10_000)),
            ("[market]\napi_key = \"k\"\nplan = \"pro\"", 50, None),
            ("[market]\nrate_limit_per_minute = 30\nmonth_budget = 7", 30, Some(7)),
            ("[market]\napi_key = \"k\"\nmonth_budget = 0", 50, None),
        ] {
            let market = parse(text).config.market;
            assert_eq!((market.rate_limit(), market.budget()), (limit, budget), "{text}");
        }
    }
}
