//! What a plugin answers.

use std::borrow::Cow;

use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

pub use callgate_catalogue::verdict::{Changes, Json, Verdict};
use callgate_catalogue::{Error, write};

use crate::facts::Update;
use crate::wire::{LogLevel, LogLine, is_topic};

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
    /// The topics of the records, in the same order. If one is missing or empty, it is the plugin's name. See
    /// [`Reply::record_to`].
    pub topics: Vec<Cow<'static, str>>,
    /// Lines for the host's log.
    pub log: Vec<LogLine<'static>>,
    /// Changes of facts, which the host makes once the decision is final; at most
    /// [`facts::UPDATES_MAX`](crate::facts::UPDATES_MAX).
    pub updates: Vec<Update>,
}

impl Reply {
    /// Allows the operation, unchanged.
    pub const fn allow() -> Self {
        Self { verdict: Verdict::Allow, records: Vec::new(), topics: Vec::new(), log: Vec::new(), updates: Vec::new() }
    }

    /// Adds a record: data that the host delivers to its sinks. Its topic is the plugin's name in the host's settings.
    ///
    /// # Errors
    /// If `record` cannot be written as JSON (a map whose keys are not text).
    pub fn record<T: serde::Serialize + ?Sized>(mut self, record: &T) -> Result<Self, Error> {
        self.records.push(Json::new(record)?);
        Ok(self)
    }

    /// Adds a record with a topic. The host's settings select its sinks by topic.
    ///
    /// ```
    /// use plugin_sdk::Reply;
    ///
    /// let reply = Reply::allow().record(&1)?.record_to("profiles.changed", &2)?;
    /// assert_eq!(reply.topics, ["", "profiles.changed"]);
    /// assert!(Reply::allow().record_to("no topic", &3).is_err());
    /// # Ok::<(), plugin_sdk::Error>(())
    /// ```
    ///
    /// # Errors
    /// If `topic` is not 1 to 128 letters, digits, `.`, `_` and `-` ([`is_topic`]); as
    /// [`Reply::record`].
    pub fn record_to<T: serde::Serialize + ?Sized>(
        mut self,
        topic: impl Into<Cow<'static, str>>,
        record: &T,
    ) -> Result<Self, Error> {
        let topic = topic.into();
        if !is_topic(&topic) {
            return Err("a record's topic must be 1 to 128 letters, digits, `.`, `_` and `-`".into());
        }
        // Those before it that were given none have the plugin's name.
        self.topics.resize(self.records.len(), Cow::Borrowed(""));
        self.topics.push(topic);
        self.record(record)
    }

    /// Adds a change of a fact, which the host makes once the decision is final. See [`Update`].
    pub fn update(mut self, update: Update) -> Self {
        self.updates.push(update);
        self
    }

    /// Adds a line to the host's log. The host writes the first 16 lines of a call, each cut to 1000 characters, and
    /// their texts only where its operator has set `log_payloads`: they may quote what users wrote. `callgate run`
    /// shows them.
    pub fn log(mut self, level: LogLevel, text: impl Into<String>) -> Self {
        self.log.push(LogLine { level, text: Cow::Owned(text.into()) });
        self
    }
}

impl<T: Into<Verdict>> From<T> for Reply {
    fn from(verdict: T) -> Self {
        Self { verdict: verdict.into(), records: Vec::new(), topics: Vec::new(), log: Vec::new(), updates: Vec::new() }
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
        if self.topics.iter().any(|topic| !topic.is_empty()) {
            json.push_str(",\"topics\":");
            write::list(&mut json, &self.topics, |json, topic| write::text(json, topic));
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
        if !self.updates.is_empty() {
            json.push_str(",\"updates\":");
            write::list(&mut json, &self.updates, |json, update| update.0.write(json));
        }
        json.push('}');
        json
    }
}

impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_json()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{self, UserResult, VerdictTag};

    /// What needs escaping, and what does not.
    const TEXT: &str = "a \"b\"\n\\ é";

    #[test]
    fn the_host_reads_every_member_of_every_verdict() {
        let text = || TEXT.to_owned();
        let mut changes = Changes::default();
        changes.set("nickName", Json::new(TEXT).unwrap());
        changes.set("list", Json::new(&(TEXT, 2)).unwrap());
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
            let full = plain.clone().record(&[1, 2]).unwrap().record_to("a.b", TEXT).unwrap().record(&3).unwrap();
            let full = full.log(LogLevel::Debug, TEXT).log(LogLevel::Error, "");
            let full = full.update(Update::add("strikes", TEXT, i64::MIN).for_ms(u64::MAX));
            let full = full.update(Update::set(TEXT, "", TEXT)).update(Update::remove("a", "b"));
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
            topics: written.topics.iter().map(|topic| wire::Borrowed(topic.clone())).collect(),
            updates: written.updates.iter().map(|update| update.0.clone()).collect(),
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
        assert_eq!(read.topics, expected.topics);
        assert_eq!((read.verdict, read.code, &read.message), (expected.verdict, expected.code, &expected.message));
        assert_eq!((&read.detail, &read.reply), (&expected.detail, &expected.reply));
        assert_eq!((&read.refused, &read.results), (&expected.refused, &expected.results));
        assert_eq!(read.log, expected.log);
        assert_eq!(read.updates, expected.updates);
    }
}
