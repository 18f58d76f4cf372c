use std::fs;

use anyhow::Context;
use serde::Serialize;

/// One row of the table.
#[derive(Serialize)]
struct Row {
    work: String,
    contender: &'static str,
    value: f64,
    unit: &'static str,
    /// What the contender promises for that, and what the figure means.
    promises: String,
}

/// A ratio that the project has set itself a goal for.
#[derive(Serialize)]
struct Goal {
    what: String,
    value: f64,
    at_most: f64,
    met: bool,
}

/// All that was measured.
#[derive(Serialize)]
pub(crate) struct Report {
    quick: bool,
    rows: Vec<Row>,
    goals: Vec<Goal>,
}

impl Report {
    pub(crate) fn new(quick: bool) -> Self {
        println!("| work | contender | measured | promises |\n|---|---|---|---|");
        Self { quick, rows: Vec::new(), goals: Vec::new() }
    }

    pub(crate) fn row(
        &mut self,
        work: impl Into<String>,
        contender: &'static str,
        value: f64,
        unit: &'static str,
        promises: impl Into<String>,
    ) {
        let row =
            Row { work: work.into(), contender, value: rounded(value), unit, promises: promises.into() };
        println!("| {} | {} | {} {} | {} |", row.work, row.contender, row.value, row.unit, row.promises);
        self.rows.push(row);
    }

    pub(crate) fn goal(&mut self, what: impl Into<String>, value: f64, at_most: f64) {
        self.goals.push(Goal { what: what.into(), value: rounded(value), at_most, met: value <= at_most });
    }

    /// Prints the goals, writes `cache.json`, and adds itself to a `summary.json` that is there already.
    pub(crate) fn finish(&self) -> anyhow::Result<()> {
        println!("\n| goal | measured | at most | |\n|---|---|---|---|");
        for Goal { what, value, at_most, met } in &self.goals {
            println!("| {what} | {value} | {at_most} | {} |", if *met { "met" } else { "missed" });
        }
        let own = std::env::current_exe()?;
        let target = own.ancestors().nth(2).context("the program lies in a target folder")?;
        let folder = std::env::var_os("EIDER_BENCH_OUT").map_or_else(|| target.join("bench"), Into::into);
        fs::create_dir_all(&folder)?;
        let file = folder.join("cache.json");
        fs::write(&file, serde_json::to_string_pretty(self)? + "\n")?;
        println!("\n{}", file.display());
        let summary = folder.join("summary.json");
        if let Ok(text) = fs::read_to_string(&summary) {
            let mut whole: serde_json::Value = serde_json::from_str(&text)?;
            whole["cache"] = serde_json::to_value(self)?;
            fs::write(&summary, serde_json::to_string_pretty(&whole)? + "\n")?;
        }
        Ok(())
    }
}

fn rounded(value: f64) -> f64 {
    let digits = if value.abs() < 10.0 { 1000.0 } else { 10.0 };
    (value * digits).round() / digits
}
