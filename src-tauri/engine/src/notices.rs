//! "Needs you": what a person should know or do, one notice for one cause.

use crate::api::{Market, Notice, NoticeAction, Profile, ProfileStatus, ServiceState, Severity};

/// What the notices are made from.
pub(crate) struct Causes<'a> {
    pub(crate) profile: &'a ProfileStatus,
    pub(crate) market: &'a Market,
    pub(crate) config_issues: usize,
    /// Damaged databases: where each is now.
    pub(crate) set_aside: &'a [String],
    pub(crate) failed_jobs: u64,
    /// From the shell.
    pub(crate) told: Vec<Notice>,
}

pub(crate) fn notices(causes: &Causes<'_>) -> Vec<Notice> {
    [network(causes), failed_jobs(causes), fallback(causes), config(causes)]
        .into_iter()
        .flatten()
        .chain(damage(causes))
        .chain(causes.told.iter().cloned())
        .collect()
}

fn network(causes: &Causes<'_>) -> Option<Notice> {
    let market = causes.market;
    let problem = market.problem.as_ref()?;
    let (severity, title) = match market.state {
        ServiceState::Down => (Severity::Bad, format!("{} does not answer", market.source)),
        _ if problem.retry_after_ms.is_some() => {
            (Severity::Warn, format!("{} limits the calls", market.source))
        }
        _ => (Severity::Warn, format!("{} has a problem", market.source)),
    };
    Some(Notice {
        key: "market".to_owned(),
        severity,
        title,
        body: format!("{} Prices serve from the cache.", problem.message),
        action: Some(NoticeAction::Retry),
    })
}

fn failed_jobs(causes: &Causes<'_>) -> Option<Notice> {
    let count = causes.failed_jobs;
    (count > 0).then(|| Notice {
        key: "jobs_failed".to_owned(),
        severity: Severity::Warn,
        title: if count == 1 { "1 failed job".to_owned() } else { format!("{count} failed jobs") },
        body: "Each tells what went wrong; it can run again or be discarded.".to_owned(),
        action: Some(NoticeAction::OpenJobs),
    })
}

fn fallback(causes: &Causes<'_>) -> Option<Notice> {
    let shown = causes.profile.fell_back_to_demo && causes.profile.active == Profile::Demo;
    shown.then(|| Notice {
        key: "demo".to_owned(),
        severity: Severity::Info,
        title: "This is the demo".to_owned(),
        body: "The network did not answer at the first start, so prices are simulated.".to_owned(),
        action: Some(NoticeAction::GoLive),
    })
}

fn config(causes: &Causes<'_>) -> Option<Notice> {
    let count = causes.config_issues;
    (count > 0).then(|| Notice {
        key: "config".to_owned(),
        severity: Severity::Warn,
        title: if count == 1 {
            "One setting was refused".to_owned()
        } else {
            format!("{count} settings were refused")
        },
        body: "The default is in force instead; Settings names the key and what is accepted.".to_owned(),
        action: Some(NoticeAction::OpenSettings),
    })
}

fn damage<'a>(causes: &Causes<'a>) -> impl Iterator<Item = Notice> + 'a {
    causes.set_aside.iter().map(|moved_to| Notice {
        key: format!("damaged {moved_to}"),
        severity: Severity::Warn,
        title: "A damaged database was set aside".to_owned(),
        body: format!("A new one was begun; the damaged one is kept as {moved_to}."),
        action: None,
    })
}
