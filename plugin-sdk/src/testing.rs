//! Tests of a plugin without wasm: configure it, hand it a callback, look at its reply.
//!
//! The plugin's own code runs natively; settings and callbacks pass through the same JSON as in the host, so a
//! misspelt settings key or a missing member behaves as it will there.

use serde_json::{Value, json};

use crate::catalogue::Command;
use crate::events::Event;
use crate::export::{configured, decided, needed};
use crate::plugin::{Error, Plugin};
use crate::wire::{EnvelopeHead, Known, Phase, read_needs, with_facts};

/// The envelope of a callback whose body is exactly this text, for tests that depend on how a body is written. It has no
/// operation ID, no query and no client address, and arrived at 0.
///
/// ```
/// use plugin_sdk::{Callback, events::Event as _, openim::BeforeAddFriend, testing};
///
/// let envelope = testing::envelope(BeforeAddFriend::COMMAND, r#"{"toUserID":"\u0061"}"#);
/// let event = Callback::parse(&envelope)?.event::<BeforeAddFriend>()?;
/// assert_eq!(event.unwrap().to_user_id()?, "a");
/// # Ok::<(), plugin_sdk::Error>(())
/// ```
#[must_use]
pub fn envelope(command: &Command, body: &str) -> String {
    let head = EnvelopeHead {
        platform: command.protocol,
        command: command.name,
        phase: command.phase,
        operation_id: "",
        arrived_unix_ms: 0,
        client_address: "",
        query: &[],
    };
    head.before_body() + body + "}"
}

/// A configured plugin under test.
///
/// ```
/// # use plugin_sdk::{openim::BeforeAddFriend, Callback, Error, NoSettings, Plugin, Reply, Verdict};
/// # struct NoFriends;
/// # impl Plugin for NoFriends {
/// #     type Settings = NoSettings;
/// #     fn configure(NoSettings {}: NoSettings) -> Result<Self, Error> { Ok(Self) }
/// #     fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
/// #         match callback.event::<BeforeAddFriend>()? {
/// #             Some(event) => Ok(event.deny(5003, "Friend requests are closed.")),
/// #             None => Ok(Verdict::Allow),
/// #         }
/// #     }
/// # }
/// use plugin_sdk::testing::TestPlugin;
/// use serde_json::json;
///
/// let plugin = TestPlugin::<NoFriends>::configure(json!({}))?;
/// let reply = plugin.decide::<BeforeAddFriend>(json!({ "fromUserID": "u1", "toUserID": "u2" }));
/// assert_eq!(reply, json!({ "verdict": "deny", "code": 5003, "message": "Friend requests are closed." }));
/// assert!(TestPlugin::<NoFriends>::configure(json!({ "unknown": 1 })).is_err());
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct TestPlugin<P>(P);

impl<P: Plugin> TestPlugin<P> {
    /// Configures the plugin as the host would with these settings.
    ///
    /// # Errors
    /// What the plugin says against them.
    pub fn configure(settings: Value) -> Result<Self, Error> {
        configured(&json!({ "settings": settings }).to_string()).map(Self)
    }

    /// Hands the plugin the command of `E` with this body; returns the reply as the host would get it.
    pub fn decide<'a, E: Event<'a>>(&self, body: Value) -> Value {
        let command = E::COMMAND;
        self.decide_command(command.protocol, command.name, command.phase, body)
    }

    /// As [`TestPlugin::decide`], with these facts: `{"sent": {"u1": 3}}` gives the fact `sent` the value 3 for the key `u1`,
    /// and none for others ([`Why::Absent`](crate::facts::Why)); `{"sent": "late"}` says that nothing is known of it, and why. A
    /// fact that is not here is not configured.
    ///
    /// The plugin is asked what it needs first, as the host does: what `needs` does not ask for is not handed in. See
    /// [`facts`](crate::facts) for an example.
    pub fn decide_knowing<'a, E: Event<'a>>(&self, body: Value, facts: Value) -> Value {
        let command = E::COMMAND;
        let envelope = at_some_time(command.protocol, command.name, command.phase, &body).to_string();
        let reply = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or_default();
        let needs = needed(&self.0, &envelope, &[]);
        let Ok(needs) = std::str::from_utf8(&needs).map_err(Error::from).and_then(read_needs) else {
            return reply(&needs);
        };
        let facts: Vec<Known<'_>> = needs.into_iter().map(|need| Known::in_table(need, &facts)).collect();
        let envelope = match envelope.split_once(BODY) {
            Some((head, body)) => with_facts(&format!("{head}{BODY}"), &facts) + body,
            None => envelope,
        };
        reply(&decided(&self.0, &envelope, &[]))
    }

    /// What the plugin needs to know for the command of `E` with this body, as the host gets it: a list of `fact` and `key`, or
    /// the verdict `fail`.
    ///
    /// ```
    /// # use plugin_sdk::facts::Needs;
    /// # use plugin_sdk::{openim::BeforeAddFriend, Callback, Error, NoSettings, Plugin, Reply, Verdict};
    /// # struct Banned;
    /// # impl Plugin for Banned {
    /// #     type Settings = NoSettings;
    /// #     fn configure(NoSettings {}: NoSettings) -> Result<Self, Error> { Ok(Self) }
    /// #     fn needs(&self, callback: &Callback<'_>, needs: &mut Needs) -> Result<(), Error> {
    /// #         if let Some(event) = callback.event::<BeforeAddFriend>()? {
    /// #             needs.fact("ban", event.from_user_id()?);
    /// #         }
    /// #         Ok(())
    /// #     }
    /// #     fn decide(&self, _: &Callback<'_>) -> Result<impl Into<Reply>, Error> { Ok(Verdict::Allow) }
    /// # }
    /// use plugin_sdk::testing::TestPlugin;
    /// use serde_json::json;
    ///
    /// let plugin = TestPlugin::<Banned>::configure(json!({}))?;
    /// let needs = plugin.needs::<BeforeAddFriend>(json!({ "fromUserID": "u1" }));
    /// assert_eq!(needs, json!([{ "fact": "ban", "key": "u1" }]));
    /// assert_eq!(plugin.needs::<BeforeAddFriend>(json!({}))["verdict"], "fail"); // it has no `fromUserID`
    /// # Ok::<(), Error>(())
    /// ```
    pub fn needs<'a, E: Event<'a>>(&self, body: Value) -> Value {
        let command = E::COMMAND;
        let envelope = at_some_time(command.protocol, command.name, command.phase, &body).to_string();
        serde_json::from_slice(&needed(&self.0, &envelope, &[])).unwrap_or_default()
    }

    /// Sends the plugin any command, even one without a type; returns the reply as the host would get it. The callback
    /// arrives at 1 700 000 000 000 Unix milliseconds (2023-11-14, 22:13:20 UTC).
    pub fn decide_command(&self, platform: &str, command: &str, phase: Phase, body: Value) -> Value {
        let envelope = at_some_time(platform, command, phase, &body);
        serde_json::from_slice(&decided(&self.0, &envelope.to_string(), &[])).unwrap_or_default()
    }

    /// The plugin itself.
    pub fn plugin(&self) -> &P {
        &self.0
    }
}

/// How an envelope's body begins.
const BODY: &str = ",\"body\":";

/// An envelope of a callback that arrives at 1 700 000 000 000 Unix milliseconds.
fn at_some_time(platform: &str, command: &str, phase: Phase, body: &Value) -> Value {
    json!({
        "platform": platform,
        "command": command,
        "phase": phase,
        "operation_id": "test",
        "arrived_unix_ms": 1_700_000_000_000_u64,
        "client_address": "",
        "query": [],
        "body": body,
    })
}
