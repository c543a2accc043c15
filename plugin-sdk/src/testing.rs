//! Tests of a plugin without wasm: configure it, hand it a callback, look at its reply.
//!
//! The plugin's own code runs natively; settings and callbacks pass through the same JSON as in the host, so a
//! misspelt settings key or a missing member behaves as it will there.

use serde_json::{Value, json};

use crate::catalogue::Command;
use crate::events::Event;
use crate::export::{configured, decided, needed};
use crate::plugin::{Error, Plugin};
use crate::wire::{EnvelopeHead, Known, Phase, Why, read_needs, with_facts};

/// The envelope of a callback whose body is exactly this text, for tests that depend on how a body is written. It has
/// no operation ID, no query and no client address, and arrived at 0.
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

    /// As [`TestPlugin::decide`], with these facts: `{"sent": {"u1": 3}}` gives the fact `sent` the value 3 for the key
    /// `u1`, and none for other keys ([`Why::Absent`](crate::facts::Why)); `{"sent": "late"}` is the reason why it has
    /// no value. A fact that is missing here is not configured.
    ///
    /// As in the host, `needs` is called first, and only the facts that it asks for are passed to the plugin. See
    /// [`facts`](crate::facts) for an example.
    ///
    /// # Panics
    /// If `facts` has another form: the plugin would be told that it knows nothing, and the test would prove nothing.
    pub fn decide_knowing<'a, E: Event<'a>>(&self, body: Value, facts: Value) -> Value {
        assert_is_table(&facts);
        let command = E::COMMAND;
        let (head, rest) = (before_body(command.protocol, command.name, command.phase), format!("{body}}}"));
        let needs = needed(&self.0, &format!("{head}{rest}"), &[]);
        let Ok(needs) = std::str::from_utf8(&needs).map_err(Error::from).and_then(read_needs) else {
            return reply(&needs);
        };
        let facts: Vec<Known<'_>> = needs.into_iter().map(|need| Known::in_table(need, &facts)).collect();
        reply(&decided(&self.0, &(with_facts(&head, &facts) + &rest), &[]))
    }

    /// What the plugin needs for the command of `E` with this body, as the host gets it: a list of `fact` and `key`, or
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
        let head = before_body(command.protocol, command.name, command.phase);
        reply(&needed(&self.0, &format!("{head}{body}}}"), &[]))
    }

    /// Sends the plugin any command, even one without a type; returns the reply as the host would get it. The callback
    /// arrives at 1 700 000 000 000 Unix milliseconds (2023-11-14, 22:13:20 UTC).
    pub fn decide_command(&self, platform: &str, command: &str, phase: Phase, body: Value) -> Value {
        let head = before_body(platform, command, phase);
        reply(&decided(&self.0, &format!("{head}{body}}}"), &[]))
    }

    /// The plugin itself.
    pub fn plugin(&self) -> &P {
        &self.0
    }
}

/// The envelope of a callback that arrives at 1 700 000 000 000 Unix milliseconds, up to its body.
fn before_body(platform: &str, command: &str, phase: Phase) -> String {
    EnvelopeHead {
        platform,
        command,
        phase,
        operation_id: "test",
        arrived_unix_ms: 1_700_000_000_000,
        client_address: "",
        query: &[],
    }
    .before_body()
}

/// What the plugin said, as JSON.
fn reply(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_default()
}

/// See [`TestPlugin::decide_knowing`].
fn assert_is_table(facts: &Value) {
    assert!(facts.is_object(), "the facts of a test are an object, such as {{\"sent\": {{\"u1\": 3}}}}, not {facts}");
    for (name, fact) in facts.as_object().into_iter().flatten() {
        let is_reason = fact.as_str().is_some_and(|why| Why::named(why).is_some());
        assert!(
            fact.is_object() || is_reason,
            "the fact `{name}` of a test is an object of values by key, such as {{\"u1\": 3}}, or one of {}, not {fact}",
            Why::ALL.map(|why| format!("\"{}\"", why.name())).join(", "),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Needs;
    use crate::openim::BeforeAddFriend;
    use crate::{Callback, NoSettings, Reply};

    /// Records what it knows of `u1`.
    struct Tells;

    impl Plugin for Tells {
        type Settings = NoSettings;

        fn configure(_: NoSettings) -> Result<Self, Error> {
            Ok(Self)
        }

        fn needs(&self, _: &Callback<'_>, needs: &mut Needs) -> Result<(), Error> {
            needs.fact("sent", "u1");
            Ok(())
        }

        fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
            let known = callback.fact::<Value>("sent", "u1")?.value();
            let known = known.unwrap_or_else(|why| Value::from(why.name()));
            Reply::allow().record(&json!([callback.operation_id(), callback.arrived_unix_ms(), known, callback.body()]))
        }
    }

    fn record(facts: Value) -> Value {
        let plugin = TestPlugin::<Tells>::configure(json!({})).unwrap();
        plugin.decide_knowing::<BeforeAddFriend>(json!({ "ex": ",\"body\":" }), facts)["records"][0].clone()
    }

    #[test]
    fn a_test_hands_in_facts_and_the_body_as_it_is() {
        let body = r#"{"ex":",\"body\":"}"#;
        for (facts, known) in [
            (json!({ "sent": { "u1": [3] } }), json!([3])),
            (json!({ "sent": { "u2": 3 } }), json!("absent")),
            (json!({ "sent": "late" }), json!("late")),
            (json!({ "ban": {} }), json!("not_configured")),
        ] {
            assert_eq!(record(facts), json!(["test", 1_700_000_000_000_u64, known, body]));
        }
    }

    #[test]
    #[should_panic = "the fact `sent` of a test is an object of values by key, such as {\"u1\": 3}, or one of \"absent\", \
                      \"late\", \"failed\", \"not_configured\", not 3"]
    fn facts_without_keys_are_a_mistake_of_the_test() {
        record(json!({ "sent": 3 }));
    }

    #[test]
    #[should_panic = "not \"lat\""]
    fn a_misspelt_reason_is_a_mistake_of_the_test() {
        record(json!({ "sent": "lat" }));
    }

    #[test]
    #[should_panic = "the facts of a test are an object, such as {\"sent\": {\"u1\": 3}}, not []"]
    fn facts_without_names_are_a_mistake_of_the_test() {
        record(json!([]));
    }
}
