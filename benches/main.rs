//! `make bench`: the figures of the README, from the release build that lies beside this program.
//!
//! Each is printed and written to `target/bench/summary.json` with the bound it is held to. A figure beyond
//! its bound is shown as such and does not fail the run: a busy machine is not a broken program.

mod api;
mod machine;
mod report;
mod usage;
mod window;

use report::Report;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut report = Report::new()?;
    window::measure(&mut report).await?;
    api::measure(&mut report).await?;
    report.finish()
}
