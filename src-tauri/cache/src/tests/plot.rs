//! The plot in the README, drawn from the function that it shows.

use std::fmt::Write as _;
use std::path::Path;

use crate::LoadCurve;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 44.0;
const TOP: f64 = 20.0;
const RIGHT: f64 = 20.0;

fn x(load: f64) -> f64 {
    LEFT + load * (WIDTH - LEFT - RIGHT)
}

fn y(factor: f64, most: f64) -> f64 {
    HEIGHT - BOTTOM - (factor - 1.0) / (most - 1.0) * (HEIGHT - BOTTOM - TOP)
}

fn drawn(curve: &LoadCurve) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>Factor of the time to live by the smoothed load of the machine</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for step in 0..=5 {
        let load = f64::from(step) / 5.0;
        let (at, bottom) = (x(load), HEIGHT - BOTTOM);
        let _ = writeln!(svg, "<path d=\"M{at:.1} {TOP}V{bottom}\" stroke=\"#e4e4e8\"/>");
        let _ = writeln!(
            svg,
            "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{load:.1}</text>",
            bottom + 16.0
        );
    }
    for factor in [1.0, 1.5, 2.0, 2.5, 3.0] {
        let at = y(factor, curve.most);
        let _ = writeln!(svg, "<path d=\"M{LEFT} {at:.1}H{}\" stroke=\"#e4e4e8\"/>", WIDTH - RIGHT);
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">× {factor:.1}</text>",
            LEFT - 8.0,
            at + 4.0
        );
    }
    let points: Vec<String> = (0..=100)
        .map(|step| f64::from(step) / 100.0)
        .map(|load| format!("{:.1},{:.1}", x(load), y(curve.factor_at(load), curve.most)))
        .collect();
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#b45309\" stroke-width=\"2.5\"/>",
        points.join(" ")
    );
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">smoothed load</text>\n</svg>",
        x(0.5),
        HEIGHT - 8.0
    );
    svg
}

/// `EIDER_WRITE_PLOT=1` writes it anew.
#[test]
fn the_plot_of_the_factor_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ttl-factor.svg");
    let drawn = drawn(&LoadCurve::default());
    if std::env::var_os("EIDER_WRITE_PLOT").is_some() {
        std::fs::write(&path, &drawn).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), drawn, "run with EIDER_WRITE_PLOT=1");
}
