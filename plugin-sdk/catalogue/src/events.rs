//! Typed events, the building blocks of the platforms' modules.

use std::marker::PhantomData;

use serde::Serialize;

use crate::command::{Command, Kind, Rule};
use crate::error::Error;
use crate::object::{FieldError, Object};
use crate::verdict::{Changes, Json, Verdict};

/// A command of a chat server as a type; implemented by the structs of [`openim`](crate::openim) and
/// [`tencent_chat`](crate::tencent_chat).
pub trait Event<'a>: Sized {
    /// The command's entry in the catalogue.
    const COMMAND: &'static Command;

    /// Reads the event from the callback's own JSON object.
    ///
    /// # Errors
    /// If `body` is not a JSON object; only the accessors read its members.
    fn from_body(body: &'a str) -> Result<Self, FieldError>;
}

/// A modification under construction: it offers only changes that the server applies for this command.
///
/// Created by the event's `modify()`. If the server cannot accept a change for this particular request (OpenIM crashes
/// on a new nickname when the operation has none), the setter ignores it.
#[derive(Debug)]
#[must_use = "return it, or the operation goes on unchanged"]
pub struct Modify<'e, 'a, E> {
    body: &'e Object<'a>,
    changes: Changes,
    event: PhantomData<fn() -> E>,
}

impl<'e, 'a, E> Modify<'e, 'a, E> {
    #[doc(hidden)]
    pub fn new(body: &'e Object<'a>) -> Self {
        Self { body, changes: Changes::default(), event: PhantomData }
    }

    #[doc(hidden)]
    pub fn set<T: NewValue>(mut self, name: &'static str, rule: Rule, shown_as: Option<&str>, value: T) -> Self {
        let value = value.into_json();
        let applies = match rule {
            Rule::NonNull | Rule::Copied => true,
            Rule::NonEmpty => value.as_str() != "\"\"" && value.as_str() != "[]",
            Rule::Ignored | Rule::Crashes => false,
            Rule::IfShown => shown_as.is_some_and(|shown_as| self.body.has(shown_as)),
        };
        if applies {
            self.changes.set(name, value);
        }
        self
    }

    /// Whether nothing has been changed so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl<E> From<Modify<'_, '_, E>> for Verdict {
    fn from(modify: Modify<'_, '_, E>) -> Self {
        if modify.changes.is_empty() { Self::Allow } else { Self::Modify(modify.changes) }
    }
}

/// A type of a change's value.
pub trait NewValue {
    /// The type in the catalogue.
    const KIND: Kind;

    /// The value as written in the answer.
    fn into_json(self) -> Json;
}

macro_rules! new_values {
    ($($ty:ty => $kind:expr;)*) => {$(
        impl NewValue for $ty {
            const KIND: Kind = $kind;
            fn into_json(self) -> Json {
                Json::infallible(&self)
            }
        }
    )*};
}
new_values! {
    i32 => Kind::Int32;
    i64 => Kind::Int64;
    bool => Kind::Bool;
    std::collections::BTreeMap<String, bool> => Kind::Map(&Kind::Bool);
}

impl NewValue for String {
    const KIND: Kind = Kind::Text;
    fn into_json(self) -> Json {
        Json::text(&self)
    }
}

impl<T: NewValue> NewValue for Vec<T> {
    const KIND: Kind = Kind::List(&T::KIND);
    fn into_json(self) -> Json {
        Json::list(self.into_iter().map(NewValue::into_json))
    }
}

/// A string that contains a JSON object, as OpenIM's message content must.
///
/// ```
/// # use callgate_catalogue as plugin_sdk;
/// # use plugin_sdk::events::JsonText;
/// let content = JsonText::new(&serde_json::json!({ "content": "hello" }))?;
/// # Ok::<(), plugin_sdk::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonText(String);

impl JsonText {
    /// Writes `value` as JSON.
    ///
    /// # Errors
    /// If the result is not a JSON object: the server would fail the operation.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        let text = serde_json::to_string(value).map_err(|error| Error::new(error.to_string()))?;
        if text.starts_with('{') { Ok(Self(text)) } else { Err(Error::new("message content must be a JSON object")) }
    }
}

impl JsonText {
    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl NewValue for JsonText {
    const KIND: Kind = Kind::JsonText;
    fn into_json(self) -> Json {
        Json::text(&self.0)
    }
}
