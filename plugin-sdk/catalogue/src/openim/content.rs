//! The content of OpenIM's messages: JSON inside a string.

use serde::{Serialize, Serializer};

use crate::error::Error;
use crate::events::JsonText;
use crate::object::{FieldError, Object, Raw, Read, Text};
use crate::verdict::Json;

/// The content element of a message, read from the text in `content`.
///
/// ```
/// # use callgate_catalogue as plugin_sdk;
/// use plugin_sdk::openim::Content;
///
/// let content = Content::parse(r#"{"text":"@bob hi","atUserList":["u_bob"]}"#)?;
/// assert_eq!(content.texts().collect::<Vec<_>>(), ["@bob hi"]);
/// let changed = content.with_texts(|text| Some(text.replace("hi", "hello")))?;
/// assert_eq!(changed.as_str(), r#"{"text":"@bob hello","atUserList":["u_bob"]}"#);
/// # Ok::<(), plugin_sdk::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Content<'a>(Object<'a>);

impl<'a> Content<'a> {
    /// Reads the text of a message's `content`.
    ///
    /// # Errors
    /// If it is not a JSON object; the server would refuse to change such a message.
    pub fn parse(content: &'a str) -> Result<Self, FieldError> {
        // The host has checked the callback, but there this is just a string, with arbitrary contents.
        let checked = serde_json::from_str::<serde::de::IgnoredAny>(content);
        Object::parse("content", if checked.is_ok() { content } else { "" }).map(Self)
    }

    /// The members as received.
    #[must_use]
    pub fn object(&self) -> &Object<'a> {
        &self.0
    }

    /// The texts that clients show: `content` of a text, `text` of a quote, a mention or an advanced text.
    pub fn texts(&self) -> impl Iterator<Item = Text<'a>> {
        self.0.members().filter_map(|(name, value)| shown_text(name, value))
    }

    /// The content with each shown text replaced by the result of `new`; a text stays where the result is `None`. All
    /// other members stay as received.
    ///
    /// # Errors
    /// None for content that came from the chat server.
    pub fn with_texts(&self, new: impl Fn(&str) -> Option<String>) -> Result<JsonText, Error> {
        let member = |(name, value)| {
            let value = match shown_text(name, value).and_then(|text| new(&text)) {
                Some(text) => Json::new(&text)?,
                None => Json::from(value),
            };
            Ok((name, value))
        };
        JsonText::new(&Members(self.0.members().map(member).collect::<Result<_, Error>>()?))
    }
}

/// Clients are written in Go, which ignores case in member names.
fn shown_text<'a>(name: &str, value: Raw<'a>) -> Option<Text<'a>> {
    let is_shown = ["content", "text"].iter().any(|known| name.eq_ignore_ascii_case(known));
    if is_shown { Text::read(Some(value), "content").ok() } else { None }
}

/// The members of a JSON object, in order; a map would drop the first of two with the same name.
struct Members<'a>(Vec<(&'a str, Json)>);

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
