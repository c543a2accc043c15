//! How Go's `encoding/json` stores a value into a typed one.
//!
//! Go reads JSON unlike other decoders: it ignores case in names, and stores a repeated member into the existing value.
//! Answers must be checked by these rules, so they are implemented here; none of this is used to read requests or to
//! write answers.

use std::collections::BTreeMap;

use serde_json::Value as Written;

use super::json::Json;

/// A Go type, as used in the structs of answers.
#[derive(Debug, Clone)]
pub(super) enum Type {
    Text,
    /// A signed integer of this many bits.
    Int(u32),
    /// An unsigned integer of this many bits.
    Uint(u32),
    Bool,
    /// `[]byte`.
    Bytes,
    Any,
    Pointer(Box<Type>),
    List(Box<Type>),
    Map(Box<Type>),
    Struct(Vec<(&'static str, Type)>),
}

/// A value of a [`Type`].
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// A pointer, list or map that is nil.
    Nil,
    Bool(bool),
    Number(i128),
    Text(String),
    Bytes,
    Any,
    /// The slice, and the elements beyond its end that Go keeps in memory and reuses.
    List(Vec<Value>, Vec<Value>),
    Map(BTreeMap<String, Value>),
    Struct(Vec<(&'static str, Value)>),
}

/// A value does not have the type that Go stores it into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WrongType;

impl Type {
    pub(super) fn pointer(to: Type) -> Self {
        Self::Pointer(Box::new(to))
    }

    pub(super) fn list(of: Type) -> Self {
        Self::List(Box::new(of))
    }

    /// The zero value of a variable.
    pub(super) fn zero(&self) -> Value {
        match self {
            Self::Text => Value::Text(String::new()),
            Self::Int(_) | Self::Uint(_) => Value::Number(0),
            Self::Bool => Value::Bool(false),
            Self::Bytes | Self::Any | Self::Pointer(_) | Self::List(_) | Self::Map(_) => Value::Nil,
            Self::Struct(fields) => Value::Struct(fields.iter().map(|(name, of)| (*name, of.zero())).collect()),
        }
    }

    /// A separate value, as if read into a new variable of this type.
    pub(super) fn read(&self, json: Json<'_>) -> Result<Value, WrongType> {
        let mut value = self.zero();
        self.store(&mut value, json)?;
        Ok(value)
    }

    /// Stores a JSON value over an existing one: `null` makes pointers, slices and maps nil and leaves everything else
    /// unchanged; objects are merged.
    pub(super) fn store(&self, into: &mut Value, json: Json<'_>) -> Result<(), WrongType> {
        if json.is_null() {
            if matches!(self, Self::Bytes | Self::Any | Self::Pointer(_) | Self::List(_) | Self::Map(_)) {
                *into = Value::Nil;
            }
            return Ok(());
        }
        match self {
            Self::Text => *into = Value::Text(json.text().ok_or(WrongType)?),
            Self::Int(bits) => {
                let bound = 1_i128 << (bits - 1);
                *into =
                    Value::Number(integer(json).filter(|number| (-bound..bound).contains(number)).ok_or(WrongType)?);
            }
            Self::Uint(bits) => *into = Value::Number(unsigned(json, *bits).ok_or(WrongType)?),
            Self::Bool => *into = Value::Bool(json.bool().ok_or(WrongType)?),
            Self::Bytes => {
                *into = Value::Bytes;
                let is_bytes = match json.elements() {
                    Some(bytes) => bytes.iter().all(|byte| byte.is_null() || unsigned(*byte, 8).is_some()),
                    None => json.text().is_some_and(|text| is_base64(&text)),
                };
                is_bytes.then_some(()).ok_or(WrongType)?;
            }
            Self::Any => *into = Value::Any,
            Self::Pointer(to) => {
                if matches!(into, Value::Nil) {
                    *into = to.zero();
                }
                to.store(into, json)?;
            }
            Self::List(of) => of.store_list(into, json.elements().ok_or(WrongType)?)?,
            Self::Map(of) => {
                let mut map = match std::mem::replace(into, Value::Nil) {
                    Value::Map(map) => map,
                    _ => BTreeMap::new(),
                };
                for (name, value) in json.members().ok_or(WrongType)? {
                    map.insert(name, of.read(value)?);
                }
                *into = Value::Map(map);
            }
            Self::Struct(fields) => {
                let Value::Struct(values) = into else { return Err(WrongType) };
                for (name, json) in json.members().ok_or(WrongType)? {
                    if let Some(index) = field_index(fields.iter().map(|(field, _)| *field), &name)
                        && let (Some((_, of)), Some((_, value))) = (fields.get(index), values.get_mut(index))
                    {
                        of.store(value, json)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Stores the elements of a list of this type, each into the existing one at its index.
    fn store_list(&self, into: &mut Value, elements: Vec<Json<'_>>) -> Result<(), WrongType> {
        if elements.is_empty() {
            *into = Value::List(Vec::new(), Vec::new());
            return Ok(());
        }
        let mut kept = match std::mem::replace(into, Value::Nil) {
            Value::List(mut list, hidden) => {
                list.extend(hidden);
                list
            }
            _ => Vec::new(),
        };
        let hidden = if kept.len() > elements.len() { kept.split_off(elements.len()) } else { Vec::new() };
        kept.resize_with(elements.len(), || self.zero());
        for (value, json) in kept.iter_mut().zip(elements) {
            self.store(value, json)?;
        }
        *into = Value::List(kept, hidden);
        Ok(())
    }

    /// The type, as named in messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Int(bits) => format!("a whole number of {bits} bits"),
            Self::Uint(_) => "a whole number that is not negative".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Bytes => "base64 text or a list of numbers from 0 to 255".to_owned(),
            Self::Any => "a value".to_owned(),
            Self::Pointer(to) => to.describe(),
            Self::List(_) => "a list of the right elements".to_owned(),
            Self::Map(_) => "an object with values of the right type".to_owned(),
            Self::Struct(_) => "an object with the right members".to_owned(),
        }
    }
}

impl Value {
    /// The value as `json.Marshal` writes it; members of structs that are nil are left out.
    pub(super) fn written(&self) -> Written {
        match self {
            Self::Nil | Self::Bytes | Self::Any => Written::Null,
            Self::Bool(bool) => (*bool).into(),
            Self::Number(number) => match i64::try_from(*number) {
                Ok(number) => number.into(),
                Err(_) => u64::try_from(*number).unwrap_or_default().into(),
            },
            Self::Text(text) => text.as_str().into(),
            Self::List(elements, _) => elements.iter().map(Self::written).collect(),
            Self::Map(map) => {
                Written::Object(map.iter().map(|(name, value)| (name.clone(), value.written())).collect())
            }
            Self::Struct(members) => {
                let set = members.iter().filter(|(_, value)| !matches!(value, Self::Nil));
                Written::Object(set.map(|(name, value)| ((*name).to_owned(), value.written())).collect())
            }
        }
    }

    /// Whether both are equal as JSON.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.written() == other.written()
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_number(&self) -> Option<i128> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// The elements of a list; empty for anything else.
    pub(super) fn elements(&self) -> &[Value] {
        match self {
            Self::List(elements, _) => elements,
            _ => &[],
        }
    }

    /// The members of a struct; `None` for nil.
    pub(super) fn members(&self) -> Option<&[(&'static str, Value)]> {
        match self {
            Self::Struct(members) => Some(members),
            _ => None,
        }
    }
}

/// Whether Go matches a name to that of a field: case is ignored, and two non-ASCII letters, the Kelvin sign and the
/// long s, match their ASCII counterparts.
fn is_same_name(field: &str, name: &str) -> bool {
    let fold = |character: char| match character {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        other => other.to_ascii_lowercase(),
    };
    field.chars().map(fold).eq(name.chars().map(fold))
}

/// The field for a name: the one with exactly this name, else the first that differs only in case.
pub(super) fn field_index<'f>(fields: impl Iterator<Item = &'f str> + Clone, name: &str) -> Option<usize> {
    fields.clone().position(|field| field == name).or_else(|| fields.clone().position(|it| is_same_name(it, name)))
}

/// An integer in plain form: to Go, `1.0` and `1e3` are not integers.
fn integer(json: Json<'_>) -> Option<i128> {
    json.number()?.parse().ok()
}

/// Like [`integer`], but `-0` is not one either.
fn unsigned(json: Json<'_>, bits: u32) -> Option<i128> {
    let is_negative = json.number()?.starts_with('-');
    integer(json).filter(|number| !is_negative && *number < 1_i128 << bits)
}

/// Base64 as `base64.StdEncoding` decodes it: padded, with line breaks skipped.
fn is_base64(text: &str) -> bool {
    let characters: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let digits = characters.strip_suffix(b"==").or_else(|| characters.strip_suffix(b"=")).unwrap_or(&characters);
    characters.len().is_multiple_of(4)
        && digits.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(of: &Type, json: &str) -> Option<String> {
        of.read(Json::scan(json.as_bytes()).ok()?).ok().map(|value| value.written().to_string())
    }

    #[test]
    fn numbers_are_whole_in_plain_form_and_fit() {
        for (json, of, fits) in [
            ("2147483647", Type::Int(32), true),
            ("2147483648", Type::Int(32), false),
            ("-2147483648", Type::Int(32), true),
            ("-0", Type::Int(32), true),
            ("1.0", Type::Int(32), false),
            ("1e3", Type::Int(64), false),
            ("9223372036854775807", Type::Int(64), true),
            ("9223372036854775808", Type::Int(64), false),
            ("4294967295", Type::Uint(32), true),
            ("4294967296", Type::Uint(32), false),
            ("18446744073709551615", Type::Uint(64), true),
            ("-0", Type::Uint(32), false),
            ("\"1\"", Type::Int(32), false),
        ] {
            assert_eq!(read(&of, json).is_some(), fits, "{json} as {of:?}");
        }
    }

    #[test]
    fn bytes_are_base64_or_small_numbers() {
        for json in [r#""""#, r#""AA==""#, r#""AA\n==""#, "[]", "[0,255,null]", "null"] {
            assert!(read(&Type::Bytes, json).is_some(), "{json}");
        }
        for json in
            [r#""A""#, r#""AA=""#, r#""A-_=""#, r#""AA==AA==""#, r#""====""#, "[256]", "[-1]", "[1.0]", "1", "{}"]
        {
            assert!(read(&Type::Bytes, json).is_none(), "{json}");
        }
    }

    #[test]
    fn a_repeated_member_is_stored_into_what_is_there() {
        let user = Type::Struct(vec![("userID", Type::Text), ("level", Type::pointer(Type::Int(32)))]);
        let of = Type::Struct(vec![
            ("plain", Type::Text),
            ("pointer", Type::pointer(Type::Text)),
            ("users", Type::list(Type::pointer(user))),
            ("map", Type::pointer(Type::Map(Box::new(Type::Bool)))),
        ]);
        for (json, written) in [
            (r#"{"plain":"a","plain":null}"#, r#"{"plain":"a"}"#),
            (r#"{"pointer":"a","pointer":null}"#, r#"{"plain":""}"#),
            (r#"{"pointer":"a","POINTER":"b"}"#, r#"{"plain":"","pointer":"b"}"#),
            (r#"{"map":{"a":true},"map":{"b":null}}"#, r#"{"plain":"","map":{"a":true,"b":false}}"#),
            (
                r#"{"users":[{"userID":"a"}],"users":[{"level":7},null]}"#,
                r#"{"plain":"","users":[{"userID":"a","level":7},null]}"#,
            ),
        ] {
            assert_eq!(read(&of, json).as_deref(), Some(written), "{json}");
        }
    }
}
