//! One callback, as a plugin sees it.

use std::cell::Cell;

use callgate_catalogue::Error;
use serde::de::DeserializeOwned;

use crate::catalogue::{Command, PROTOCOLS};
use crate::events::Event;
use crate::facts::{Fact, KeyedFact};
use crate::object::{FieldError, Object};
use crate::wire::{Envelope, Known, Phase, Why};

/// One callback: what the host knows of it, and the chat server's JSON.
///
/// ```
/// use plugin_sdk::Callback;
///
/// let callback = Callback::parse(
///     r#"{"platform":"openim","command":"callbackBeforeAddFriendCommand","phase":"before","operation_id":"",
///         "arrived_unix_ms":1700000000000,"client_address":"","query":[["contenttype","json"]],"body":{"ex":"a"}}"#,
/// )?;
/// assert_eq!(callback.command(), "callbackBeforeAddFriendCommand");
/// assert_eq!(callback.arrived_unix_ms() / 1000 % 86_400 / 3600, 22); // the hour of the day, in UTC
/// assert_eq!(callback.query("contenttype").as_deref(), Some("json"));
/// assert_eq!(callback.query("Sign"), None); // what authenticates the request never gets here
/// assert_eq!(callback.body(), r#"{"ex":"a"}"#);
/// # Ok::<(), plugin_sdk::Error>(())
/// ```
#[derive(Debug)]
pub struct Callback<'a> {
    envelope: Envelope<'a>,
    /// Whether anything of its body was handed out.
    is_read: Cell<bool>,
    /// Whether a part of the neutral view was asked for that does not have the command.
    is_missed: Cell<bool>,
}

impl<'a> Callback<'a> {
    /// Reads an envelope; plugins are handed a finished one.
    ///
    /// # Errors
    /// If `json` is not an envelope.
    pub fn parse(json: &'a str) -> Result<Self, Error> {
        Envelope::parse(json).map(|envelope| Self { envelope, is_read: Cell::new(false), is_missed: Cell::new(false) })
    }

    /// The platform's name: `openim` or `tencent-chat`.
    #[must_use]
    pub fn platform(&self) -> &str {
        &self.envelope.platform
    }

    /// The command's name on the wire.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.envelope.command
    }

    /// Whether the operation waits for the verdict.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.envelope.phase
    }

    /// The chat server's tracing ID; empty if it sent none.
    #[must_use]
    pub fn operation_id(&self) -> &str {
        &self.envelope.operation_id
    }

    /// When the callback arrived, in milliseconds since 1970-01-01 UTC. The only clock that a plugin has.
    #[must_use]
    pub fn arrived_unix_ms(&self) -> u64 {
        self.envelope.arrived_unix_ms
    }

    /// Address of the user's client, where the chat server tells it; empty otherwise.
    #[must_use]
    pub fn client_address(&self) -> &str {
        &self.envelope.client_address
    }

    /// A query parameter of the request; of several with this name the last.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        let query: Vec<(String, String)> = serde_json::from_str(self.envelope.query?.get()).ok()?;
        query.into_iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// A fact that [`Plugin::needs`](crate::Plugin::needs) asked for, with its value as a `T`. If the host does not
    /// support facts, every fact is [not configured](crate::facts::Why::NotConfigured).
    ///
    /// # Errors
    /// If it was not asked for, or its value is not a `T`. A missing value is not an error: see [`Fact::value`].
    ///
    /// ```
    /// use plugin_sdk::Callback;
    /// use plugin_sdk::facts::Why;
    ///
    /// let callback = Callback::parse(
    ///     r#"{"platform":"openim","command":"callbackBeforeAddFriendCommand","phase":"before","operation_id":"",
    ///         "arrived_unix_ms":0,"client_address":"","query":[],"facts":[{"fact":"sent","key":"u1","value":3,"age_ms":20},
    ///         {"fact":"ban","key":"u1","value":null,"why":"late"}],"body":{}}"#,
    /// )?;
    /// let sent = callback.fact::<u64>("sent", "u1")?;
    /// assert_eq!((sent.value(), sent.age_ms()), (Ok(3), 20));
    /// assert_eq!(callback.fact::<bool>("ban", "u1")?.value(), Err(Why::Late));
    /// assert!(callback.fact::<u64>("sent", "u2").is_err()); // not asked for
    /// assert!(callback.fact::<bool>("sent", "u1").is_err()); // 3 is not a bool
    /// # Ok::<(), plugin_sdk::Error>(())
    /// ```
    pub fn fact<T: DeserializeOwned>(&self, name: &str, key: &str) -> Result<Fact<T>, Error> {
        let Some(facts) = self.envelope.facts else { return Ok(Fact::without(Why::NotConfigured)) };
        match Known::find(facts, name, key) {
            Some(known) => Fact::read(&known),
            None => Err(Error::new(format!("`needs` did not ask for the fact `{name}` with this key"))),
        }
    }

    /// All facts of this name that [`Plugin::needs`](crate::Plugin::needs) asked for, each with its key, in the order
    /// in which it asked; none if the host does not support facts. A plugin whose decision depends only on facts need
    /// not read the keys from the body a second time; reading the body is most of the work of a short plugin.
    ///
    /// # Errors
    /// If a value is not a `T`.
    ///
    /// ```
    /// use plugin_sdk::{Callback, Error, Reply};
    ///
    /// /// Whether none of the users of the callback is banned.
    /// fn is_harmless(callback: &Callback<'_>) -> Result<bool, Error> {
    ///     Ok(callback.facts_named::<bool>("ban")?.into_iter().all(|(_, ban)| ban.value() == Ok(false)))
    /// }
    ///
    /// let callback = Callback::parse(
    ///     r#"{"platform":"openim","command":"callbackBeforeAddFriendCommand","phase":"before","operation_id":"",
    ///         "arrived_unix_ms":0,"client_address":"","query":[],"facts":[{"fact":"sent","key":"u1","value":3,"age_ms":0},
    ///         {"fact":"ban","key":"u1","value":false,"age_ms":0}],"body":{}}"#,
    /// )?;
    /// assert!(is_harmless(&callback)?);
    /// let (user, sent) = callback.facts_named::<u64>("sent")?.remove(0);
    /// assert_eq!((&*user, sent.value()), ("u1", Ok(3)));
    /// # Ok::<(), plugin_sdk::Error>(())
    /// ```
    pub fn facts_named<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<KeyedFact<'a, T>>, Error> {
        let Some(facts) = self.envelope.facts else { return Ok(Vec::new()) };
        Known::named(facts, name).into_iter().map(|known| Ok((known.key.clone(), Fact::read(&known)?))).collect()
    }

    /// The chat server's JSON, as it was written.
    #[must_use]
    pub fn body(&self) -> &'a str {
        self.is_read.set(true);
        self.envelope.body
    }

    /// A part of the neutral view does not have the command.
    pub(crate) fn miss(&self) {
        self.is_missed.set(true);
    }

    /// Whether the plugin looked for it in the neutral view in vain, and read nothing of it otherwise.
    pub(crate) fn was_missed(&self) -> bool {
        self.is_missed.get() && !self.is_read.get()
    }

    /// Whether this is the command of `E`.
    #[must_use]
    pub fn is<'b, E: Event<'b>>(&self) -> bool {
        self.envelope.command == E::COMMAND.name && self.envelope.platform == E::COMMAND.protocol
    }

    /// The callback as the event `E`; `None` if it is another command.
    ///
    /// # Errors
    /// If the body is not a JSON object.
    ///
    /// ```
    /// use plugin_sdk::{openim::BeforeSetFriendRemark, Callback, Error, Verdict};
    ///
    /// fn decide(callback: &Callback<'_>) -> Result<Verdict, Error> {
    ///     let Some(event) = callback.event::<BeforeSetFriendRemark>()? else {
    ///         return Ok(Verdict::Allow);
    ///     };
    ///     if event.remark()?.len() > 64 {
    ///         return Ok(event.deny(5002, "That remark is too long."));
    ///     }
    ///     Ok(Verdict::Allow)
    /// }
    /// ```
    pub fn event<E: Event<'a>>(&self) -> Result<Option<E>, FieldError> {
        if self.is::<E>() { E::from_body(self.body()).map(Some) } else { Ok(None) }
    }

    /// The body of a command that has no type of its own.
    ///
    /// # Errors
    /// If the body is not a JSON object.
    ///
    /// ```
    /// use plugin_sdk::{Callback, Error, Verdict};
    ///
    /// fn decide(callback: &Callback<'_>) -> Result<Verdict, Error> {
    ///     if callback.command() == "callbackOfTomorrow" && callback.object()?.read::<bool>("isPublic")? {
    ///         return Ok(Verdict::deny(5002, "Not in public."));
    ///     }
    ///     Ok(Verdict::Allow)
    /// }
    /// ```
    pub fn object(&self) -> Result<Object<'a>, FieldError> {
        Object::parse("the callback", self.body())
    }

    /// The command's entry in the catalogue, if it has one.
    ///
    /// Looking it up by name links the whole catalogue into the module; [`event`](Self::event) does not.
    #[must_use]
    pub fn catalogue_entry(&self) -> Option<&'static Command> {
        let protocol = PROTOCOLS.iter().find(|protocol| protocol.name == self.envelope.platform)?;
        protocol.command(&self.envelope.command)
    }
}
