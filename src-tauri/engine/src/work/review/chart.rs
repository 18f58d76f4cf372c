//! Lines over time as SVG.

use plotters::backend::SVGBackend;
use plotters::drawing::IntoDrawingArea;
use plotters::prelude::{ChartBuilder, LineSeries, RGBColor};
use plotters::style::{Color, IntoTextStyle};

use crate::export::use_own_font;

const SIZE: (u32, u32) = (960, 220);
const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
const MUTED: RGBColor = RGBColor(0x56, 0x65, 0x73);
const RULE: RGBColor = RGBColor(0xd9, 0xe0, 0xe5);

/// One line: its name, its colour, and its values, `None` where nothing was measured.
pub(super) struct Line<'a> {
    pub(super) name: &'static str,
    pub(super) colour: RGBColor,
    pub(super) values: &'a [Option<f64>],
}

impl Line<'_> {
    pub(super) fn css(&self) -> String {
        let RGBColor(red, green, blue) = self.colour;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }
}

/// The chart, or nothing where there is nothing to draw. `top` is the least top of the scale.
pub(super) fn svg(at_ms: &[i64], lines: &[Line<'_>], top: f64, label: fn(f64) -> String) -> Option<String> {
    let (first, last) = (*at_ms.first()?, *at_ms.last()?);
    let highest = lines.iter().flat_map(|line| line.values).flatten().copied().fold(top, f64::max);
    let mut text = String::new();
    draw(&mut text, at_ms, lines, (first..last.max(first + 1), 0.0..highest * 1.05), label).ok()?;
    Some(text)
}

fn draw(
    text: &mut String,
    at_ms: &[i64],
    lines: &[Line<'_>],
    (time, values): (std::ops::Range<i64>, std::ops::Range<f64>),
    label: fn(f64) -> String,
) -> Result<(), Box<dyn std::error::Error>> {
    use_own_font();
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&PAPER)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(56)
        .build_cartesian_2d(time, values)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(PAPER)
        .bold_line_style(RULE)
        .axis_style(RULE)
        .label_style(("sans-serif", 12).with_color(MUTED))
        .x_label_formatter(&|at_ms| super::page::day(*at_ms))
        .y_label_formatter(&|value| label(*value))
        .draw()?;
    for line in lines {
        for part in measured(at_ms, line.values) {
            chart.draw_series(LineSeries::new(part, line.colour.stroke_width(2)))?;
        }
    }
    area.present()?;
    Ok(())
}

/// The stretches without a gap.
fn measured(at_ms: &[i64], values: &[Option<f64>]) -> Vec<Vec<(i64, f64)>> {
    let mut parts = vec![Vec::new()];
    for (at_ms, value) in at_ms.iter().zip(values) {
        match value {
            Some(value) => parts.last_mut().into_iter().for_each(|part| part.push((*at_ms, *value))),
            None => parts.push(Vec::new()),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}
