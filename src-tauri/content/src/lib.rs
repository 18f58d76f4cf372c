#![doc = include_str!("../README.md")]

mod fetch;
mod kept;
mod logo;

pub use fetch::{BYTES_MAX, FetchError, Images, Reach, Refusal};
pub use kept::{Kept, Record};
pub use logo::{Logo, NotALogo, Picture, SIZES_PX};

/// The tables of this crate, for [`store::Store::open`].
pub const MIGRATIONS: store::Migrations =
    store::Migrations { owner: "content", steps: &[include_str!("schema.sql")] };
