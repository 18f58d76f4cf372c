//! `/simple/price` and `/coins/markets`.

use serde_json::Value;

use super::value::{amount, at, number, rank, seconds, text, timestamp};
use crate::{Currency, MarketEntry, Price, TokenId, TokenRef};

/// Reads `{id: {usd, usd_24h_change, …}}`; only ids that were asked for count, and only with a price.
pub(super) fn read_prices(
    body: &Value,
    asked: &[TokenId],
    currency: &Currency,
) -> Result<Vec<Price>, String> {
    let body = body.as_object().ok_or("an object of prices was expected")?;
    let field = |entry: &Value, suffix: &str| {
        entry.get(format!("{currency}{suffix}")).unwrap_or(&Value::Null).clone()
    };
    let read = |id: &TokenId| {
        let entry = body.get(id.as_str())?;
        Some(Price {
            id: id.clone(),
            price: amount(&field(entry, ""))?,
            change_24h_pct: number(&field(entry, "_24h_change")),
            volume_24h: amount(&field(entry, "_24h_vol")),
            market_cap: amount(&field(entry, "_market_cap")).filter(|cap| *cap > 0.0),
            as_of_ms: seconds(at(entry, &["last_updated_at"])),
        })
    };
    Ok(asked.iter().filter_map(read).collect())
}

/// Reads the rows of the table; a row without a usable id is left out.
pub(super) fn read_markets(body: &Value) -> Result<Vec<MarketEntry>, String> {
    let rows = body.as_array().ok_or("a list of tokens was expected")?;
    Ok(rows.iter().take(250).filter_map(read_row).collect())
}

fn read_row(row: &Value) -> Option<MarketEntry> {
    let token = read_ref(row)?;
    let change = |period: &str| number(at(row, &[&format!("price_change_percentage_{period}_in_currency")]));
    let spark = at(row, &["sparkline_in_7d", "price"]).as_array();
    Some(MarketEntry {
        price: amount(at(row, &["current_price"])),
        change_1h_pct: change("1h"),
        change_24h_pct: change("24h").or_else(|| number(at(row, &["price_change_percentage_24h"]))),
        change_7d_pct: change("7d"),
        change_30d_pct: change("30d"),
        high_24h: amount(at(row, &["high_24h"])),
        low_24h: amount(at(row, &["low_24h"])),
        volume_24h: amount(at(row, &["total_volume"])),
        // The provider writes 0 where it does not know the supply.
        market_cap: amount(at(row, &["market_cap"])).filter(|cap| *cap > 0.0),
        fully_diluted_valuation: amount(at(row, &["fully_diluted_valuation"])),
        circulating_supply: amount(at(row, &["circulating_supply"])).filter(|supply| *supply > 0.0),
        total_supply: amount(at(row, &["total_supply"])),
        max_supply: amount(at(row, &["max_supply"])),
        ath: amount(at(row, &["ath"])),
        ath_at_ms: timestamp(at(row, &["ath_date"])),
        spark_7d: spark.map(|prices| newest(prices)).unwrap_or_default(),
        as_of_ms: timestamp(at(row, &["last_updated"])),
        ..MarketEntry::empty(token)
    })
}

fn newest(prices: &[Value]) -> Vec<f64> {
    let from = prices.len().saturating_sub(MarketEntry::SPARK_MAX);
    prices[from..].iter().filter_map(amount).collect()
}

/// The id, ticker, name and rank that rows, search results and details share.
pub(super) fn read_ref(row: &Value) -> Option<TokenRef> {
    let id = TokenId::new(row.get("id")?.as_str()?).ok()?;
    let unnamed = TokenRef::unnamed(id);
    Some(TokenRef {
        symbol: text(at(row, &["symbol"]), 32).map_or(unnamed.symbol, |symbol| symbol.to_uppercase()),
        name: text(at(row, &["name"]), 128).unwrap_or(unnamed.name),
        rank: rank(at(row, &["market_cap_rank"])),
        id: unnamed.id,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn ids(ids: &[&str]) -> Vec<TokenId> {
        ids.iter().map(|id| TokenId::new(id).unwrap()).collect()
    }

    #[test]
    fn prices_survive_nulls_texts_unknown_ids_and_tiny_numbers() {
        let body = json!({
            "tiny": {"usd": 7.8e-11, "usd_24h_change": null, "last_updated_at": 1_711_356_300},
            "text": {"usd": "12.5", "usd_24h_vol": "1,000"},
            "null": {"usd": null},
            "negative": {"usd": -1},
            "empty": {},
            "odd": [1, 2],
            "not-asked": {"usd": 1},
        });
        let asked = ids(&["tiny", "text", "null", "negative", "empty", "odd", "absent"]);
        let prices = read_prices(&body, &asked, &Currency::usd()).unwrap();
        assert_eq!(prices.len(), 2);
        assert_eq!((prices[0].price, prices[0].change_24h_pct), (7.8e-11, None));
        assert_eq!(prices[0].as_of_ms, Some(1_711_356_300_000));
        assert_eq!((prices[1].price, prices[1].volume_24h, prices[1].as_of_ms), (12.5, Some(1000.0), None));
        assert!(read_prices(&json!([]), &asked, &Currency::usd()).is_err());
    }

    #[test]
    fn rows_survive_nulls_everywhere() {
        let body = json!([
            {"id": "a", "symbol": "a", "name": null, "current_price": null, "sparkline_in_7d": null},
            {"id": "b", "sparkline_in_7d": {"price": [1, null, "x", 2]}, "market_cap": 0, "market_cap_rank": "7"},
            {"id": null},
            {"symbol": "no id"},
            null,
            {"id": "../../x"},
        ]);
        let rows = read_markets(&body).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].token.symbol.as_str(), rows[0].token.name.as_str()), ("A", "a"));
        assert_eq!(
            (rows[1].spark_7d.as_slice(), rows[1].market_cap, rows[1].token.rank),
            (&[1.0, 2.0][..], None, Some(7))
        );
        assert!(read_markets(&json!({"error": "x"})).is_err());
    }
}
