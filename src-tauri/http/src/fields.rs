//! `fields=a,b`: only these fields of each item.

use serde_json::Value;

use crate::problem::ProblemReply;

/// Keeps the named fields of every object in `items`; a field that items do not have is refused by name.
pub(crate) fn select(reply: &mut Value, fields: Option<&str>, known: &[&str]) -> Result<(), ProblemReply> {
    let Some(fields) = fields else { return Ok(()) };
    let wanted: Vec<&str> = fields.split(',').map(str::trim).collect();
    if let Some(unknown) = wanted.iter().find(|field| !known.contains(field)) {
        let shown: String = unknown.chars().take(40).collect();
        return Err(ProblemReply::bad_request(
            "unknown_field",
            format!("there is no field {shown:?}; fields are {}", known.join(", ")),
        ));
    }
    let items = reply.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten();
    for item in items.filter_map(Value::as_object_mut) {
        item.retain(|field, _| wanted.contains(&field.as_str()));
    }
    Ok(())
}
