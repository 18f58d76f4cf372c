//! How much of a token a wallet holds; who can tell is passed in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ruint::aliases::U256;

/// What a wallet holds, as of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// In the token's smallest unit.
    pub balance: U256,
    /// The block in which it was true.
    pub block: u64,
}

/// Why nobody could tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldingError {
    /// Our own side held the call back; come back after this long.
    NotYet {
        /// One sentence.
        because: String,
        /// How long.
        wait: Duration,
    },
    /// The call failed; another try may not.
    Failed(String),
    /// There is no such token or network; another try ends the same.
    Never(String),
}

/// Tells what wallets hold.
#[async_trait]
pub trait HoldingsSource: Send + Sync {
    /// The balance of `wallet` in `token`, both `0x` and 40 hexadecimal digits; `None` is the chain's own coin.
    async fn balance(&self, wallet: &str, token: Option<&str>) -> Result<Holding, HoldingError>;
}

/// Somebody who tells what wallets hold; cloning it is cheap.
#[derive(Clone)]
pub struct Holdings(pub(crate) Arc<dyn HoldingsSource>);

impl Holdings {
    /// Over a source.
    pub fn new(source: impl HoldingsSource + 'static) -> Self {
        Self(Arc::new(source))
    }
}

impl fmt::Debug for Holdings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holdings")
    }
}
