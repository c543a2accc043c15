//! Facts on the wire: what a plugin needs beyond the callback, the host's answers, and the plugin's updates.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::order;
use crate::error::Error;
use crate::scan::{self, Raw};
use crate::write;

/// Maximum number of facts that one plugin may need for one callback; a longer list is a fault. With more, a plugin
/// could make the host look up every user of a group.
pub const NEEDS_MAX: usize = 16;

/// Maximum number of updates in one reply; a reply with more is a fault.
pub const UPDATES_MAX: usize = 16;

/// Maximum length of a key, in bytes; a need or an update with a longer one is a fault. The text of a long message
/// fits, for services that judge texts.
pub const KEY_BYTES_MAX: usize = 65_536;

/// One element of the reply of `needs`: the plugin's name of a fact, and a key.
///
/// ```
/// # use callgate_catalogue as plugin_sdk;
/// use plugin_sdk::wire::Need;
///
/// let mut json = String::new();
/// Need { fact: "sent".into(), key: "u\"1".into() }.write(&mut json);
/// assert_eq!(json, r#"{"fact":"sent","key":"u\"1"}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Need<'a> {
    /// One of the names in the manifest.
    #[serde(borrow)]
    pub fact: Cow<'a, str>,
    /// The key, for example the ID of a user.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
}

impl Need<'_> {
    /// Appends this as JSON.
    pub fn write(&self, json: &mut String) {
        begin(json, &self.fact, &self.key);
        json.push('}');
    }
}

/// Begins an object with the members that a need, a fact and an update share.
fn begin(json: &mut String, fact: &str, key: &str) {
    json.push_str("{\"fact\":");
    write::text(json, fact);
    json.push_str(",\"key\":");
    write::text(json, key);
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The source was asked, and has no value for this key.
    Absent,
    /// The source did not answer in time.
    Late,
    /// The source could not be asked, or its answer could not be used.
    Failed,
    /// The operator has not said where this fact comes from.
    NotConfigured,
}

impl Why {
    /// All reasons, in the order of the table in `ABI.md`.
    pub const ALL: [Self; 4] = [Self::Absent, Self::Late, Self::Failed, Self::NotConfigured];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Late => "late",
            Self::Failed => "failed",
            Self::NotConfigured => "not_configured",
        }
    }

    /// The reason with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.name() == name)
    }
}

/// One element of the envelope's `facts`: the host's answer to a need.
#[derive(Debug, Clone, PartialEq)]
pub struct Known<'a> {
    /// See [`Need::fact`].
    pub fact: Cow<'a, str>,
    /// See [`Need::key`].
    pub key: Cow<'a, str>,
    /// The value as JSON, or why there is none. `null` does not count as a value: it is written as
    /// [absent](Why::Absent).
    pub value: Result<Cow<'a, str>, Why>,
    /// The age of the value, in milliseconds; 0 if it was looked up for this callback.
    pub age_ms: u64,
}

impl<'a> Known<'a> {
    /// Appends this as JSON.
    ///
    /// ```
    /// # use callgate_catalogue as plugin_sdk;
    /// use plugin_sdk::wire::{Known, Why};
    ///
    /// let mut json = String::new();
    /// Known { fact: "sent".into(), key: "u1".into(), value: Ok("7".into()), age_ms: 0 }.write(&mut json);
    /// assert_eq!(json, r#"{"fact":"sent","key":"u1","value":7,"age_ms":0}"#);
    /// json.clear();
    /// Known { fact: "ban".into(), key: "u1".into(), value: Err(Why::Late), age_ms: 0 }.write(&mut json);
    /// assert_eq!(json, r#"{"fact":"ban","key":"u1","value":null,"why":"late"}"#);
    /// ```
    pub fn write(&self, json: &mut String) {
        begin(json, &self.fact, &self.key);
        json.push_str(",\"value\":");
        // Writing to memory does not fail.
        let _ = match self.value.as_deref() {
            Ok("null") => write!(json, "null,\"why\":\"{}\"}}", Why::Absent.name()),
            Ok(value) => write!(json, "{value},\"age_ms\":{}}}", self.age_ms),
            Err(why) => write!(json, "null,\"why\":\"{}\"}}", why.name()),
        };
    }

    /// The first element of the envelope's `facts` for this need; `None` if there is none, or if it cannot be read.
    #[must_use]
    pub fn find(facts: Raw<'a>, fact: &str, key: &str) -> Option<Self> {
        let mut found = None;
        scan::list(facts.get(), |element| {
            if found.is_none() {
                found = Self::read(element).filter(|known| known.fact == fact && known.key == key);
            }
        })?;
        found
    }

    /// The elements of the envelope's `facts` with this name, in their order; without those that cannot be read.
    #[must_use]
    pub fn named(facts: Raw<'a>, fact: &str) -> Vec<Self> {
        let mut found = Vec::new();
        // A list that ends early is as good as its beginning.
        let _ = scan::list(facts.get(), |element| {
            found.extend(Self::read(element).filter(|known| known.fact == fact));
        });
        found
    }

    /// Looks up a need in a table of facts, for tests. The table has, by the name of the fact, a table of values by
    /// key, or a string with the reason why there is no value. A missing key is [absent](Why::Absent), a missing fact
    /// [not configured](Why::NotConfigured).
    ///
    /// ```
    /// # use callgate_catalogue as plugin_sdk;
    /// use plugin_sdk::wire::{Known, Need, Why};
    ///
    /// let table = serde_json::json!({ "sent": { "u1": 3 }, "ban": "late" });
    /// let value = |fact: &'static str, key: &'static str| {
    ///     Known::in_table(Need { fact: fact.into(), key: key.into() }, &table).value
    /// };
    /// assert_eq!(value("sent", "u1").as_deref(), Ok("3"));
    /// assert_eq!(value("sent", "u2"), Err(Why::Absent));
    /// assert_eq!(value("ban", "u1"), Err(Why::Late));
    /// assert_eq!(value("verdict", "u1"), Err(Why::NotConfigured));
    /// ```
    #[must_use]
    pub fn in_table(need: Need<'a>, table: &serde_json::Value) -> Self {
        let value = match table.get(&*need.fact) {
            None => Err(Why::NotConfigured),
            Some(serde_json::Value::String(why)) => Err(Why::named(why).unwrap_or(Why::Failed)),
            Some(keys) => match keys.get(&*need.key) {
                None | Some(serde_json::Value::Null) => Err(Why::Absent),
                Some(value) => Ok(value.to_string().into()),
            },
        };
        Self { fact: need.fact, key: need.key, value, age_ms: 0 }
    }

    fn read(element: Raw<'a>) -> Option<Self> {
        let mut known = Self { fact: "".into(), key: "".into(), value: Err(Why::Failed), age_ms: 0 };
        scan::object(element.get(), |name, value| match &*name {
            "fact" => known.fact = value.unescaped().unwrap_or_default(),
            "key" => known.key = value.unescaped().unwrap_or_default(),
            // With `null`, `why` has the reason.
            "value" if value.get() != "null" => known.value = Ok(Cow::Borrowed(value.get())),
            "why" => {
                // A later host may have other reasons.
                let why = value.unescaped().and_then(|name| Why::named(&name));
                known.value = Err(why.unwrap_or(Why::Failed));
            }
            "age_ms" => known.age_ms = value.get().parse().unwrap_or(0),
            _ => {}
        })?;
        Some(known)
    }
}

/// The part of an envelope before its body, with facts: `before_body` as
/// [`EnvelopeHead::before_body`](super::EnvelopeHead::before_body) wrote it, and the elements of the list of facts.
#[must_use]
pub fn with_facts(before_body: &str, facts: &[Known<'_>]) -> String {
    let head = before_body.strip_suffix(order::BODY).unwrap_or(before_body);
    let mut json = String::with_capacity(before_body.len() + 32 + 64 * facts.len());
    json.push_str(head);
    json.push_str(order::FACTS);
    write::list(&mut json, facts, |json, known| known.write(json));
    json.push_str(order::BODY);
    json
}

/// A change of a fact by a plugin. The host applies it once the decision is final.
///
/// ```
/// # use callgate_catalogue as plugin_sdk;
/// use plugin_sdk::wire::{Change, Update};
///
/// let add = Update { fact: "strikes".into(), key: "u1".into(), change: Change::Add(1), ttl_ms: Some(60_000) };
/// let mut json = String::new();
/// add.write(&mut json);
/// assert_eq!(json, r#"{"fact":"strikes","key":"u1","add":1,"ttl_ms":60000}"#);
/// assert_eq!(serde_json::from_str::<Update<'_>>(&json)?, add);
/// // One change, not two:
/// assert!(serde_json::from_str::<Update<'_>>(r#"{"fact":"a","key":"b","add":1,"remove":true}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update<'a> {
    /// See [`Need::fact`].
    pub fact: Cow<'a, str>,
    /// See [`Need::key`].
    pub key: Cow<'a, str>,
    /// The change.
    pub change: Change<'a>,
    /// How long it lasts, in milliseconds; `None`: as long as the source keeps values.
    pub ttl_ms: Option<u64>,
}

/// What an [`Update`] changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<'a> {
    /// Add this number; a value that does not exist is 0.
    Add(i64),
    /// Replace the value by this JSON.
    Set(Cow<'a, str>),
    /// Remove the value.
    Remove,
}

impl Update<'_> {
    /// Appends this as JSON.
    pub fn write(&self, json: &mut String) {
        begin(json, &self.fact, &self.key);
        // Writing to memory does not fail.
        let _ = match &self.change {
            Change::Add(number) => write!(json, ",\"add\":{number}"),
            Change::Set(value) => write!(json, ",\"set\":{value}"),
            Change::Remove => write!(json, ",\"remove\":true"),
        };
        if let Some(ttl_ms) = self.ttl_ms {
            let _ = write!(json, ",\"ttl_ms\":{ttl_ms}");
        }
        json.push('}');
    }
}

/// An [`Update`] as it is written: exactly one of `add`, `set` and `remove`.
#[derive(Debug, Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    fact: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(default)]
    add: Option<i64>,
    #[serde(borrow, default)]
    set: Option<&'a RawValue>,
    #[serde(default)]
    remove: bool,
    #[serde(default)]
    ttl_ms: Option<u64>,
}

impl<'a> TryFrom<Written<'a>> for Update<'a> {
    type Error = Error;

    fn try_from(written: Written<'a>) -> Result<Self, Error> {
        let Written { fact, key, add, set, remove, ttl_ms } = written;
        if key.len() > KEY_BYTES_MAX {
            return Err(Error::new(format!("the key of an update has more than {KEY_BYTES_MAX} bytes")));
        }
        let change = match (add, set, remove) {
            (Some(number), None, false) => Change::Add(number),
            (None, Some(value), false) => Change::Set(Cow::Borrowed(value.get())),
            (None, None, true) => Change::Remove,
            _ => return Err(Error::new("an update needs exactly one of `add`, `set` and `remove`")),
        };
        Ok(Self { fact, key, change, ttl_ms })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Update<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Written::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
    }
}

/// Reads the reply of `needs`.
///
/// # Errors
/// If it is not such a list, or the list or a key is too long.
///
/// ```
/// # use callgate_catalogue as plugin_sdk;
/// let needs = plugin_sdk::wire::read_needs(r#"[{"fact":"sent","key":"u1"}]"#)?;
/// assert_eq!((&*needs[0].fact, &*needs[0].key), ("sent", "u1"));
/// # Ok::<(), plugin_sdk::Error>(())
/// ```
pub fn read_needs(json: &str) -> Result<Vec<Need<'_>>, Error> {
    let needs: Vec<Need<'_>> = serde_json::from_str(json).map_err(|error| Error::new(error.to_string()))?;
    if needs.len() > NEEDS_MAX {
        return Err(Error::new(format!("it needs {} facts, at most {NEEDS_MAX} are allowed", needs.len())));
    }
    match needs.iter().any(|need| need.key.len() > KEY_BYTES_MAX) {
        true => Err(Error::new(format!("a key has more than {KEY_BYTES_MAX} bytes"))),
        false => Ok(needs),
    }
}
