//! Typed events: what the modules of the platforms are made of.

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
    /// If `body` is not a JSON object; its members are only read by the accessors.
    fn from_body(body: &'a str) -> Result<Self, FieldError>;
}

/// A modification under construction: only what the server applies to this command can be said.
///
/// Made by the event's `modify()`. Where the server could not take a change in this very request (OpenIM crashes over
/// a new nickname when the operation carries none), the setter leaves it out.
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

/// A type that a change can have.
pub trait NewValue {
    /// The type in the catalogue.
    const KIND: Kind;

    /// The value as the answer carries it.
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

/// Text that is itself a JSON object, as OpenIM's message content must be.
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
    /// If it does not become a JSON object: the server would fail the operation.
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

/// Defines commands: the typed event, its changes, and the catalogue entry, all from one place.
macro_rules! commands {
    ($platform:ident; $(
        $(#[$doc:meta])*
        $name:ident = $command:literal, $phase:ident, $answers:ident, $family:literal {
            key $key:tt; source $source:literal;
            request {
                $( $(#[$field_doc:meta])* $field:ident: $ty:ty = $wire:literal $($or_empty:ident)?; )*
            }
            $( batch $batch:literal )?
            $( echo $echo:tt )?
            $( changes {
                $( $(#[$change_doc:meta])* $setter:ident: $change_ty:ty = $change:literal $rule:ident $($shown_as:literal)?; )*
            } )?
            $( unsettable {
                $( $refused:literal: $refused_ty:ty, $refused_rule:ident $why_not:literal; )*
            } )?
        }
    )*) => {
        /// All commands, in the order of this page.
        pub const COMMANDS: &[&$crate::command::Command] = &[$(<$name<'static> as $crate::events::Event<'static>>::COMMAND),*];

        $(
            $(#[$doc])*
            #[doc = ""]
            #[doc = concat!("`", $command, "`. Source: ", $source, ".")]
            #[derive(Debug, Clone)]
            pub struct $name<'a> {
                body: $crate::object::Object<'a>,
            }

            impl<'a> $crate::events::Event<'a> for $name<'a> {
                const COMMAND: &'static $crate::command::Command = &$crate::command::Command {
                    name: $command,
                    rust_name: stringify!($name),
                    platform: $crate::command::Platform::$platform,
                    phase: $crate::wire::Phase::$phase,
                    family: $family,
                    request: &[$($crate::command::Member { name: $wire, kind: <$ty as $crate::object::Read<'a>>::KIND }),*],
                    changes: &[$($($crate::command::Change {
                        name: $change,
                        kind: <$change_ty as $crate::events::NewValue>::KIND,
                        rule: $crate::command::Rule::$rule,
                        shown_as: $crate::events::optional!($($shown_as)?),
                        why_not: "",
                    },)*)? $($($crate::command::Change {
                        name: $refused,
                        kind: <$refused_ty as $crate::events::NewValue>::KIND,
                        rule: $crate::command::Rule::$refused_rule,
                        shown_as: None,
                        why_not: $why_not,
                    },)*)?],
                    echo: $crate::events::list!($($echo)?),
                    answers: $crate::command::Answers::$answers,
                    key: &$key,
                    source: $source,
                    batch: $crate::events::optional!($($batch)?),
                };

                fn from_body(body: &'a str) -> Result<Self, $crate::object::FieldError> {
                    $crate::object::Object::parse($command, body).map(|body| Self { body })
                }
            }

            impl<'a> $name<'a> {
                /// The members as they came, also those that no accessor knows.
                #[must_use]
                pub fn body(&self) -> &$crate::object::Object<'a> {
                    &self.body
                }

                $(
                    $(#[$field_doc])*
                    #[doc = concat!("`", $wire, "`.")]
                    ///
                    /// # Errors
                    /// If the member is of another type, or missing where there has to be one.
                    pub fn $field(&self) -> Result<$ty, $crate::object::FieldError> {
                        $crate::events::read!(self.body, $wire, $($or_empty)?)
                    }
                )*

                $crate::events::verdicts!($answers);
            }

            $(
                impl<'a> $name<'a> {
                    /// Starts a modification of the operation.
                    pub fn modify(&self) -> $crate::events::Modify<'_, 'a, Self> {
                        $crate::events::Modify::new(&self.body)
                    }
                }

                impl<'a> $crate::events::Modify<'_, 'a, $name<'a>> {
                    $(
                        $(#[$change_doc])*
                        #[doc = concat!("Replaces `", $change, "`.")]
                        pub fn $setter(self, value: impl Into<$change_ty>) -> Self {
                            let value: $change_ty = value.into();
                            self.set($change, $crate::command::Rule::$rule, $crate::events::optional!($($shown_as)?), value)
                        }
                    )*
                }
            )?
        )*
    };
}

/// Defines objects that stand inside of events.
macro_rules! objects {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            $( $(#[$field_doc:meta])* $field:ident: $ty:ty = $wire:literal $($or_empty:ident)?; )*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name<'a> {
            body: $crate::object::Object<'a>,
        }

        impl<'a> $crate::object::Read<'a> for $name<'a> {
            const KIND: $crate::command::Kind = $crate::command::Kind::Object(&[
                $($crate::command::Member { name: $wire, kind: <$ty as $crate::object::Read<'a>>::KIND }),*
            ]);

            fn read(raw: Option<$crate::object::Raw<'a>>, name: &'static str) -> Result<Self, $crate::object::Problem> {
                <$crate::object::Object<'a> as $crate::object::Read<'a>>::read(raw, name).map(|body| Self { body })
            }
        }

        impl<'a> $name<'a> {
            /// The members as they came, also those that no accessor knows.
            #[must_use]
            pub fn body(&self) -> &$crate::object::Object<'a> {
                &self.body
            }

            $(
                $(#[$field_doc])*
                #[doc = concat!("`", $wire, "`.")]
                ///
                /// # Errors
                /// If the member is of another type, or missing where there has to be one.
                pub fn $field(&self) -> Result<$ty, $crate::object::FieldError> {
                    $crate::events::read!(self.body, $wire, $($or_empty)?)
                }
            )*
        }
    )*};
}

/// Defines objects that an answer carries: plain structs, written whole.
macro_rules! new_objects {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            $( $(#[$field_doc:meta])* $field:ident: $ty:ty = $wire:literal, $kind:expr; )*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
        pub struct $name {
            $(
                $(#[$field_doc])*
                #[doc = concat!("`", $wire, "`.")]
                #[serde(rename = $wire)]
                pub $field: $ty,
            )*
        }

        impl $crate::events::NewValue for $name {
            const KIND: $crate::command::Kind = $crate::command::Kind::Object(&[
                $($crate::command::Member { name: $wire, kind: $kind }),*
            ]);

            fn into_json(self) -> $crate::verdict::Json {
                $crate::verdict::Json::infallible(&self)
            }
        }
    )*};
}

macro_rules! read {
    ($body:expr, $wire:literal,) => {
        $body.read($wire)
    };
    ($body:expr, $wire:literal, or_empty) => {
        $body.read_or_empty($wire)
    };
}

macro_rules! optional {
    () => {
        None
    };
    ($value:literal) => {
        Some($value)
    };
}

macro_rules! list {
    () => {
        &[]
    };
    ($list:tt) => {
        &$list
    };
}

/// The verdicts that an event's answer can carry, as methods; a verdict that the chat server does not know for a
/// command has no method there.
macro_rules! verdicts {
    (AFTER) => {};
    (GROUP_SEND) => {
        $crate::events::verdicts!(@deny);
        $crate::events::verdicts!(@drop);
    };
    (OFFICIAL_SEND) => {
        $crate::events::verdicts!(@deny);
        $crate::events::verdicts!(@drop);
    };
    (GROUP_INVITE) => {
        $crate::events::verdicts!(@deny);
        $crate::events::verdicts!(@refuse);
    };
    (OFFICIAL_SUBSCRIBE) => {
        $crate::events::verdicts!(@deny);
        $crate::events::verdicts!(@refuse);
    };
    (FRIEND_ADD) => {
        $crate::events::verdicts!(@deny);
        $crate::events::verdicts!(@per_user);
    };
    (FRIEND_RESPONSE) => {
        $crate::events::verdicts!(@deny);
        $crate::events::verdicts!(@per_user);
    };
    (CHATBOT) => {
        $crate::events::verdicts!(@deny);

        /// Hands `text` back to the client that sent the signal.
        #[must_use]
        pub fn reply(&self, text: impl Into<String>) -> $crate::verdict::Verdict {
            $crate::verdict::Verdict::Reply(text.into())
        }
    };
    (@deny) => {
        /// Stops the operation. `message` is what its user may read; a code outside of the range that the chat
        /// server hands on is replaced by the host.
        #[must_use]
        pub fn deny(&self, code: i32, message: impl Into<String>) -> $crate::verdict::Verdict {
            $crate::verdict::Verdict::deny(code, message)
        }
    };
    (@drop) => {
        /// Stops the operation and lets its caller believe that it succeeded.
        #[must_use]
        pub fn drop_silently(&self) -> $crate::verdict::Verdict {
            $crate::verdict::Verdict::Drop
        }
    };
    (@refuse) => {
        /// Lets the operation go on without these users.
        #[must_use]
        pub fn refuse_some<T: Into<String>>(&self, users: impl IntoIterator<Item = T>) -> $crate::verdict::Verdict {
            $crate::verdict::Verdict::RefuseSome(users.into_iter().map(Into::into).collect())
        }
    };
    (@per_user) => {
        /// Gives a result for each user; users without one are allowed.
        #[must_use]
        pub fn per_user(&self, results: impl IntoIterator<Item = $crate::wire::UserResult>) -> $crate::verdict::Verdict {
            $crate::verdict::Verdict::PerUser(results.into_iter().collect())
        }
    };
    // All others can be denied and no more.
    ($answers:ident) => {
        $crate::events::verdicts!(@deny);
    };
}

pub(crate) use {commands, list, new_objects, objects, optional, read, verdicts};
