//! Facts: data that a decision needs beyond the callback, such as how many messages a user sent in the last minute.
//!
//! A plugin never fetches anything itself. [`Plugin::needs`](crate::Plugin::needs) says which facts it needs for a
//! callback, by its own names; the operator's settings have the source of each; the host fetches them, in time, and
//! passes them with the callback. So the plugin stays a pure function: the same callback with the same facts always
//! gives the same reply.
//!
//! ```
//! use plugin_sdk::facts::{Needs, Update};
//! use plugin_sdk::neutral::Message;
//! use plugin_sdk::testing::TestPlugin;
//! use plugin_sdk::{Callback, Error, NoSettings, Plugin, Reply, Verdict, openim::BeforeSendSingleMsg};
//! use serde_json::json;
//!
//! struct Quiet;
//!
//! impl Plugin for Quiet {
//!     type Settings = NoSettings;
//!
//!     fn configure(NoSettings {}: NoSettings) -> Result<Self, Error> {
//!         Ok(Self)
//!     }
//!
//!     fn needs(&self, callback: &Callback<'_>, needs: &mut Needs) -> Result<(), Error> {
//!         if let Some(message) = Message::of(callback)? {
//!             needs.fact("sent", message.actor()?);
//!         }
//!         Ok(())
//!     }
//!
//!     fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
//!         let Some(message) = Message::of(callback)? else { return Ok(Reply::allow()) };
//!         let sender = message.actor()?;
//!         // An unknown count is treated as 0.
//!         if callback.fact::<u64>("sent", &sender)?.value_or(0) < 20 {
//!             return Ok(Reply::allow());
//!         }
//!         Ok(Reply::from(message.deny(10, "Slow down.")).update(Update::add("strikes", sender, 1)))
//!     }
//! }
//!
//! plugin_sdk::export!(Quiet, handles: [BeforeSendSingleMsg], facts: ["sent", "strikes"]);
//!
//! // In a test:
//! let plugin = TestPlugin::<Quiet>::configure(json!({}))?;
//! let body = json!({ "sendID": "u1", "content": "hi" });
//! let reply = plugin.decide_knowing::<BeforeSendSingleMsg>(body.clone(), json!({ "sent": { "u1": 3 } }));
//! assert_eq!(reply, json!({ "verdict": "allow" }));
//! let reply = plugin.decide_knowing::<BeforeSendSingleMsg>(body, json!({ "sent": { "u1": 20 } }));
//! assert_eq!(reply["updates"], json!([{ "fact": "strikes", "key": "u1", "add": 1 }]));
//! # Ok::<(), Error>(())
//! ```

use std::borrow::Cow;

use callgate_catalogue::wire::{self, Change, Need};
use callgate_catalogue::{Error, Json};
use serde::de::DeserializeOwned;

pub use callgate_catalogue::wire::{KEY_BYTES_MAX, NEEDS_MAX, UPDATES_MAX, Why};

/// Collects the facts that a plugin needs for one callback.
#[derive(Debug, Default)]
pub struct Needs(Vec<Need<'static>>);

impl Needs {
    /// Asks for a fact: by its name, one of those in `export!(…, facts: […])`, and a key, such as a user's ID. Asking
    /// twice for the same fact and key has no effect.
    ///
    /// More than [`NEEDS_MAX`] facts, or a key of more than [`KEY_BYTES_MAX`] bytes, end the call as an error of
    /// [`Plugin::needs`](crate::Plugin::needs) does. [`is_full`](Self::is_full) says whether there is room for more.
    ///
    /// ```
    /// use plugin_sdk::facts::{NEEDS_MAX, Needs};
    ///
    /// let mut needs = Needs::default();
    /// for user in 0..100 {
    ///     if !needs.is_full() {
    ///         needs.fact("ban", format!("u{user}"));
    ///     }
    /// }
    /// assert_eq!(needs.list().len(), NEEDS_MAX);
    /// ```
    pub fn fact(&mut self, name: impl Into<Cow<'static, str>>, key: impl Into<String>) {
        let need = Need { fact: name.into(), key: Cow::Owned(key.into()) };
        if !self.0.contains(&need) {
            self.0.push(need);
        }
    }

    /// Whether it has [`NEEDS_MAX`] facts, so that no more can be added.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.len() >= NEEDS_MAX
    }

    /// Checks what the host checks, and that all names are in `facts`, unless that is empty.
    pub(crate) fn check(&self, facts: &[&str]) -> Result<(), Error> {
        if self.0.len() > NEEDS_MAX {
            return Err(format!("it needs {} facts, at most {NEEDS_MAX} are allowed", self.0.len()).into());
        }
        for Need { fact, key } in &self.0 {
            if key.len() > KEY_BYTES_MAX {
                let bytes = key.len();
                let text = format!("a key of the fact `{fact}` has {bytes} bytes, at most {KEY_BYTES_MAX} are allowed");
                return Err(text.into());
            }
            if !facts.is_empty() && !facts.contains(&&**fact) {
                let text = format!("it asks for the fact `{fact}`, which `export!(…, facts: […])` does not list");
                return Err(text.into());
            }
        }
        Ok(())
    }

    /// The facts that were asked for, in order.
    #[must_use]
    pub fn list(&self) -> &[Need<'static>] {
        &self.0
    }

    /// What the host reads.
    pub(crate) fn to_json(&self) -> String {
        let mut json = String::with_capacity(64);
        callgate_catalogue::write::list(&mut json, &self.0, |json, need| need.write(json));
        json
    }
}

/// The host's answer to a need: a value, or why there is none. A counter has a value for every key: 0 for one that it
/// does not know.
///
/// The plugin decides what a missing value means, best by a setting such as [`OnUnknown`](crate::settings::OnUnknown).
/// [`Why::Absent`] is an answer: the source was asked, and has no value. The other reasons are not.
///
/// ```
/// use plugin_sdk::facts::{Fact, Why};
/// use plugin_sdk::{Callback, Error};
///
/// fn is_banned(callback: &Callback<'_>, user: &str) -> Result<bool, Error> {
///     Ok(match callback.fact::<bool>("ban", user)?.value() {
///         Ok(is_banned) => is_banned,
///         Err(Why::Absent) => false,
///         // Late, failed or not configured. This plugin would rather let a banned user speak.
///         Err(_) => false,
///     })
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact<T> {
    value: Result<T, Why>,
    age_ms: u64,
}

/// A fact with its key.
pub type KeyedFact<'a, T> = (Cow<'a, str>, Fact<T>);

impl<T> Fact<T> {
    /// The value, or why there is none.
    ///
    /// # Errors
    /// Why there is none: the source has none for this key ([`Why::Absent`]), or did not answer.
    pub fn value(self) -> Result<T, Why> {
        self.value
    }

    /// The value, or this one if there is none, for any reason.
    #[must_use]
    pub fn value_or(self, otherwise: T) -> T {
        self.value.unwrap_or(otherwise)
    }

    /// Why there is no value; `None` if there is one.
    #[must_use]
    pub fn why(&self) -> Option<Why> {
        self.value.as_ref().err().copied()
    }

    /// The age of the value, in milliseconds; 0 if it was looked up for this callback.
    #[must_use]
    pub fn age_ms(&self) -> u64 {
        self.age_ms
    }

    pub(crate) const fn without(why: Why) -> Self {
        Self { value: Err(why), age_ms: 0 }
    }
}

impl<T: DeserializeOwned> Fact<T> {
    pub(crate) fn read(known: &wire::Known<'_>) -> Result<Self, Error> {
        let read = |value: &str| {
            serde_json::from_str(value)
                .map_err(|error| Error::new(format!("the fact `{}` has another type: {error}", known.fact)))
        };
        let value = match &known.value {
            Ok(value) => Ok(read(value)?),
            Err(why) => Err(*why),
        };
        Ok(Self { value, age_ms: known.age_ms })
    }
}

/// A change of a fact, which the host makes once the decision is final. Its name must be listed in `facts` or `updates`
/// of `export!`. Only writable sources accept it: a counter, for numbers, or a Redis that the operator's settings
/// make writable. For other sources it is dropped and counted. The plugin does not learn whether it was made.
///
/// At most [`UPDATES_MAX`] in one reply, and [`KEY_BYTES_MAX`] bytes in a key: a reply with more is a fault.
///
/// ```
/// use plugin_sdk::facts::Update;
/// use plugin_sdk::Reply;
///
/// let reply = Reply::allow()
///     .update(Update::add("strikes", "u1", 1))
///     .update(Update::set("muted", "u1", true).for_ms(3_600_000))
///     .update(Update::remove("warned", "u1"));
/// let json = serde_json::to_value(&reply)?;
/// assert_eq!(json["updates"][1], serde_json::json!({ "fact": "muted", "key": "u1", "set": true, "ttl_ms": 3_600_000 }));
/// # Ok::<(), plugin_sdk::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Update(pub(crate) wire::Update<'static>);

impl Update {
    fn new(fact: impl Into<Cow<'static, str>>, key: impl Into<String>, change: Change<'static>) -> Self {
        Self(wire::Update { fact: fact.into(), key: Cow::Owned(key.into()), change, ttl_ms: None })
    }

    /// Adds a number; a value that does not exist is 0.
    pub fn add(fact: impl Into<Cow<'static, str>>, key: impl Into<String>, number: i64) -> Self {
        Self::new(fact, key, Change::Add(number))
    }

    /// Replaces the value: by a number, `true`, a text, or any [`Json`]. `null` removes it. A counter takes only whole
    /// numbers.
    pub fn set(fact: impl Into<Cow<'static, str>>, key: impl Into<String>, value: impl Into<Json>) -> Self {
        let value = value.into();
        match value.as_str() {
            "null" => Self::remove(fact, key),
            value => Self::new(fact, key, Change::Set(Cow::Owned(value.to_owned()))),
        }
    }

    /// Removes the value.
    pub fn remove(fact: impl Into<Cow<'static, str>>, key: impl Into<String>) -> Self {
        Self::new(fact, key, Change::Remove)
    }

    /// How long the change lasts, in milliseconds. Then an added number expires, and a value that was set is removed.
    /// 0: not at all. Without this, as long as the source keeps values: in a counter its window.
    pub fn for_ms(mut self, ttl_ms: u64) -> Self {
        self.0.ttl_ms = Some(ttl_ms);
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{Envelope, Known, Reply, read_needs, with_facts};

    /// Any text, including characters that JSON escapes.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[\"\\\\/\\x00-\\x1f{}\\[\\],:a-c]{0,12}"]
    }

    /// Values of every type except `null`, which is not a value.
    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<i64>().prop_map(|number| number.to_string()),
            any::<bool>().prop_map(|flag| flag.to_string()),
            text().prop_map(|text| Json::from(text).as_str().to_owned()),
            (text(), any::<u8>()).prop_map(|(name, number)| serde_json::json!({ name: [number, null] }).to_string()),
        ]
    }

    fn why() -> impl Strategy<Value = Why> {
        proptest::sample::select(Why::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn what_is_asked_for_arrives(wanted in proptest::collection::vec((text(), text()), 0..NEEDS_MAX)) {
            let mut needs = Needs::default();
            for (name, key) in &wanted {
                needs.fact(name.clone(), key.clone());
            }
            let json = needs.to_json();
            prop_assert_eq!(read_needs(&json).unwrap(), needs.list());
        }

        #[test]
        fn what_is_known_arrives(
            known in proptest::collection::vec((text(), text(), value(), proptest::option::of(why()), any::<u64>()), 0..6),
            body in value(),
        ) {
            let known: Vec<Known<'_>> = known.iter().map(|(fact, key, value, why, age_ms)| Known {
                fact: fact.into(),
                key: key.into(),
                value: why.map_or(Ok(value.into()), Err),
                age_ms: if why.is_some() { 0 } else { *age_ms },
            }).collect();
            let body = format!("{{\"facts\":{body}}}");
            let plain = crate::testing::envelope(
                <crate::openim::BeforeAddFriend<'_> as crate::events::Event<'_>>::COMMAND,
                &body,
            );
            let head = plain.strip_suffix(&format!("{body}}}")).unwrap();
            let envelope = with_facts(head, &known) + &body + "}";
            let read = Envelope::parse(&envelope).unwrap();
            prop_assert_eq!(read.body, &body);
            for wanted in &known {
                let first = known.iter().find(|known| (&known.fact, &known.key) == (&wanted.fact, &wanted.key));
                let found = Known::find(read.facts.unwrap(), &wanted.fact, &wanted.key);
                prop_assert_eq!(found.as_ref(), first);
            }
            // The same callback without facts.
            prop_assert_eq!(Envelope::parse(&plain).unwrap().facts.is_none(), true);
        }

        #[test]
        fn what_is_to_change_arrives(
            (fact, key, value) in (text(), text(), value()),
            number in any::<i64>(),
            ttl_ms in proptest::option::of(any::<u64>()),
        ) {
            let set = Update::set(fact.clone(), key.clone(), Json::from_text(value.clone()));
            for update in [Update::add(fact.clone(), key.clone(), number), set, Update::remove(fact.clone(), key.clone())] {
                let update = match ttl_ms {
                    Some(ttl_ms) => update.for_ms(ttl_ms),
                    None => update,
                };
                let json = crate::Reply::allow().update(update.clone()).to_json();
                let read: Reply<'_> = serde_json::from_str(&json).unwrap();
                prop_assert_eq!(&read.updates, &[update.0]);
            }
        }
    }

    #[test]
    fn facts_are_written_like_this() {
        let mut needs = Needs::default();
        needs.fact("sent", "u\n1");
        needs.fact("ban", "u1");
        needs.fact("sent", "u\n1");
        assert_eq!(needs.to_json(), r#"[{"fact":"sent","key":"u\n1"},{"fact":"ban","key":"u1"}]"#);

        let known = |fact: &'static str, value| Known { fact: fact.into(), key: "u1".into(), value, age_ms: 40 };
        let facts = [
            known("sent", Ok("7".into())),
            known("null", Ok("null".into())),
            known("ban", Err(Why::Absent)),
            known("strikes", Err(Why::NotConfigured)),
        ];
        let json = with_facts(r#"{"platform":"p","body":"#, &facts);
        let expected = concat!(
            r#"{"platform":"p","facts":[{"fact":"sent","key":"u1","value":7,"age_ms":40},"#,
            r#"{"fact":"null","key":"u1","value":null,"why":"absent"},"#,
            r#"{"fact":"ban","key":"u1","value":null,"why":"absent"},"#,
            r#"{"fact":"strikes","key":"u1","value":null,"why":"not_configured"}],"body":"#,
        );
        assert_eq!(json, expected);

        let reply = crate::Reply::allow()
            .update(Update::add("a", "k", -2))
            .update(Update::set("b", "k", "text").for_ms(5))
            .update(Update::set("c", "k", Json::from_text("null".to_owned())));
        let expected = concat!(
            r#"{"verdict":"allow","updates":[{"fact":"a","key":"k","add":-2},"#,
            r#"{"fact":"b","key":"k","set":"text","ttl_ms":5},{"fact":"c","key":"k","remove":true}]}"#,
        );
        assert_eq!(reply.to_json(), expected);
    }

    #[test]
    fn a_reply_with_an_update_that_is_none_cannot_be_read() {
        let read = |updates: &str| {
            let json = format!(r#"{{"verdict":"allow","updates":[{updates}]}}"#);
            serde_json::from_str::<Reply<'_>>(&json).map(|reply| reply.updates.len()).map_err(|error| error.to_string())
        };
        assert_eq!(read(&vec![r#"{"fact":"a","key":"b","add":1,"later":[]}"#; UPDATES_MAX].join(",")), Ok(UPDATES_MAX));
        let long = format!(r#"{{"fact":"a","key":"{}","add":1}}"#, "k".repeat(KEY_BYTES_MAX + 1));
        for (updates, why) in [
            (r#"{"fact":"a","key":"b"}"#, "exactly one of `add`, `set` and `remove`"),
            (r#"{"fact":"a","key":"b","add":1,"set":2}"#, "exactly one of"),
            (r#"{"fact":"a","key":"b","remove":false}"#, "exactly one of"),
            (r#"{"fact":"a","key":"b","set":null}"#, "exactly one of"),
            (r#"{"fact":"a","add":1}"#, "missing field `key`"),
            (r#"{"fact":"a","key":"b","add":1.5}"#, "invalid type"),
            (r#"{"fact":"a","key":"b","add":1,"ttl_ms":-1}"#, "invalid value"),
            (&*long, "has more than 65536 bytes"),
            (&*vec![r#"{"fact":"a","key":"b","add":1}"#; UPDATES_MAX + 1].join(","), "more than 16 elements"),
        ] {
            let error = read(updates).unwrap_err();
            assert!(error.contains(why), "{updates}: {error}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_an_error_that_names_the_fact() {
        let known = Known { fact: "sent".into(), key: "u".into(), value: Ok("\"many\"".into()), age_ms: 0 };
        let error = Fact::<u64>::read(&known).unwrap_err().to_string();
        assert!(error.starts_with("the fact `sent` has another type: invalid type: string"), "{error}");
        assert_eq!(Fact::<String>::read(&known).unwrap().value_or(String::new()), "many");
    }
}
