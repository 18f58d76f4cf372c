//! `fields=a,b`: only these fields of each item.

use std::marker::PhantomData;

use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::page::{Words, words_schema};
use crate::problem::ProblemReply;

/// Some fields of an item `T`, whose schema names those that there are.
#[derive(Deserialize)]
#[serde(transparent, bound = "")]
pub(crate) struct Fields<T>(Words, PhantomData<T>);

/// Keeps the named fields of every object in `items`; a field that items do not have is refused by name.
pub(crate) fn select<T: PartialSchema>(
    reply: &mut Value,
    fields: Option<&Fields<T>>,
) -> Result<(), ProblemReply> {
    let Some(Fields(Words(wanted), _)) = fields else { return Ok(()) };
    let known = names::<T>();
    if let Some(unknown) = wanted.iter().find(|field| !known.contains(field)) {
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

fn names<T: PartialSchema>() -> Vec<String> {
    match T::schema() {
        RefOr::T(Schema::Object(item)) => item.properties.into_keys().collect(),
        _ => Vec::new(),
    }
}

impl<T: PartialSchema> PartialSchema for Fields<T> {
    fn schema() -> RefOr<Schema> {
        let known = names::<T>();
        let many = known.len();
        let field = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(known));
        words_schema(field.into(), many)
    }
}
impl<T: PartialSchema> ToSchema for Fields<T> {}
