//! Contenders in turns.

use crate::contender::{Contender, Name};
use crate::report::Report;

pub(crate) const ROUNDS: usize = 3;

/// What each contender came to in each round, every time in a fresh process with a fresh folder.
pub(crate) fn in_turns<T>(
    report: &mut Report,
    contenders: &[Name],
    mut measure: impl FnMut(Name, &mut Contender) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<Vec<T>>> {
    let mut rounds: Vec<Vec<T>> = contenders.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for (name, rounds) in contenders.iter().zip(&mut rounds) {
            let mut contender = name.start()?;
            report.version(contender.version()?);
            rounds.push(measure(*name, &mut contender)?);
        }
    }
    Ok(rounds)
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}

pub(crate) fn quantile(values: impl IntoIterator<Item = f64>, share: f64) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}
