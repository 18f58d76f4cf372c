use std::{fs, path::PathBuf};

use anyhow::Context;
use serde::Serialize;

use crate::machine::Machine;

/// One measured number and the most it should be.
#[derive(Serialize)]
struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    bound: Option<f64>,
}

/// What was measured, where.
#[derive(Serialize)]
pub(crate) struct Report {
    machine: Machine,
    figures: Vec<Figure>,
}

impl Report {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self { machine: Machine::this()?, figures: Vec::new() })
    }

    pub(crate) fn add(&mut self, name: &'static str, value: f64, unit: &'static str, bound: Option<f64>) {
        let figure = Figure { name, value: (value * 1000.0).round() / 1000.0, unit, bound };
        println!("{}", row(&figure));
        self.figures.push(figure);
    }

    /// Prints the table and writes `target/bench/summary.json`.
    pub(crate) fn finish(&self) -> anyhow::Result<()> {
        let own = std::env::current_exe()?;
        let target = own.ancestors().nth(2).context("the program lies in target/release")?;
        let file: PathBuf = target.join("bench/summary.json");
        fs::create_dir_all(target.join("bench"))?;
        fs::write(&file, serde_json::to_string_pretty(self)? + "\n")?;
        println!("\n{}\n\n| figure | measured | at most |\n|---|---|---|", self.machine);
        self.figures.iter().for_each(|figure| println!("{}", row(figure)));
        println!("\n{}", file.display());
        Ok(())
    }
}

fn row(figure: &Figure) -> String {
    let Figure { name, value, unit, bound } = figure;
    let bound = match bound {
        Some(bound) if value > bound => format!("{bound} {unit} (missed)"),
        Some(bound) => format!("{bound} {unit}"),
        None => "–".to_owned(),
    };
    format!("| {name} | {value} {unit} | {bound} |")
}
