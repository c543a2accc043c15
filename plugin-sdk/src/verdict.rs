//! What a plugin answers.

use std::borrow::Cow;

use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::object::Raw;
use crate::wire::{LogLevel, LogLine, UserResult};
use crate::write;

/// What is to happen to the operation.
///
/// Events have methods for the verdicts that their chat server knows (`event.deny(…)`, `event.modify()`, …); prefer
/// those. A verdict that the command cannot carry is turned by the host into the nearest safe one.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Go on, unchanged.
    Allow,
    /// Stop the operation.
    Deny {
        /// The code that the chat server hands to its user; `None`: the platform's usual one.
        code: Option<i32>,
        /// What the user may read.
        message: String,
        /// More, for the developers of the app.
        detail: String,
    },
    /// Go on with these members of the answer set.
    Modify(Changes),
    /// Stop the operation and let its caller believe that it succeeded.
    Drop,
    /// Go on without these users.
    RefuseSome(Vec<String>),
    /// A result for each user.
    PerUser(Vec<UserResult>),
    /// Hand this text back to the client.
    Reply(String),
}

impl Verdict {
    /// A denial with a code and a text that the user may read.
    ///
    /// ```
    /// use plugin_sdk::{Reply, Verdict};
    /// let reply = Reply::from(Verdict::deny(5001, "This name is reserved."));
    /// assert_eq!(
    ///     serde_json::to_string(&reply)?,
    ///     r#"{"verdict":"deny","code":5001,"message":"This name is reserved."}"#
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn deny(code: i32, message: impl Into<String>) -> Self {
        Self::Deny { code: Some(code), message: message.into(), detail: String::new() }
    }
}

/// Members of an answer and their new values. Made by an event's `modify()`, which knows what the server applies; by
/// hand for commands that have no type.
///
/// ```
/// use plugin_sdk::{Changes, Json, Reply, Verdict};
///
/// let mut changes = Changes::default();
/// changes.set("remark", Json::new("Ann")?);
/// let reply = Reply::from(Verdict::Modify(changes));
/// assert_eq!(serde_json::to_string(&reply)?, r#"{"verdict":"modify","changes":{"remark":"Ann"}}"#);
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

    /// Whether nothing is changed.
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
    fn write(&self, json: &mut String) {
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

/// A JSON value as text, handed on byte for byte.
///
/// ```
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
    /// If it cannot be written as JSON (a map whose keys are not text).
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, crate::Error> {
        Ok(Self(serde_json::to_string(value)?))
    }

    /// For types that always can be written.
    #[doc(hidden)]
    #[must_use]
    pub fn infallible<T: Serialize + ?Sized>(value: &T) -> Self {
        Self::new(value).unwrap_or_else(|_| Self::null())
    }

    /// A JSON text.
    pub(crate) fn text(text: &str) -> Self {
        let mut json = String::with_capacity(text.len() + 2);
        write::text(&mut json, text);
        Self(json)
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

    /// A text that is JSON already; `null` if it is not.
    #[must_use]
    pub fn from_text(json: String) -> Self {
        RawValue::from_string(json).map_or_else(|_| Self::null(), |json| Self(Box::<str>::from(json).into_string()))
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Raw<'_>> for Json {
    fn from(raw: Raw<'_>) -> Self {
        Self::from_text(raw.get().to_owned())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        raw(self.0.clone())?.serialize(serializer)
    }
}

/// For serde: a value that is written byte for byte.
fn raw<E: serde::ser::Error>(json: String) -> Result<Box<RawValue>, E> {
    RawValue::from_string(json).map_err(E::custom)
}

/// A verdict, and what else the plugin wants to hand over.
///
/// It must not be longer than the host's `reply_bytes_max`, 1 MiB by default: the call is a fault otherwise, and its
/// records are lost with it.
///
/// ```
/// use plugin_sdk::wire::LogLevel;
/// use plugin_sdk::{Reply, Verdict};
/// use serde_json::json;
///
/// let reply = Reply::from(Verdict::deny(5001, "Not now."))
///     .log(LogLevel::Info, "denied by the night rule")
///     .record(&json!({ "event": "denied", "user": "u1" }))?;
/// assert_eq!(reply.records[0].as_str(), r#"{"event":"denied","user":"u1"}"#);
/// # Ok::<(), plugin_sdk::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Reply {
    /// What is to happen to the operation.
    pub verdict: Verdict,
    /// Data to hand on; the host writes each as one line of JSON.
    pub records: Vec<Json>,
    /// Lines for the host's log.
    pub log: Vec<LogLine<'static>>,
}

impl Reply {
    /// Allows the operation, unchanged.
    pub const fn allow() -> Self {
        Self { verdict: Verdict::Allow, records: Vec::new(), log: Vec::new() }
    }

    /// Adds a record: a line of the host's records file, as it is written here.
    ///
    /// # Errors
    /// If `record` cannot be written as JSON (a map whose keys are not text).
    pub fn record<T: serde::Serialize + ?Sized>(mut self, record: &T) -> Result<Self, crate::Error> {
        self.records.push(Json::new(record)?);
        Ok(self)
    }

    /// Adds a line to the host's log. It must hold nothing that operators should not read. The host writes the first 16
    /// lines of a call, each cut to 1000 characters.
    pub fn log(mut self, level: LogLevel, text: impl Into<String>) -> Self {
        self.log.push(LogLine { level, text: Cow::Owned(text.into()) });
        self
    }
}

impl<T: Into<Verdict>> From<T> for Reply {
    fn from(verdict: T) -> Self {
        Self { verdict: verdict.into(), records: Vec::new(), log: Vec::new() }
    }
}

impl Reply {
    /// What the host reads (see [`wire::Reply`](crate::wire::Reply)).
    pub(crate) fn to_json(&self) -> String {
        let mut json = String::with_capacity(256);
        json.push_str(r#"{"verdict":"#);
        match &self.verdict {
            Verdict::Allow => json.push_str("\"allow\""),
            Verdict::Deny { code, message, detail } => {
                json.push_str("\"deny\"");
                if let Some(code) = code {
                    json.push_str(",\"code\":");
                    write::number(&mut json, *code);
                }
                json.push_str(",\"message\":");
                write::text(&mut json, message);
                if !detail.is_empty() {
                    json.push_str(",\"detail\":");
                    write::text(&mut json, detail);
                }
            }
            Verdict::Modify(changes) => {
                json.push_str("\"modify\",\"changes\":");
                changes.write(&mut json);
            }
            Verdict::Drop => json.push_str("\"drop\""),
            Verdict::RefuseSome(refused) => {
                json.push_str("\"refuse_some\",\"refused\":");
                write::list(&mut json, refused, |json, user| write::text(json, user));
            }
            Verdict::PerUser(results) => {
                json.push_str("\"per_user\",\"results\":");
                write::list(&mut json, results, |json, result| {
                    json.push_str("{\"user\":");
                    write::text(json, &result.user);
                    json.push_str(",\"code\":");
                    write::number(json, result.code);
                    json.push_str(",\"message\":");
                    write::text(json, &result.message);
                    json.push('}');
                });
            }
            Verdict::Reply(text) => {
                json.push_str("\"reply\",\"reply\":");
                write::text(&mut json, text);
            }
        }
        if !self.records.is_empty() {
            json.push_str(",\"records\":");
            write::list(&mut json, &self.records, |json, record| json.push_str(record.as_str()));
        }
        if !self.log.is_empty() {
            json.push_str(",\"log\":");
            write::list(&mut json, &self.log, |json, line| {
                json.push_str("{\"level\":");
                write::text(json, line.level.name());
                json.push_str(",\"text\":");
                write::text(json, &line.text);
                json.push('}');
            });
        }
        json.push('}');
        json
    }
}

impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        raw(self.to_json())?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{self, VerdictTag};

    /// What needs escaping, and what does not.
    const TEXT: &str = "a \"b\"\n\\ é";

    #[test]
    fn the_host_reads_every_member_of_every_verdict() {
        let text = || TEXT.to_owned();
        let mut changes = Changes::default();
        changes.set("nickName", Json::new(TEXT).unwrap());
        changes.set("list", Json::list([Json::text(TEXT), Json::infallible(&2)]));
        let results = [("u1", 0), (TEXT, -7)];
        let results: Vec<_> =
            results.map(|(user, code)| UserResult { user: user.to_owned(), code, message: text() }).into();
        for verdict in [
            Verdict::Allow,
            Verdict::Deny { code: None, message: text(), detail: String::new() },
            Verdict::Deny { code: Some(i32::MIN), message: String::new(), detail: text() },
            Verdict::Modify(Changes::default()),
            Verdict::Modify(changes),
            Verdict::Drop,
            Verdict::RefuseSome(vec!["u1".to_owned(), text()]),
            Verdict::PerUser(results),
            Verdict::Reply(text()),
        ] {
            let plain = Reply::from(verdict.clone());
            let full = plain.clone().record(&[1, 2]).unwrap().record(TEXT).unwrap();
            let full = full.log(LogLevel::Debug, TEXT).log(LogLevel::Error, "");
            for reply in [plain, full] {
                let json = reply.to_json();
                assert_eq!(serde_json::to_string(&reply).unwrap(), json);
                is_read(&reply, &serde_json::from_str(&json).unwrap_or_else(|error| panic!("{json}: {error}")));
            }
        }
        let levels = [LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error];
        assert_eq!(
            levels.map(|level| format!("\"{}\"", level.name())),
            levels.map(|level| serde_json::to_string(&level).unwrap())
        );
    }

    /// Holds what the host reads against what was written, member by member.
    fn is_read(written: &Reply, read: &wire::Reply<'_>) {
        let mut expected = wire::Reply {
            verdict: VerdictTag::Allow,
            code: None,
            message: "".into(),
            detail: "".into(),
            changes: None,
            refused: Vec::new(),
            results: Vec::new(),
            reply: "".into(),
            records: Vec::new(),
            log: written.log.clone(),
        };
        let mut changes = None;
        expected.verdict = match &written.verdict {
            Verdict::Allow => VerdictTag::Allow,
            Verdict::Drop => VerdictTag::Drop,
            Verdict::Deny { code, message, detail } => {
                (expected.code, expected.message, expected.detail) = (*code, message.into(), detail.into());
                VerdictTag::Deny
            }
            Verdict::Modify(wanted) => {
                changes = Some(serde_json::to_string(wanted).unwrap());
                VerdictTag::Modify
            }
            Verdict::RefuseSome(refused) => {
                expected.refused = refused.iter().map(Into::into).collect();
                VerdictTag::RefuseSome
            }
            Verdict::PerUser(results) => {
                expected.results.clone_from(results);
                VerdictTag::PerUser
            }
            Verdict::Reply(reply) => {
                expected.reply = reply.into();
                VerdictTag::Reply
            }
        };
        assert_eq!(read.changes.map(|raw| raw.get().to_owned()), changes);
        let records: Vec<_> = read.records.iter().map(|raw| raw.get()).collect();
        assert_eq!(records, written.records.iter().map(Json::as_str).collect::<Vec<_>>());
        assert_eq!((read.verdict, read.code, &read.message), (expected.verdict, expected.code, &expected.message));
        assert_eq!((&read.detail, &read.reply), (&expected.detail, &expected.reply));
        assert_eq!((&read.refused, &read.results), (&expected.refused, &expected.results));
        assert_eq!(read.log, expected.log);
    }
}
