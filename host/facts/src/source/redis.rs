//! Redis, or a server that speaks its protocol.

mod connection;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use callgate_catalogue::wire::Change;
use redis::{Cmd, Value};
use tokio::time::Instant;

use super::remote::{Ask, Asked, Failed};
use super::template::Template;
use crate::lookup::{Later, SourceError};
use crate::settings::{self, RedisCommand};
use connection::Connection;

/// A Redis server or cluster. The connection is opened by the first lookup.
#[derive(Debug)]
pub(super) struct Redis(Arc<Inner>);

struct Inner {
    connection: Connection,
    question: Question,
    is_json: bool,
    is_writable: bool,
    answer_bytes_max: usize,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("question", &self.question).finish_non_exhaustive()
    }
}

/// The command, with the key inserted. Redis names may have any length and any bytes, so a key needs no escaping.
#[derive(Debug)]
enum Question {
    Get { name: Template },
    HashGet { name: Text, field: Text },
    IsMember { name: Text, member: Text },
    Count { name: Template, window_ms: u64, counts_callbacks: bool },
}

/// A text with or without a key.
#[derive(Debug)]
enum Text {
    Fixed(Box<str>),
    Keyed(Template),
}

impl Text {
    /// Two texts, of which at least one contains `{key}`.
    fn both(name: (&str, &str), other: (&str, &str)) -> Result<(Self, Self), SourceError> {
        let text = |text: &str| match Template::is_in(text) {
            true => Template::new(text).map(Self::Keyed),
            false => Ok(Self::Fixed(text.into())),
        };
        if !Template::is_in(name.1) && !Template::is_in(other.1) {
            return Err(SourceError(format!("neither `{}` nor `{}` has a `{{key}}`", name.0, other.0)));
        }
        let wrong = |key: &str| {
            let key = key.to_owned();
            move |what| SourceError(format!("`{key}`: {what}"))
        };
        Ok((text(name.1).map_err(wrong(name.0))?, text(other.1).map_err(wrong(other.0))?))
    }

    fn with(&self, key: &str) -> String {
        match self {
            Self::Fixed(text) => text.to_string(),
            Self::Keyed(template) => template.with(key),
        }
    }
}

impl Redis {
    /// # Errors
    /// What is wrong with the settings.
    pub(super) fn new(settings: &settings::Redis) -> Result<Self, SourceError> {
        let named = |name: &str| Template::new(name).map_err(|what| SourceError(format!("`name`: {what}")));
        let question = match &settings.command {
            RedisCommand::Get { name } => Question::Get { name: named(name)? },
            RedisCommand::HashGet { name, field } => {
                let (name, field) = Text::both(("name", name), ("field", field))?;
                Question::HashGet { name, field }
            }
            RedisCommand::IsMember { name, member } => {
                let (name, member) = Text::both(("name", name), ("member", member))?;
                Question::IsMember { name, member }
            }
            RedisCommand::Count { name, window, counts_callbacks } => Question::Count {
                name: named(name)?,
                window_ms: u64::try_from(window.as_millis()).unwrap_or(u64::MAX).max(1),
                counts_callbacks: *counts_callbacks,
            },
        };
        Ok(Self(Arc::new(Inner {
            connection: Connection::new(settings)?,
            question,
            is_json: settings.is_json,
            is_writable: settings.is_writable,
            answer_bytes_max: settings.remote.answer_bytes_max,
        })))
    }

    fn question(&self, key: &str, counts: bool) -> Later<Asked> {
        let (inner, key) = (Arc::clone(&self.0), key.to_owned());
        Box::pin(async move { inner.ask(&key, counts).await })
    }
}

/// Checks the URL of a server, or of a node of a cluster.
///
/// # Errors
/// What is wrong with it, worded to follow its name.
pub(super) fn check_url(url: &str) -> Result<(), String> {
    connection::check_url(url)
}

impl Ask for Redis {
    fn ask(&self, key: &str) -> Later<Asked> {
        self.question(key, true)
    }

    fn counts(&self) -> bool {
        matches!(self.0.question, Question::Count { counts_callbacks: true, .. })
    }

    fn peek(&self, key: &str) -> Later<Asked> {
        self.question(key, false)
    }

    fn renew(&self, asked: Instant) {
        self.0.connection.renew(asked);
    }

    fn change(&self, key: &str, change: &Change<'_>, ttl_ms: Option<u64>) -> Option<Later<Result<(), Failed>>> {
        let commands = self.0.is_writable.then(|| self.0.writes(key, change, ttl_ms)).flatten()?;
        let inner = Arc::clone(&self.0);
        Some(Box::pin(async move {
            let mut all = redis::pipe();
            for command in commands {
                all.add_command(command);
            }
            inner.connection.send_all(&all).await.map(drop)
        }))
    }
}

impl Inner {
    async fn ask(&self, key: &str, counts: bool) -> Asked {
        let (command, is_truth) = match &self.question {
            Question::Get { name } => (redis::cmd("GET").arg(name.with(key)).take(), false),
            Question::HashGet { name, field } => {
                (redis::cmd("HGET").arg(name.with(key)).arg(field.with(key)).take(), false)
            }
            Question::IsMember { name, member } => {
                (redis::cmd("SISMEMBER").arg(name.with(key)).arg(member.with(key)).take(), true)
            }
            Question::Count { name, window_ms, counts_callbacks } => {
                let name = name.with(key);
                return self.count(&name, *window_ms, counts && *counts_callbacks, now_unix_ms()).await.map(Some);
            }
        };
        let value = self.connection.send(&command).await?;
        match (value, is_truth) {
            (Value::Nil, _) | (Value::Int(0), true) => Ok(None),
            (Value::Int(_), true) => Ok(Some("true".into())),
            (value, _) => self.json(&value).map(Some).map_err(Failed::Value),
        }
    }

    fn json(&self, value: &Value) -> Result<Arc<str>, String> {
        let text = match value {
            Value::BulkString(bytes) => std::str::from_utf8(bytes).map_err(|_| "its value is not UTF-8".to_owned())?,
            Value::SimpleString(text) => text,
            Value::Int(number) => return Ok(number.to_string().into()),
            _ => return Err("its value is not a string".to_owned()),
        };
        let bytes_max = self.answer_bytes_max;
        if text.len() > bytes_max {
            return Err(format!("its value has more than {bytes_max} bytes (`answer_bytes_max`)"));
        }
        match self.is_json {
            true => match serde_json::from_str::<serde_json::Value>(text) {
                Ok(value) => Ok(value.to_string().into()),
                Err(_) => Err("its value is not JSON, as `json = true` requires".to_owned()),
            },
            false => Ok(callgate_catalogue::write::quoted(text).into()),
        }
    }

    /// Estimates the count of the sliding window: this window's counter, plus the covered part of the previous one's.
    async fn count(&self, name: &str, window_ms: u64, adds: bool, now_ms: u64) -> Result<Arc<str>, Failed> {
        let (part, into) = (now_ms / window_ms, now_ms % window_ms);
        // The braces (a hash tag) keep both on the same node of a cluster.
        let counter = |part: u64| format!("{{{name}}}:{part}");
        let mut commands = redis::pipe();
        match adds {
            true => commands
                .cmd("INCR")
                .arg(counter(part))
                .cmd("PEXPIRE")
                .arg(counter(part))
                .arg(window_ms.saturating_mul(2))
                .ignore(),
            false => commands.cmd("GET").arg(counter(part)),
        };
        commands.cmd("GET").arg(counter(part.wrapping_sub(1)));
        let counted = self.connection.send_all(&commands).await?;
        let counted = counted.iter().map(number).collect::<Result<Vec<_>, _>>().map_err(Failed::Value)?;
        let [own, before] = counted.as_slice() else {
            return Err(Failed::Value("its answer is not a pair of counts".to_owned()));
        };
        let covered = i128::from(*before) * i128::from(window_ms - into) / i128::from(window_ms);
        let count = i128::from(*own) + covered;
        Ok(count.to_string().into())
    }

    /// The commands for a change; `None` if this kind of value cannot be changed like this.
    fn writes(&self, key: &str, change: &Change<'_>, ttl_ms: Option<u64>) -> Option<Vec<Cmd>> {
        let value = |value: &str| match self.is_json {
            true => value.to_owned(),
            // A string is written without quotes.
            false => serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()),
        };
        let expires = |name: &str| ttl_ms.map(|ttl_ms| redis::cmd("PEXPIRE").arg(name).arg(ttl_ms.max(1)).take());
        Some(match (&self.question, change) {
            (Question::Get { name }, Change::Set(new)) => {
                let mut set = redis::cmd("SET").arg(name.with(key)).arg(value(new)).take();
                if let Some(ttl_ms) = ttl_ms {
                    set.arg("PX").arg(ttl_ms.max(1));
                }
                vec![set]
            }
            (Question::Get { name }, Change::Add(number)) => {
                let name = name.with(key);
                let add = redis::cmd("INCRBY").arg(&name).arg(*number).take();
                std::iter::once(add).chain(expires(&name)).collect()
            }
            (Question::Get { name }, Change::Remove) => vec![redis::cmd("DEL").arg(name.with(key)).take()],
            (Question::HashGet { name, field }, Change::Set(new)) => {
                vec![redis::cmd("HSET").arg(name.with(key)).arg(field.with(key)).arg(value(new)).take()]
            }
            (Question::HashGet { name, field }, Change::Add(number)) => {
                vec![redis::cmd("HINCRBY").arg(name.with(key)).arg(field.with(key)).arg(*number).take()]
            }
            (Question::HashGet { name, field }, Change::Remove) => {
                vec![redis::cmd("HDEL").arg(name.with(key)).arg(field.with(key)).take()]
            }
            (Question::IsMember { name, member }, Change::Set(new)) => {
                let command = if *new == "false" { "SREM" } else { "SADD" };
                vec![redis::cmd(command).arg(name.with(key)).arg(member.with(key)).take()]
            }
            (Question::IsMember { name, member }, Change::Remove) => {
                vec![redis::cmd("SREM").arg(name.with(key)).arg(member.with(key)).take()]
            }
            (Question::IsMember { .. }, Change::Add(_)) => return None,
            (Question::Count { name, window_ms, .. }, Change::Add(number)) => {
                let counter = format!("{{{}}}:{}", name.with(key), now_unix_ms() / window_ms);
                // At least two windows: the counter is needed as long as a sliding window covers a part of its own.
                let kept_ms = ttl_ms.unwrap_or(0).max(window_ms.saturating_mul(2));
                vec![
                    redis::cmd("INCRBY").arg(&counter).arg(*number).take(),
                    redis::cmd("PEXPIRE").arg(&counter).arg(kept_ms).take(),
                ]
            }
            (Question::Count { .. }, Change::Set(_) | Change::Remove) => return None,
        })
    }
}

fn number(value: &Value) -> Result<i64, String> {
    match value {
        Value::Nil => Ok(0),
        Value::Int(number) => Ok(*number),
        Value::BulkString(bytes) => {
            let number = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
            number.ok_or_else(|| "its counter is not a number".to_owned())
        }
        _ => Err("its counter is not a number".to_owned()),
    }
}

/// Several hosts share these counters, so their windows follow the wall clock.
fn now_unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
