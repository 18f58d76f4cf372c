//! A history as a picture, in the light colours of the window.

use std::ops::Range as Span;
use std::sync::Once;

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::prelude::{AreaSeries, ChartBuilder, Color, RGBColor};
use plotters::style::{FontStyle, IntoTextStyle, register_font};

use crate::api::{History, Range};

const SIZE: (u32, u32) = (1280, 640);
const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
const TEXT: RGBColor = RGBColor(0x16, 0x20, 0x2a);
const MUTED: RGBColor = RGBColor(0x56, 0x65, 0x73);
const LINE: RGBColor = RGBColor(0xd9, 0xe0, 0xe5);
const ACCENT: RGBColor = RGBColor(0x0f, 0x7b, 0x5a);

pub(super) fn svg(history: &History) -> Result<Vec<u8>, String> {
    let mut text = String::new();
    draw(&SVGBackend::with_string(&mut text, SIZE).into_drawing_area(), history)?;
    Ok(text.into_bytes())
}

pub(super) fn png(history: &History) -> Result<Vec<u8>, String> {
    let mut pixels = vec![0; (SIZE.0 * SIZE.1 * 3) as usize];
    draw(&BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area(), history)?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIZE.0, SIZE.1);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer.write_image_data(&pixels).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, plotters::coord::Shift>,
    history: &History,
) -> Result<(), String> {
    paint(area, history).map_err(|error| error.to_string())
}

fn paint<B: DrawingBackend>(
    area: &DrawingArea<B, plotters::coord::Shift>,
    history: &History,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    use_own_font();
    area.fill(&PAPER)?;
    let (time, price) = spans(history);
    let mut chart = ChartBuilder::on(area)
        .margin(24)
        .caption(title(history), ("sans-serif", 20).with_color(TEXT))
        .x_label_area_size(32)
        .right_y_label_area_size(96)
        .build_cartesian_2d(time, price.clone())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(PAPER)
        .bold_line_style(LINE)
        .axis_style(LINE)
        .label_style(("sans-serif", 13).with_color(MUTED))
        .x_label_formatter(&|at_ms| moment(*at_ms, history.range))
        .y_label_formatter(&|price| significant(*price))
        .draw()?;
    for part in unbroken(history) {
        let points = part.map(|place| (history.at_ms[place], history.price[place]));
        let area = AreaSeries::new(points, price.start, ACCENT.mix(0.1)).border_style(ACCENT.stroke_width(2));
        chart.draw_series(area)?;
    }
    area.present()
}

/// The picture must not depend on the fonts of the machine.
pub(crate) fn use_own_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let known = register_font("sans-serif", FontStyle::Normal, include_bytes!("labels.ttf"));
        debug_assert!(known.is_ok(), "the font is part of the program");
    });
}

fn title(history: &History) -> String {
    let range =
        Range::NAMES.into_iter().find(|(_, range)| *range == history.range).map_or("", |(name, _)| name);
    let source = history.provenance.as_ref().map_or("", |from| from.source.as_str());
    let real = if source == "Simulator" { "simulated prices" } else { source };
    format!("{} / {} - {range}, UTC - {real}", history.id, history.currency.to_uppercase())
}

/// The axes, with a little room above and below, and never empty.
fn spans(history: &History) -> (Span<i64>, Span<f64>) {
    let (first, last) =
        (history.at_ms.first().copied().unwrap_or(0), history.at_ms.last().copied().unwrap_or(1));
    let low = history.price.iter().copied().fold(f64::INFINITY, f64::min);
    let high = history.price.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let room = ((high - low) * 0.05).max(high.abs() * 1e-4).max(f64::MIN_POSITIVE);
    (first..last.max(first + 1), (low - room).max(0.0)..high + room)
}

/// The stretches between gaps of more than three steps.
fn unbroken(history: &History) -> Vec<Span<usize>> {
    let at_ms = &history.at_ms;
    let breaks = (1..at_ms.len()).filter(|place| at_ms[*place] - at_ms[place - 1] > 3 * history.step_ms);
    let mut edges: Vec<usize> = std::iter::once(0).chain(breaks).collect();
    edges.push(at_ms.len());
    edges.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

fn moment(at_ms: i64, range: Range) -> String {
    let format = match range {
        Range::Hour | Range::Day => "%H:%M",
        Range::Week | Range::Month => "%d %b",
        Range::Year => "%b %Y",
    };
    jiff::Timestamp::from_millisecond(at_ms).map(|at| at.strftime(format).to_string()).unwrap_or_default()
}

/// Five significant digits without an exponent.
fn significant(price: f64) -> String {
    let digits = 4 - price.abs().max(1e-12).log10().floor() as i32;
    format!("{price:.*}", digits.clamp(0, 16) as usize)
}
