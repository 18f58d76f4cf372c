//! `/coins/{id}` and `/search`.

use serde_json::Value;

use super::plain_text::plain_text;
use super::read_market::read_ref;
use super::value::{amount, at, number, text, timestamp};
use crate::{Currency, MarketEntry, TokenDetails, TokenId, TokenProfile, TokenRef};

/// The most results kept of a search.
const RESULTS_MAX: usize = 50;

/// Reads all about one token. The id is the one that was asked for, whatever the reply says.
pub(super) fn read_token(body: &Value, id: &TokenId, currency: &Currency) -> Result<TokenDetails, String> {
    if !body.is_object() {
        return Err("an object that describes a token was expected".to_owned());
    }
    let token = read_ref(body).unwrap_or_else(|| TokenRef::unnamed(id.clone()));
    let token = TokenRef { id: id.clone(), ..token };
    let market = at(body, &["market_data"]);
    let told = |name: &str| amount(at(market, &[name, currency.as_str()]));
    let change = |period: &str| {
        let in_currency = format!("price_change_percentage_{period}_in_currency");
        number(at(market, &[&in_currency, currency.as_str()]))
            .or_else(|| number(at(market, &[&format!("price_change_percentage_{period}")])))
    };
    let numbers = MarketEntry {
        price: told("current_price"),
        change_1h_pct: change("1h"),
        change_24h_pct: change("24h"),
        change_7d_pct: change("7d"),
        change_30d_pct: change("30d"),
        high_24h: told("high_24h"),
        low_24h: told("low_24h"),
        volume_24h: told("total_volume"),
        market_cap: told("market_cap").filter(|cap| *cap > 0.0),
        fully_diluted_valuation: told("fully_diluted_valuation"),
        circulating_supply: amount(at(market, &["circulating_supply"])).filter(|supply| *supply > 0.0),
        total_supply: amount(at(market, &["total_supply"])),
        max_supply: amount(at(market, &["max_supply"])),
        ath: told("ath"),
        ath_at_ms: timestamp(at(market, &["ath_date", currency.as_str()])),
        as_of_ms: timestamp(at(market, &["last_updated"])).or_else(|| timestamp(at(body, &["last_updated"]))),
        ..MarketEntry::empty(token.clone())
    };
    let description = at(body, &["description", "en"]).as_str().and_then(plain_text);
    let profile = TokenProfile { token, description, homepage: homepage(body), image: image(body) };
    Ok(TokenDetails { profile, numbers })
}

/// The first address that a browser may be sent to.
fn homepage(body: &Value) -> Option<String> {
    let addresses = at(body, &["links", "homepage"]).as_array()?;
    addresses.iter().take(10).find_map(web_address)
}

/// The largest of its pictures.
fn image(body: &Value) -> Option<String> {
    ["large", "small", "thumb"].into_iter().find_map(|size| web_address(at(body, &["image", size])))
}

fn web_address(value: &Value) -> Option<String> {
    let address = text(value, 2048)?;
    let url = reqwest::Url::parse(&address).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(address)
}

/// Reads the tokens of a search result; exchanges, categories and NFTs are left out.
pub(super) fn read_search(body: &Value) -> Result<Vec<TokenRef>, String> {
    let coins = at(body, &["coins"]).as_array().ok_or("a list of tokens was expected")?;
    Ok(coins.iter().filter_map(read_ref).take(RESULTS_MAX).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn details_are_read_in_the_currency_asked_for() {
        let id = TokenId::new("duckchain-token").unwrap();
        let body = json!({
            "id": "duckchain-token", "symbol": "duck", "name": "DuckChain", "market_cap_rank": 812,
            "description": {"en": "The <b>Telegram</b> layer &amp; more"},
            "image": {"thumb": "https://img.example/t.png", "large": "missing_large.png"},
            "links": {"homepage": ["", "javascript:alert(1)", "https://duckchain.io/"]},
            "market_data": {
                "current_price": {"usd": 0.002, "eur": 0.0018},
                "ath": {"eur": 0.01}, "ath_date": {"eur": "2025-01-16T10:00:00.000Z"},
                "price_change_percentage_24h_in_currency": {"eur": -3.5},
                "price_change_percentage_7d": 4.0,
                "max_supply": null, "market_cap": {"eur": 0},
            },
        });
        let details = read_token(&body, &id, &Currency::new("eur").unwrap()).unwrap();
        assert_eq!(details.profile.description.as_deref(), Some("The Telegram layer & more"));
        assert_eq!(details.profile.homepage.as_deref(), Some("https://duckchain.io/"));
        assert_eq!(details.profile.image.as_deref(), Some("https://img.example/t.png"));
        let numbers = details.numbers;
        assert_eq!(
            (numbers.price, numbers.change_24h_pct, numbers.change_7d_pct),
            (Some(0.0018), Some(-3.5), Some(4.0))
        );
        assert_eq!((numbers.market_cap, numbers.max_supply, numbers.ath), (None, None, Some(0.01)));
        assert_eq!(numbers.token.symbol, "DUCK");
    }

    #[test]
    fn an_object_without_anything_is_a_token_without_anything() {
        let id = TokenId::new("x").unwrap();
        let details = read_token(&json!({"id": 5, "market_data": []}), &id, &Currency::usd()).unwrap();
        assert_eq!(details.numbers, MarketEntry::empty(TokenRef::unnamed(id.clone())));
        assert!(read_token(&json!(null), &id, &Currency::usd()).is_err());
    }

    #[test]
    fn search_results_without_a_usable_id_are_left_out() {
        let body =
            json!({"coins": [{"id": "a", "symbol": "a"}, {"id": "b/c"}, {}, null], "nfts": [{"id": "n"}]});
        assert_eq!(read_search(&body).unwrap().len(), 1);
        assert!(read_search(&json!({"coins": null})).is_err());
    }
}
