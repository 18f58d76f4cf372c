//! `fields=a,b`: only these fields of each item.

use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::page::{Words, words_schema};
use crate::problem::ProblemReply;

/// Keeps the named fields of every object in `items`; a field that items do not have is refused by name.
pub(crate) fn select(reply: &mut Value, fields: Option<&Words>, known: &[&str]) -> Result<(), ProblemReply> {
    let Some(Words(wanted)) = fields else { return Ok(()) };
    if let Some(unknown) = wanted.iter().find(|field| !known.contains(&field.as_str())) {
        let shown: String = unknown.chars().take(40).collect();
        return Err(ProblemReply::bad_request(
            "unknown_field",
            format!("there is no field {shown:?}; fields are {}", known.join(", ")),
        ));
    }
    let items = reply.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten();
    for item in items.filter_map(Value::as_object_mut) {
        item.retain(|field, _| wanted.iter().any(|wanted| wanted == field));
    }
    Ok(())
}

/// What `fields` may hold.
pub(crate) fn schema(known: &[&'static str]) -> RefOr<Schema> {
    let field = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(known.iter().copied()));
    words_schema(field.into(), known.len())
}
