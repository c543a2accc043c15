//! Verdicts: what should happen to the operation, and with which changes.

use std::borrow::Cow;

use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::scan::Raw;
use crate::wire::UserResult;
use crate::write;

/// What is to happen to the operation.
///
/// Events have methods for the verdicts that their chat server supports (`event.deny(…)`, `event.modify()`, …); prefer
/// those. The host turns a verdict that the command does not support into the nearest safe one.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Continue, unchanged.
    Allow,
    /// Stop the operation.
    Deny {
        /// The code that the chat server passes to its user; `None`: the platform's usual one.
        code: Option<i32>,
        /// What the user may read.
        message: String,
        /// More, for the developers of the app.
        detail: String,
    },
    /// Continue with these members of the answer set.
    Modify(Changes),
    /// Stop the operation and let its caller believe that it succeeded.
    Drop,
    /// Continue without these users.
    RefuseSome(Vec<String>),
    /// A result for each user.
    PerUser(Vec<UserResult>),
    /// Send this text back to the client.
    Reply(String),
}

impl Verdict {
    /// A denial with a code and a text that the user may read.
    ///
    /// ```
    /// # use callgate_catalogue as plugin_sdk;
    /// use plugin_sdk::Verdict;
    /// let verdict = Verdict::deny(5001, "This name is reserved.");
    /// assert!(matches!(verdict, Verdict::Deny { code: Some(5001), .. }));
    /// ```
    #[must_use]
    pub fn deny(code: i32, message: impl Into<String>) -> Self {
        Self::Deny { code: Some(code), message: message.into(), detail: String::new() }
    }

    /// The denial with a detail: more than the message says, for the developers of the app. OpenIM passes it on, next
    /// to the message; Tencent has no room for it. Any other verdict stays as it is.
    ///
    /// ```
    /// # use callgate_catalogue as plugin_sdk;
    /// use plugin_sdk::Verdict;
    /// let verdict = Verdict::deny(5001, "This name is reserved.").with_detail("rule 7");
    /// assert!(matches!(verdict, Verdict::Deny { detail, .. } if detail == "rule 7"));
    /// ```
    #[must_use]
    pub fn with_detail(mut self, text: impl Into<String>) -> Self {
        if let Self::Deny { detail, .. } = &mut self {
            *detail = text.into();
        }
        self
    }
}

/// Members of an answer and their new values. Created by an event's `modify()`, which knows what the server applies, or
/// by hand for commands without a type.
///
/// ```
/// # use callgate_catalogue as plugin_sdk;
/// use plugin_sdk::{Changes, Json};
///
/// let mut changes = Changes::default();
/// changes.set("remark", Json::new("Ann")?);
/// assert_eq!(serde_json::to_string(&changes)?, r#"{"remark":"Ann"}"#);
/// # Ok::<(), plugin_sdk::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes(Vec<(Cow<'static, str>, Json)>);

impl Changes {
    /// Sets a member; an earlier value of it is replaced.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: Json) {
        let name = name.into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// The new value of a member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Whether there are no changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The members in the order in which they were first set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

impl Changes {
    /// Appends them as a JSON object.
    #[doc(hidden)]
    pub fn write(&self, json: &mut String) {
        json.push('{');
        for (index, (name, value)) in self.iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            write::text(json, name);
            json.push(':');
            json.push_str(value.as_str());
        }
        json.push('}');
    }
}

impl Serialize for Changes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// A JSON value as text, passed on byte for byte.
///
/// ```
/// # use callgate_catalogue as plugin_sdk;
/// use plugin_sdk::Json;
///
/// assert_eq!(Json::new(&[1, 2])?.as_str(), "[1,2]");
/// assert_eq!(Json::from_text("{ \"a\" : 1 }".to_owned()).as_str(), "{ \"a\" : 1 }");
/// assert_eq!(Json::from_text("{ a".to_owned()).as_str(), "null");
/// # Ok::<(), plugin_sdk::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    /// Writes `value` as JSON.
    ///
    /// # Errors
    /// If it cannot be written as JSON (such as a map whose keys are not strings).
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        Ok(Self(serde_json::to_string(value)?))
    }

    /// For types that can always be written.
    #[doc(hidden)]
    #[must_use]
    pub fn infallible<T: Serialize + ?Sized>(value: &T) -> Self {
        Self::new(value).unwrap_or_else(|_| Self::null())
    }

    /// A JSON text.
    pub(crate) fn text(text: &str) -> Self {
        Self(write::quoted(text))
    }

    /// A list.
    pub(crate) fn list(elements: impl IntoIterator<Item = Self>) -> Self {
        let mut json = String::new();
        write::list(&mut json, elements, |json, element| json.push_str(&element.0));
        Self(json)
    }

    fn null() -> Self {
        Self("null".to_owned())
    }

    /// Text that is already JSON; `null` if it is not.
    #[must_use]
    pub fn from_text(json: String) -> Self {
        RawValue::from_string(json).map_or_else(|_| Self::null(), |json| Self(Box::<str>::from(json).into_string()))
    }

    /// Whether a text is JSON, as a host reads it.
    pub(crate) fn is_json(text: &str) -> bool {
        serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Values whose text is JSON already.
macro_rules! plain_json {
    ($($type:ty),*) => {$(
        impl From<$type> for Json {
            fn from(value: $type) -> Self {
                Self::infallible(&value)
            }
        }
    )*};
}

plain_json!(bool, i32, i64, u32, u64, &str, String);

impl From<&Self> for Json {
    fn from(value: &Self) -> Self {
        value.clone()
    }
}

impl From<Raw<'_>> for Json {
    fn from(raw: Raw<'_>) -> Self {
        Self::from_text(raw.get().to_owned())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.clone()).map_err(S::Error::custom)?.serialize(serializer)
    }
}
