//! The page of a review: charts, and a table of services. It stands alone and asks nobody for anything.

use std::fmt::Write as _;

use plotters::prelude::RGBColor;

use super::chart::{Line, svg};
use crate::api::{MetricsHistory, Profile, ServiceLimits};

/// What a review is made from.
pub(super) struct Facts {
    pub(super) at_ms: i64,
    pub(super) profile: Profile,
    pub(super) services: Vec<ServiceLimits>,
    pub(super) history: MetricsHistory,
}

const GREEN: RGBColor = RGBColor(0x0f, 0x7b, 0x5a);
const BLUE: RGBColor = RGBColor(0x56, 0xb4, 0xe9);
const PINK: RGBColor = RGBColor(0xcc, 0x79, 0xa7);
const ORANGE: RGBColor = RGBColor(0xe6, 0x9f, 0x00);
const RED: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
const GREY: RGBColor = RGBColor(0x93, 0xa4, 0xb1);

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;color:#16202a;max-width:980px;margin:32px auto;padding:0 16px}\
h1{font-size:22px}h2{font-size:15px;margin:28px 0 4px}p,small{color:#566573}svg{width:100%;height:auto}\
table{border-collapse:collapse;width:100%}th,td{text-align:right;padding:4px 8px;border-bottom:1px solid #d9e0e5}\
th:first-child,td:first-child{text-align:left}.key{margin-right:16px}.demo{color:#8a5800;font-weight:600}";

pub(super) fn html(facts: &Facts) -> String {
    let history = &facts.history;
    let mut body = String::new();
    let line = |name, colour, values| Line { name, colour, values };
    let share = |value: f64| format!("{:.0} %", value * 100.0);
    let number = |value: f64| format!("{value:.0}");
    let millis = |value: f64| {
        if value < 1000.0 { format!("{value:.0} ms") } else { format!("{:.1} s", value / 1000.0) }
    };
    for (title, lines, top, label) in [
        (
            "Load of the machine",
            vec![
                line("load factor", RED, history.load.as_slice()),
                line("CPU", BLUE, &history.cpu),
                line("memory", GREEN, &history.memory),
            ],
            1.0,
            share as fn(f64) -> String,
        ),
        (
            "Cache hit rate",
            vec![
                line("memory", GREEN, history.cache_memory.as_slice()),
                line("files", BLUE, &history.cache_files),
                line("database", PINK, &history.cache_database),
                line("asked the source", ORANGE, &history.cache_origin),
            ],
            1.0,
            share,
        ),
        (
            "Work that waits",
            vec![
                line("critical", RED, history.queue_critical.as_slice()),
                line("high", ORANGE, &history.queue_high),
                line("normal", BLUE, &history.queue_normal),
                line("low", GREY, &history.queue_low),
            ],
            1.0,
            number,
        ),
        (
            "Jobs that ended in a minute",
            vec![line("jobs", GREEN, history.jobs_per_minute.as_slice())],
            1.0,
            number,
        ),
        (
            "Times of jobs, 95 of 100 are shorter",
            vec![
                line("wait", ORANGE, history.jobs_wait_p95_ms.as_slice()),
                line("run", BLUE, &history.jobs_run_p95_ms),
            ],
            1.0,
            millis,
        ),
    ] {
        section(&mut body, title, &history.at_ms, &lines, top, label);
    }
    services(&mut body, &facts.services);
    let demo =
        if facts.profile == Profile::Demo { "<p class=demo>DEMO: prices were simulated.</p>" } else { "" };
    let at = moment(facts.at_ms);
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Eider, review of {at}</title><style>{STYLE}</style>\
         <h1>Performance review</h1><p>The 7 days up to {at} (UTC), as this engine measured them. A gap is a time in \
         which it did not run.</p>{demo}{body}</html>\n"
    )
}

fn section(
    body: &mut String,
    title: &str,
    at_ms: &[i64],
    lines: &[Line<'_>],
    top: f64,
    label: fn(f64) -> String,
) {
    // Writing to a string cannot fail.
    let _ = write!(body, "<h2>{title}</h2><small>");
    for line in lines {
        let _ = write!(body, "<span class=key><b style=\"color:{}\">—</b> {}", line.css(), line.name);
        let _ = match mean(line.values) {
            Some(mean) => write!(body, ", mean {}</span>", label(mean)),
            None => write!(body, ", not measured</span>"),
        };
    }
    let chart =
        svg(at_ms, lines, top, label).unwrap_or_else(|| "<p>Nothing was measured yet.</p>".to_owned());
    let _ = write!(body, "</small>{chart}");
}

fn mean(values: &[Option<f64>]) -> Option<f64> {
    let count = values.iter().flatten().count();
    (count > 0).then(|| values.iter().flatten().sum::<f64>() / count as f64)
}

fn services(body: &mut String, services: &[ServiceLimits]) {
    body.push_str(
        "<h2>Outside services, since the start of this engine</h2><table><tr><th>Service<th>Calls<th>Without a good \
         answer<th>Retries<th>p50<th>p95</tr>",
    );
    for service in services {
        let ms = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.0} ms"));
        let _ = write!(
            body,
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td>{}</tr>",
            service.name,
            service.calls,
            service.errors,
            service.retries,
            ms(service.p50_ms),
            ms(service.p95_ms)
        );
    }
    body.push_str("</table>");
}

pub(super) fn day(at_ms: i64) -> String {
    formatted(at_ms, "%a %d %b")
}

fn moment(at_ms: i64) -> String {
    formatted(at_ms, "%Y-%m-%d %H:%M")
}

/// Sorts as its time does.
pub(super) fn file_time(at_ms: i64) -> String {
    formatted(at_ms, "%Y-%m-%d-%H%M%S")
}

fn formatted(at_ms: i64, format: &str) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map(|at| at.strftime(format).to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_review_has_a_chart_of_what_was_measured_and_says_what_was_not() {
        let history = MetricsHistory {
            step_ms: 900_000,
            at_ms: vec![0, 900_000, 1_800_000, 2_700_000],
            load: vec![Some(0.2), None, Some(0.4), Some(0.6)],
            ..MetricsHistory::default()
        };
        let facts = Facts { at_ms: 2_700_000, profile: Profile::Demo, services: Vec::new(), history };
        let page = html(&facts);
        assert!(page.contains("mean 40 %"), "{page}");
        assert!(page.contains("CPU, not measured") && page.contains("<svg") && page.contains("DEMO"));
        assert!(!page.contains("http://") || !page.contains("src="), "it asks nobody for anything");
    }
}
