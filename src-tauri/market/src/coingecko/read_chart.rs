//! `/coins/{id}/market_chart`.

use std::collections::HashMap;

use serde_json::Value;

use super::value::{amount, at, number, sound_ms};
use crate::Point;

/// The most points read of one chart; a year of hours is 8,760.
const POINTS_MAX: usize = 20_000;

/// Reads `{prices, market_caps, total_volumes: [[ms, value]]}` into points, oldest first, one for each time.
pub(super) fn read_chart(body: &Value) -> Result<Vec<Point>, String> {
    let prices = at(body, &["prices"]).as_array().ok_or("a list of prices was expected")?;
    let volumes = at(body, &["total_volumes"]).as_array().map_or(&[][..], Vec::as_slice);
    let volumes: HashMap<i64, f64> = volumes.iter().filter_map(read_pair).collect();
    let from = prices.len().saturating_sub(POINTS_MAX);
    let mut points: Vec<Point> = prices[from..]
        .iter()
        .filter_map(read_pair)
        .map(|(at_ms, price)| Point { at_ms, price, volume_24h: volumes.get(&at_ms).copied() })
        .filter(Point::is_sound)
        .collect();
    points.sort_by_key(|point| point.at_ms);
    points.dedup_by_key(|point| point.at_ms);
    Ok(points)
}

fn read_pair(pair: &Value) -> Option<(i64, f64)> {
    let pair = pair.as_array()?;
    let at_ms = sound_ms(number(pair.first()?)?)?;
    Some((at_ms, amount(pair.get(1)?)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn points_are_ordered_and_what_cannot_be_drawn_is_left_out() {
        let body = json!({
            "prices": [[3000, 3], [1000, 1.5], [2000, null], [2000], "x", [null, 1], [4000, -1], [3000, 9], [5000, "7.8e-11"]],
            "market_caps": null,
            "total_volumes": [[1000, 10], [3000, null]],
        });
        let points = read_chart(&body).unwrap();
        let expected = [(1000, 1.5, Some(10.0)), (3000, 3.0, None), (5000, 7.8e-11, None)];
        assert_eq!(points.iter().map(|p| (p.at_ms, p.price, p.volume_24h)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_reply_without_prices_is_refused_and_one_with_none_is_empty() {
        assert!(read_chart(&json!({})).is_err());
        assert!(read_chart(&json!([])).is_err());
        assert_eq!(read_chart(&json!({"prices": []})), Ok(Vec::new()));
    }
}
