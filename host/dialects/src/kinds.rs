//! Whether a JSON text is of a type, as the chat servers' decoders see it.

use callgate_catalogue::Object;
use callgate_catalogue::catalogue::Kind;
use serde_json::value::RawValue;

/// Whether a JSON text is an empty string or an empty array.
pub(crate) fn is_empty(json: &str) -> bool {
    let inner = json.strip_prefix('[').and_then(|json| json.strip_suffix(']'));
    json == "\"\"" || inner.is_some_and(|inner| inner.trim_ascii().is_empty())
}

/// Whether a JSON text is of a type as the chat servers' decoders see it: for them, `1.0` is not an integer.
pub(crate) fn has_kind(json: &str, kind: Kind) -> bool {
    let each = |json: &str, ok: &dyn Fn(&str) -> bool| {
        serde_json::from_str::<Vec<&RawValue>>(json)
            .is_ok_and(|elements| elements.iter().all(|element| ok(element.get())))
    };
    match kind {
        // Parsed in full: lone surrogates, numbers out of range and very deep nesting are JSON only to some readers.
        Kind::Any => serde_json::from_str::<serde_json::Value>(json).is_ok(),
        Kind::Text => serde_json::from_str::<std::borrow::Cow<'_, str>>(json).is_ok(),
        Kind::JsonText => serde_json::from_str::<String>(json).is_ok_and(|text| {
            Object::parse("content", &text).is_ok() && serde_json::from_str::<serde_json::Value>(&text).is_ok()
        }),
        Kind::Int32 => is_json_integer(json) && json.parse::<i32>().is_ok(),
        Kind::Int64 => is_json_integer(json) && json.parse::<i64>().is_ok(),
        Kind::Uint32 => is_json_integer(json) && json.parse::<u32>().is_ok(),
        Kind::Uint64 => is_json_integer(json) && json.parse::<u64>().is_ok(),
        Kind::Bool => matches!(json, "true" | "false"),
        Kind::Optional(kind) => json == "null" || has_kind(json, *kind),
        Kind::List(kind) => each(json, &|element| has_kind(element, *kind)),
        Kind::Map(kind) => Object::parse("map", json)
            .is_ok_and(|object| object.members().all(|(_, value)| has_kind(value.get(), *kind))),
        Kind::Open(_) if !has_kind(json, Kind::Any) => false,
        Kind::Object(members) | Kind::Open(members) => Object::parse("object", json).is_ok_and(|object| {
            members.iter().all(|member| match (object.raw(member.name), member.kind) {
                (None, kind) => matches!(kind, Kind::Optional(_)),
                (Some(value), kind) => has_kind(value.get(), kind),
            })
        }),
    }
}

/// Whether a text is an integer in JSON's syntax: Rust also parses `+5` and `007`.
fn is_json_integer(json: &str) -> bool {
    let digits = json.strip_prefix('-').unwrap_or(json);
    digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'))
}

/// A type, as named in messages.
pub(crate) fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::Any => "a value",
        Kind::Text => "a text",
        Kind::JsonText => "a text that holds a JSON object",
        Kind::Int32 => "a whole number of 32 bits",
        Kind::Int64 => "a whole number of 64 bits",
        Kind::Uint32 | Kind::Uint64 => "a whole number that is not negative",
        Kind::Bool => "true or false",
        Kind::Optional(kind) => describe(*kind),
        Kind::List(_) => "a list of the right elements",
        Kind::Map(_) => "an object with values of the right type",
        Kind::Object(_) | Kind::Open(_) => "an object with the right members",
    }
}
