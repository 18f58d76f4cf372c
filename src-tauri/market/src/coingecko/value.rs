//! Reading single values out of JSON that may hold anything anywhere.

use serde_json::Value;

/// A finite number, written as a number or as text, with or without `$` and `,`.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => {
            let digits: String = text.trim().chars().filter(|c| !matches!(c, '$' | ',')).collect();
            digits.parse().ok()?
        }
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// A finite number that is not negative: a price, a volume, a supply.
pub(super) fn amount(value: &Value) -> Option<f64> {
    number(value).filter(|number| *number >= 0.0)
}

/// A place in a ranking, from 1.
pub(super) fn rank(value: &Value) -> Option<u32> {
    number(value).filter(|number| (1.0..=1e9).contains(number)).map(|number| number as u32)
}

/// Text that is not empty, trimmed and cut to `longest` characters.
pub(super) fn text(value: &Value, longest: usize) -> Option<String> {
    let text: String = value.as_str()?.trim().chars().filter(|c| !c.is_control()).take(longest).collect();
    (!text.is_empty()).then_some(text)
}

/// Unix milliseconds after 1970 and before the year 3000.
pub(super) fn sound_ms(ms: f64) -> Option<i64> {
    (1.0..=32_503_680_000_000.0).contains(&ms).then_some(ms as i64)
}

/// A time told in Unix seconds.
pub(super) fn seconds(value: &Value) -> Option<i64> {
    number(value).and_then(|seconds| sound_ms(seconds * 1000.0))
}

/// A time told as `2026-01-31T09:15:00.000Z`.
pub(super) fn timestamp(value: &Value) -> Option<i64> {
    let time: jiff::Timestamp = value.as_str()?.trim().parse().ok()?;
    sound_ms(time.as_millisecond() as f64)
}

/// A member of an object; `Null` where there is none.
pub(super) fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, name| value.get(name).unwrap_or(&Value::Null))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_read_in_every_form_seen_and_refused_where_they_are_none() {
        let cases = [
            (json!(7.8e-11), Some(7.8e-11)),
            (json!("7.8e-11"), Some(7.8e-11)),
            (json!("$521,967,819"), Some(521_967_819.0)),
            (json!(-3), Some(-3.0)),
            (json!("NaN"), None),
            (json!("inf"), None),
            (json!("1e999"), None),
            (json!(""), None),
            (json!(null), None),
            (json!(true), None),
            (json!([1]), None),
            (json!({"usd": 1}), None),
        ];
        for (given, expected) in cases {
            assert_eq!(number(&given), expected, "{given}");
        }
        assert_eq!(amount(&json!(-1)), None);
        assert_eq!(rank(&json!(0)), None);
        assert_eq!(rank(&json!("12")), Some(12));
    }

    #[test]
    fn times_out_of_range_are_none() {
        assert_eq!(seconds(&json!(1_711_356_300)), Some(1_711_356_300_000));
        assert_eq!(seconds(&json!(-5)), None);
        assert_eq!(seconds(&json!(1e300)), None);
        assert_eq!(timestamp(&json!("2024-03-25T08:45:00.250Z")), Some(1_711_356_300_250));
        assert_eq!(timestamp(&json!("yesterday")), None);
        assert_eq!(timestamp(&json!("0000-01-01T00:00:00Z")), None);
    }

    #[test]
    fn texts_are_trimmed_bounded_and_never_empty() {
        assert_eq!(text(&json!("  a\u{0}b  "), 10).as_deref(), Some("ab"));
        assert_eq!(text(&json!("abcdef"), 3).as_deref(), Some("abc"));
        assert_eq!(text(&json!("   "), 3), None);
        assert_eq!(text(&json!(5), 3), None);
    }
}
