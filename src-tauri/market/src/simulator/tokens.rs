//! The tokens of the simulated market.

/// A token: where its price starts from and how it moves.
#[derive(Debug, Clone, Copy)]
pub(super) struct SimToken {
    pub(super) id: &'static str,
    pub(super) symbol: &'static str,
    pub(super) name: &'static str,
    /// Around which its price wanders, in US dollars.
    pub(super) usd: f64,
    /// Tokens in circulation.
    pub(super) supply: f64,
    pub(super) kind: Kind,
}

/// How a token moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// Stays within 0.2 % of one dollar.
    Stable,
    /// Follows the market by `beta` and moves by `own` percent a day beside it.
    Free { beta: f64, own: f64 },
}

const fn free(
    id: &'static str,
    symbol: &'static str,
    name: &'static str,
    usd: f64,
    supply: f64,
    beta: f64,
    own: f64,
) -> SimToken {
    SimToken { id, symbol, name, usd, supply, kind: Kind::Free { beta, own } }
}

const fn stable(id: &'static str, symbol: &'static str, name: &'static str, supply: f64) -> SimToken {
    SimToken { id, symbol, name, usd: 1.0, supply, kind: Kind::Stable }
}

/// The market, in no order; prices and supplies are round numbers of a plausible size.
#[rustfmt::skip]
pub(super) const TOKENS: &[SimToken] = &[
    free("duckchain-token", "DUCK", "DuckChain", 0.0024, 6.2e9, 1.4, 4.2),
    free("the-open-network", "TON", "Toncoin", 3.1, 2.5e9, 1.2, 2.4),
    free("bitcoin", "BTC", "Bitcoin", 67_000.0, 19.8e6, 1.0, 0.7),
    free("ethereum", "ETH", "Ethereum", 3_150.0, 120.4e6, 1.25, 1.3),
    stable("tether", "USDT", "Tether", 112.0e9),
    stable("usd-coin", "USDC", "USDC", 34.0e9),
    stable("dai", "DAI", "Dai", 5.3e9),
    free("binancecoin", "BNB", "BNB", 580.0, 146.0e6, 0.9, 1.2),
    free("solana", "SOL", "Solana", 152.0, 466.0e6, 1.45, 2.1),
    free("ripple", "XRP", "XRP", 0.58, 56.0e9, 1.1, 2.0),
    free("dogecoin", "DOGE", "Dogecoin", 0.13, 145.0e9, 1.4, 2.6),
    free("cardano", "ADA", "Cardano", 0.42, 35.7e9, 1.3, 1.9),
    free("tron", "TRX", "TRON", 0.13, 87.0e9, 0.7, 1.2),
    free("avalanche-2", "AVAX", "Avalanche", 27.5, 394.0e6, 1.45, 2.2),
    free("shiba-inu", "SHIB", "Shiba Inu", 1.8e-5, 589.0e12, 1.4, 2.7),
    free("polkadot", "DOT", "Polkadot", 5.9, 1.43e9, 1.3, 1.9),
    free("chainlink", "LINK", "Chainlink", 13.4, 608.0e6, 1.3, 2.1),
    free("bitcoin-cash", "BCH", "Bitcoin Cash", 380.0, 19.7e6, 1.1, 2.0),
    free("near", "NEAR", "NEAR Protocol", 4.9, 1.1e9, 1.5, 2.5),
    free("litecoin", "LTC", "Litecoin", 71.0, 74.9e6, 1.0, 1.7),
    free("uniswap", "UNI", "Uniswap", 7.8, 600.0e6, 1.35, 2.6),
    free("internet-computer", "ICP", "Internet Computer", 8.6, 468.0e6, 1.4, 2.5),
    free("aptos", "APT", "Aptos", 7.9, 480.0e6, 1.45, 2.6),
    free("stellar", "XLM", "Stellar", 0.1, 29.0e9, 1.1, 1.9),
    free("ethereum-classic", "ETC", "Ethereum Classic", 20.4, 148.0e6, 1.2, 1.9),
    free("cosmos", "ATOM", "Cosmos Hub", 5.2, 390.0e6, 1.3, 2.0),
    free("monero", "XMR", "Monero", 162.0, 18.4e6, 0.6, 1.9),
    free("filecoin", "FIL", "Filecoin", 4.1, 570.0e6, 1.4, 2.4),
    free("hedera-hashgraph", "HBAR", "Hedera", 0.058, 36.0e9, 1.3, 2.4),
    free("arbitrum", "ARB", "Arbitrum", 0.62, 3.4e9, 1.45, 2.5),
    free("optimism", "OP", "Optimism", 1.6, 1.2e9, 1.5, 2.7),
    free("vechain", "VET", "VeChain", 0.024, 80.9e9, 1.3, 2.2),
    free("maker", "MKR", "Maker", 1_850.0, 0.9e6, 1.1, 2.6),
    free("aave", "AAVE", "Aave", 142.0, 14.9e6, 1.3, 2.6),
    free("the-graph", "GRT", "The Graph", 0.17, 9.5e9, 1.4, 2.6),
    free("algorand", "ALGO", "Algorand", 0.13, 8.2e9, 1.3, 2.3),
    free("injective-protocol", "INJ", "Injective", 20.5, 97.0e6, 1.5, 3.0),
    free("render-token", "RENDER", "Render", 5.4, 517.0e6, 1.5, 3.1),
    free("immutable-x", "IMX", "Immutable", 1.4, 1.6e9, 1.45, 2.8),
    free("kaspa", "KAS", "Kaspa", 0.14, 24.8e9, 1.2, 3.1),
    free("sui", "SUI", "Sui", 1.75, 2.7e9, 1.5, 3.2),
    free("sei-network", "SEI", "Sei", 0.41, 3.6e9, 1.5, 3.1),
    free("celestia", "TIA", "Celestia", 5.3, 215.0e6, 1.5, 3.3),
    free("fantom", "FTM", "Fantom", 0.64, 2.8e9, 1.5, 3.1),
    free("theta-token", "THETA", "Theta Network", 1.3, 1.0e9, 1.4, 2.5),
    free("flow", "FLOW", "Flow", 0.55, 1.5e9, 1.3, 2.3),
    free("tezos", "XTZ", "Tezos", 0.68, 1.0e9, 1.2, 2.0),
    free("the-sandbox", "SAND", "The Sandbox", 0.26, 2.3e9, 1.4, 2.6),
    free("decentraland", "MANA", "Decentraland", 0.28, 1.9e9, 1.4, 2.5),
    free("axie-infinity", "AXS", "Axie Infinity", 4.8, 150.0e6, 1.4, 2.7),
    free("gala", "GALA", "GALA", 0.021, 36.0e9, 1.5, 3.1),
    free("pepe", "PEPE", "Pepe", 9.4e-6, 420.7e12, 1.6, 4.4),
    free("bonk", "BONK", "Bonk", 2.1e-5, 69.0e12, 1.6, 4.5),
    free("dogwifcoin", "WIF", "dogwifhat", 2.1, 998.9e6, 1.7, 5.0),
    free("floki", "FLOKI", "FLOKI", 1.4e-4, 9.6e12, 1.5, 4.1),
    free("notcoin", "NOT", "Notcoin", 0.0078, 102.5e9, 1.5, 4.0),
    free("dogs-2", "DOGS", "Dogs", 7.0e-4, 516.8e9, 1.5, 4.4),
    free("hamster-kombat", "HMSTR", "Hamster Kombat", 0.0031, 64.4e9, 1.5, 4.6),
    free("catizen", "CATI", "Catizen", 0.38, 305.0e6, 1.5, 4.4),
    free("worldcoin-wld", "WLD", "Worldcoin", 1.9, 560.0e6, 1.6, 3.4),
    free("ethena", "ENA", "Ethena", 0.38, 2.8e9, 1.6, 3.6),
    free("lido-dao", "LDO", "Lido DAO", 1.1, 894.0e6, 1.4, 2.8),
    free("arweave", "AR", "Arweave", 18.9, 65.6e6, 1.4, 2.9),
    free("curve-dao-token", "CRV", "Curve DAO", 0.29, 1.2e9, 1.3, 2.9),
    free("compound-governance-token", "COMP", "Compound", 46.0, 8.5e6, 1.3, 2.5),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::TokenId;

    #[test]
    fn every_token_has_a_sound_id_of_its_own() {
        let ids: HashSet<&str> = TOKENS.iter().map(|token| token.id).collect();
        assert_eq!(ids.len(), TOKENS.len());
        assert!(TOKENS.len() >= 60);
        assert!(
            TOKENS
                .iter()
                .all(|token| TokenId::new(token.id).is_ok() && token.usd > 0.0 && token.supply > 0.0)
        );
    }
}
