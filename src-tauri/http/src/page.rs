//! What all lists share: how long a page is, and lists of words separated by commas.

use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::ProblemReply;

/// How many items a page may have.
pub(crate) const LIMITS: RangeInclusive<usize> = 1..=500;

/// The length of a page.
pub(crate) fn length(limit: Option<usize>, default: usize) -> Result<usize, ProblemReply> {
    let length = limit.unwrap_or(default);
    if LIMITS.contains(&length) {
        return Ok(length);
    }
    let detail = format!("limit is {length}; accepted: {} to {}", LIMITS.start(), LIMITS.end());
    Err(ProblemReply::bad_request("invalid", detail))
}

/// `a,b,c`, none of them trimmed: what is sent is what is meant.
#[derive(Debug)]
pub(crate) struct Words(pub(crate) Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(text)?.split(',').map(str::to_owned).collect()))
    }
}

/// A token id as `market` accepts it; the engine checks it.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct IdText(pub(crate) String);

impl PartialSchema for IdText {
    fn schema() -> RefOr<Schema> {
        text(r"^\.*[A-Za-z0-9_-][A-Za-z0-9._-]*$").min_length(Some(1)).max_length(Some(128)).into()
    }
}
impl ToSchema for IdText {}

/// A cursor as [`cursor::seal`](crate::cursor::seal) makes it.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct CursorText(pub(crate) String);

impl PartialSchema for CursorText {
    fn schema() -> RefOr<Schema> {
        text("^[A-Za-z0-9_-]{32}$").into()
    }
}
impl ToSchema for CursorText {}

/// A list of words, each like `word`.
pub(crate) fn words_schema(word: RefOr<Schema>, most: usize) -> RefOr<Schema> {
    ArrayBuilder::new().items(word).min_items(Some(1)).max_items(Some(most)).into()
}

fn text(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))
}
