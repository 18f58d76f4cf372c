use std::fs;

use anyhow::Context;
use serde::Serialize;

use crate::machine::Machine;

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

/// A figure that the project has set itself a goal for.
#[derive(Serialize)]
struct Goal {
    what: String,
    value: f64,
    bound: Bound,
    met: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// All that was measured, where and when.
#[derive(Serialize)]
pub(crate) struct Report {
    quick: bool,
    date: String,
    machine: Machine,
    versions: Vec<String>,
    rows: Vec<Row>,
    goals: Vec<Goal>,
}

impl Report {
    pub(crate) fn new(quick: bool) -> anyhow::Result<Self> {
        let (date, machine) = (chrono::Local::now().date_naive().to_string(), Machine::this()?);
        println!("{date}, {machine}\n\n| work | contender | measured | promises |\n|---|---|---|---|");
        Ok(Self { quick, date, machine, versions: Vec::new(), rows: Vec::new(), goals: Vec::new() })
    }

    /// Notes who takes part; each is told once, at the end.
    pub(crate) fn version(&mut self, version: String) {
        if !self.versions.contains(&version) {
            self.versions.push(version);
        }
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

    pub(crate) fn at_least(&mut self, what: impl Into<String>, value: f64, least: f64) {
        self.goal(what.into(), value, Bound::AtLeast(least), value >= least);
    }

    pub(crate) fn at_most(&mut self, what: impl Into<String>, value: f64, most: f64) {
        self.goal(what.into(), value, Bound::AtMost(most), value <= most);
    }

    fn goal(&mut self, what: String, value: f64, bound: Bound, met: bool) {
        self.goals.push(Goal { what, value: rounded(value), bound, met });
    }

    /// Prints the goals, writes `jobs.json`, and adds itself to a `summary.json` that is there already.
    pub(crate) fn finish(&self) -> anyhow::Result<()> {
        println!("\n| goal | measured | | |\n|---|---|---|---|");
        for Goal { what, value, bound, met } in &self.goals {
            let bound = match bound {
                Bound::AtLeast(least) => format!("at least {least}"),
                Bound::AtMost(most) => format!("at most {most}"),
            };
            println!("| {what} | {value} | {bound} | {} |", if *met { "met" } else { "missed" });
        }
        println!("\n{}", self.versions.join("; "));
        let own = std::env::current_exe()?;
        let target = own.ancestors().nth(2).context("the program lies in a target folder")?;
        let folder = std::env::var_os("EIDER_BENCH_OUT").map_or_else(|| target.join("bench"), Into::into);
        fs::create_dir_all(&folder)?;
        let file = folder.join("jobs.json");
        fs::write(&file, serde_json::to_string_pretty(self)? + "\n")?;
        println!("{}", file.display());
        let summary = folder.join("summary.json");
        if let Ok(text) = fs::read_to_string(&summary) {
            let mut whole: serde_json::Value = serde_json::from_str(&text)?;
            whole["jobs"] = serde_json::to_value(self)?;
            fs::write(&summary, serde_json::to_string_pretty(&whole)? + "\n")?;
        }
        Ok(())
    }
}

fn rounded(value: f64) -> f64 {
    let digits = if value.abs() < 10.0 { 1000.0 } else { 10.0 };
    (value * digits).round() / digits
}
