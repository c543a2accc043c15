//! The types passed between host and plugin, and their version.
//!
//! Host and plugins compile against these types, so they cannot diverge. The sdk's `ABI.md` describes the same for
//! plugins in other languages.

mod facts;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::scan::{self, Raw, Scan};
use crate::write;

pub use facts::{Change, KEY_BYTES_MAX, Known, NEEDS_MAX, Need, UPDATES_MAX, Update, Why, read_needs, with_facts};

/// Version of the contract. It changes only when an old plugin would be misunderstood; new optional members do not
/// change it, because both sides ignore unknown members.
pub const ABI_VERSION: u32 = 1;

/// Name of the custom section that holds a [`Manifest`] as JSON.
pub const MANIFEST_SECTION: &str = "callgate.plugin";

/// Names of the exports that a plugin must have; all but [`NEEDS`](export::NEEDS).
pub mod export {
    /// The only linear memory.
    pub const MEMORY: &str = "memory";
    /// `(len: i32) -> ptr: i32`: room for the host to write input.
    pub const ALLOCATE: &str = "allocate";
    /// `(ptr: i32, len: i32) -> i64`: a [`Configuration`](super::Configuration) in, a packed
    /// [`ConfigureReply`](super::ConfigureReply) out.
    pub const CONFIGURE: &str = "configure";
    /// `(ptr: i32, len: i32) -> i64`: an [`Envelope`](super::Envelope) in, a packed [`Reply`](super::Reply) out.
    pub const HANDLE_CALLBACK: &str = "handle_callback";
    /// `(ptr: i32, len: i32) -> i64`: an [`Envelope`](super::Envelope) without facts in, a packed list of
    /// [`Need`](super::Need)s out. Only plugins that need facts have it.
    pub const NEEDS: &str = "needs";
    /// A global that holds the address of the [last words](super::LAST_WORDS_BYTES_MAX).
    pub const LAST_WORDS: &str = "last_words";
}

/// Longest panic message that survives a trap, in bytes.
///
/// The global `last_words` holds the address of a little-endian `u32` length (0: no last words), followed by the
/// message, in UTF-8, truncated to this many bytes.
pub const LAST_WORDS_BYTES_MAX: usize = 1020;

/// Packs address and length of a reply into the `i64` that an export returns: `ptr << 32 | len`.
///
/// ```
/// # use callgate_catalogue as plugin_sdk;
/// use plugin_sdk::wire::{pack, unpack};
/// assert_eq!(unpack(pack(0x1_0000, 12)), (0x1_0000, 12));
/// assert_eq!(unpack(-1), (u32::MAX, u32::MAX)); // any value unpacks: the host checks it against the memory
/// ```
#[must_use]
pub const fn pack(ptr: u32, len: u32) -> i64 {
    (((ptr as u64) << 32) | len as u64) as i64
}

/// The inverse of [`pack`]: address and length in bytes.
#[must_use]
pub const fn unpack(packed: i64) -> (u32, u32) {
    ((packed as u64 >> 32) as u32, packed as u32)
}

/// A module's description of itself, in its custom section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The contract that it was built for: [`ABI_VERSION`].
    pub abi: u32,
    /// The plugin's name, usually its crate's.
    pub name: String,
    /// The plugin's version.
    pub version: String,
    /// What it was built with, for example `callgate-plugin-sdk 0.1.0`.
    #[serde(default)]
    pub sdk: String,
    /// Commands that it handles; empty: any that the operator assigns to it.
    #[serde(default)]
    pub commands: Vec<String>,
    /// Names of the facts that it may need; empty: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<String>,
    /// Names of further facts, which it may only change; empty: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<String>,
}

/// The input of `configure`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Configuration<'a> {
    /// The table `settings` of this plugin in the host's settings, as JSON.
    #[serde(borrow)]
    pub settings: &'a RawValue,
}

/// The reply of `configure`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigureReply {
    /// Whether the plugin can work with these settings.
    pub accepted: bool,
    /// If not, why: one sentence for the operator.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Whether the chat server waits for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The operation waits for the verdict.
    Before,
    /// The operation is done; a verdict has no effect on it.
    After,
}

impl Phase {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// A callback without its body: the members of an [`Envelope`] that the host knows.
#[derive(Debug, Clone)]
pub struct EnvelopeHead<'a> {
    /// `openim` or `tencent-chat`.
    pub platform: &'a str,
    /// The platform's own name of the command.
    pub command: &'a str,
    /// From the catalogue, never from the name.
    pub phase: Phase,
    /// The chat server's tracing ID; empty if it sent none.
    pub operation_id: &'a str,
    /// When the request's head was read, in milliseconds since 1970-01-01 UTC.
    pub arrived_unix_ms: u64,
    /// Address of the user's client, if the chat server sends it; empty otherwise.
    pub client_address: &'a str,
    /// Query parameters, in order, without those that authenticate.
    pub query: &'a [(String, String)],
}

impl EnvelopeHead<'_> {
    /// The envelope up to its body; a `}` follows the body.
    ///
    /// ```
    /// # use callgate_catalogue as plugin_sdk;
    /// use plugin_sdk::wire::{Envelope, EnvelopeHead, Phase};
    ///
    /// let head = EnvelopeHead {
    ///     platform: "openim",
    ///     command: "callbackBeforeAddFriendCommand",
    ///     phase: Phase::Before,
    ///     operation_id: "op-1",
    ///     arrived_unix_ms: 1_700_000_000_000,
    ///     client_address: "",
    ///     query: &[],
    /// };
    /// let json = head.before_body() + "{}" + "}";
    /// assert_eq!(Envelope::parse(&json)?.operation_id, "op-1");
    /// # Ok::<(), plugin_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn before_body(&self) -> String {
        let mut json = String::with_capacity(320);
        json.push_str(order::PLATFORM);
        write::text(&mut json, self.platform);
        json.push_str(order::COMMAND);
        write::text(&mut json, self.command);
        json.push_str(order::PHASE);
        write::text(&mut json, self.phase.name());
        json.push_str(order::OPERATION_ID);
        write::text(&mut json, self.operation_id);
        json.push_str(order::ARRIVED_UNIX_MS);
        json.push_str(&self.arrived_unix_ms.to_string());
        json.push_str(order::CLIENT_ADDRESS);
        write::text(&mut json, self.client_address);
        json.push_str(order::QUERY);
        write::list(&mut json, self.query, |json, (name, value)| {
            write::list(json, [name, value], |json, text| write::text(json, text));
        });
        json.push_str(order::BODY);
        json
    }
}

/// The order of an envelope's members, as hosts of this version write them: with this order, a reader need not search.
mod order {
    pub(super) const PLATFORM: &str = r#"{"platform":"#;
    pub(super) const COMMAND: &str = r#","command":"#;
    pub(super) const PHASE: &str = r#","phase":"#;
    pub(super) const OPERATION_ID: &str = r#","operation_id":"#;
    pub(super) const ARRIVED_UNIX_MS: &str = r#","arrived_unix_ms":"#;
    pub(super) const CLIENT_ADDRESS: &str = r#","client_address":"#;
    pub(super) const QUERY: &str = r#","query":"#;
    pub(super) const FACTS: &str = r#","facts":"#;
    pub(super) const BODY: &str = r#","body":"#;
}

/// One callback, as passed to `handle_callback`: the members of an [`EnvelopeHead`], and the body.
#[derive(Debug, Clone)]
pub struct Envelope<'a> {
    /// See [`EnvelopeHead::platform`].
    pub platform: Cow<'a, str>,
    /// See [`EnvelopeHead::command`].
    pub command: Cow<'a, str>,
    /// See [`EnvelopeHead::phase`].
    pub phase: Phase,
    /// See [`EnvelopeHead::operation_id`].
    pub operation_id: Cow<'a, str>,
    /// See [`EnvelopeHead::arrived_unix_ms`].
    pub arrived_unix_ms: u64,
    /// See [`EnvelopeHead::client_address`].
    pub client_address: Cow<'a, str>,
    /// See [`EnvelopeHead::query`]; read on demand.
    pub query: Option<Raw<'a>>,
    /// The facts that the plugin needs: a list of [`Known`]; read on demand. `None` if it has none.
    pub facts: Option<Raw<'a>>,
    /// The callback's own JSON object, exactly as the chat server wrote it.
    pub body: &'a str,
}

impl<'a> Envelope<'a> {
    /// Reads the JSON text that the host wrote. The body, which is the last member, is not scanned.
    ///
    /// # Errors
    /// If it is not an envelope.
    pub fn parse(json: &'a str) -> Result<Self, Error> {
        Self::in_order(json).map_or_else(|| Self::in_any_order(json), Ok)
    }

    /// As [`EnvelopeHead::before_body`] writes it.
    fn in_order(json: &'a str) -> Option<Self> {
        let mut scan = Scan::new(json);
        scan.literal::<{ order::PLATFORM.len() }>(order::PLATFORM)?;
        let platform = scan.text()?.unescaped()?;
        scan.literal::<{ order::COMMAND.len() }>(order::COMMAND)?;
        let command = scan.text()?.unescaped()?;
        scan.literal::<{ order::PHASE.len() }>(order::PHASE)?;
        let phase = phase(scan.text()?)?;
        scan.literal::<{ order::OPERATION_ID.len() }>(order::OPERATION_ID)?;
        let operation_id = scan.text()?.unescaped()?;
        scan.literal::<{ order::ARRIVED_UNIX_MS.len() }>(order::ARRIVED_UNIX_MS)?;
        let arrived_unix_ms = scan.value()?.get().parse().ok()?;
        scan.literal::<{ order::CLIENT_ADDRESS.len() }>(order::CLIENT_ADDRESS)?;
        let client_address = scan.text()?.unescaped()?;
        scan.literal::<{ order::QUERY.len() }>(order::QUERY)?;
        let query = Some(scan.value()?);
        let facts = match scan.literal::<{ order::FACTS.len() }>(order::FACTS) {
            Some(()) => Some(scan.value()?),
            None => None,
        };
        scan.literal::<{ order::BODY.len() }>(order::BODY)?;
        let body = scan.rest_of_object()?;
        Some(Self { platform, command, phase, operation_id, arrived_unix_ms, client_address, query, facts, body })
    }

    fn in_any_order(json: &'a str) -> Result<Self, Error> {
        let mut envelope = Self {
            platform: Cow::Borrowed(""),
            command: Cow::Borrowed(""),
            phase: Phase::Before,
            operation_id: Cow::Borrowed(""),
            arrived_unix_ms: 0,
            client_address: Cow::Borrowed(""),
            query: None,
            facts: None,
            body: "",
        };
        let mut wrong = None;
        let body = scan::object_up_to(json, "body", |name, value| {
            if envelope.set(name, value).is_none() {
                wrong = Some(Error::new(format!("the envelope's member `{name}` has the wrong type")));
            }
        });
        match (body, wrong) {
            (_, Some(wrong)) => Err(wrong),
            (None, None) => Err("this is not an envelope: it does not end in a body".into()),
            (Some(body), None) => Ok(Self { body, ..envelope }),
        }
    }

    fn set(&mut self, name: &str, value: Raw<'a>) -> Option<()> {
        let text = || value.unescaped();
        match name {
            "platform" => self.platform = text()?,
            "command" => self.command = text()?,
            "phase" => self.phase = phase(value)?,
            "operation_id" => self.operation_id = text()?,
            "arrived_unix_ms" => self.arrived_unix_ms = value.get().parse().ok()?,
            "client_address" => self.client_address = text()?,
            "query" => self.query = Some(value),
            "facts" => self.facts = Some(value),
            // A later host may add members.
            _ => {}
        }
        Some(())
    }
}

fn phase(value: Raw<'_>) -> Option<Phase> {
    let name = value.unescaped()?;
    [Phase::Before, Phase::After].into_iter().find(|phase| phase.name() == name)
}

/// The reply of `handle_callback`, as the host reads it.
///
/// The verdict is a word, with its members next to it: `{"verdict":"deny","code":5001, "message":"…"}`. The host reads
/// a flat object in one pass, without copying.
#[derive(Debug, Deserialize)]
pub struct Reply<'a> {
    /// Which verdict; the members below that do not belong to it are ignored.
    pub verdict: VerdictTag,
    /// `deny`: the code that the chat server's user is shown.
    #[serde(default)]
    pub code: Option<i32>,
    /// `deny`: a text that the user may read. `fail`: why there is no verdict, for the operator only.
    #[serde(borrow, default)]
    pub message: Cow<'a, str>,
    /// `deny`: more detail, for developers of the app.
    #[serde(borrow, default)]
    pub detail: Cow<'a, str>,
    /// `modify`: an object of answer members and their new values.
    #[serde(borrow, default)]
    pub changes: Option<&'a RawValue>,
    /// `refuse_some`: the users to leave out.
    #[serde(borrow, default)]
    pub refused: Vec<Cow<'a, str>>,
    /// `per_user`: one result for each user.
    #[serde(default)]
    pub results: Vec<UserResult>,
    /// `reply`: the text for the client.
    #[serde(borrow, default)]
    pub reply: Cow<'a, str>,
    /// Data to pass on: any JSON values, at most [`RECORDS_MAX`].
    #[serde(borrow, default, deserialize_with = "at_most::<_, _, RECORDS_MAX>")]
    pub records: Vec<&'a RawValue>,
    /// The topics of the records, in the same order. If one is missing or empty, it is the plugin's name. See
    /// [`is_topic`].
    #[serde(borrow, default, deserialize_with = "at_most::<_, _, RECORDS_MAX>")]
    pub topics: Vec<Borrowed<'a>>,
    /// Changes of facts, applied once the decision is final; at most [`UPDATES_MAX`].
    #[serde(borrow, default, deserialize_with = "at_most::<_, _, UPDATES_MAX>")]
    pub updates: Vec<Update<'a>>,
    /// Lines for the host's log.
    #[serde(borrow, default)]
    pub log: Vec<LogLine<'a>>,
}

/// Maximum number of records in a valid reply. A host may allow fewer.
pub const RECORDS_MAX: usize = 4096;

/// Maximum length of a topic, in bytes.
pub const TOPIC_BYTES_MAX: usize = 128;

/// Whether this is a valid topic of a record: 1 to [`TOPIC_BYTES_MAX`] ASCII letters, digits, `.`, `_` and `-`, which
/// are also valid names of subjects and topics in message brokers.
///
/// ```
/// # use callgate_catalogue as plugin_sdk;
/// use plugin_sdk::wire::is_topic;
/// assert!(is_topic("profiles.changed"));
/// assert!(!is_topic("") && !is_topic("a b") && !is_topic(&"a".repeat(129)));
/// ```
#[must_use]
pub fn is_topic(text: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=TOPIC_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_fit)
}

/// A string, borrowed from the reply if it has no escapes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Borrowed<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// Reads an array, and stops at the first element too many, so that a longer one costs no more.
fn at_most<'de, D: Deserializer<'de>, T: Deserialize<'de>, const MAX: usize>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    struct List<T, const MAX: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for List<T, MAX> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut elements = Vec::new();
            while let Some(element) = list.next_element()? {
                if elements.len() == MAX {
                    return Err(de::Error::custom(format_args!("a list holds more than {MAX} elements")));
                }
                elements.push(element);
            }
            Ok(elements)
        }
    }

    deserializer.deserialize_seq(List::<T, MAX>(PhantomData))
}

/// The name of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictTag {
    /// Continue, unchanged.
    Allow,
    /// Stop the operation.
    Deny,
    /// Continue with changes.
    Modify,
    /// Stop the operation and let its caller believe that it succeeded.
    Drop,
    /// Continue without some of the users concerned.
    RefuseSome,
    /// A result for each user concerned.
    PerUser,
    /// Send a text back to the client.
    Reply,
    /// The plugin cannot decide: the host answers as for any other fault.
    Fail,
}

/// The result for one user, for commands that need one per user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserResult {
    /// The user's ID.
    pub user: String,
    /// 0 allows; anything else refuses.
    #[serde(default)]
    pub code: i32,
    /// A text that the requesting user may read.
    #[serde(default)]
    pub message: String,
}

/// One line for the host's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine<'a> {
    /// Its level.
    pub level: LogLevel,
    /// The line, without a timestamp: the host adds one.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
}

/// The level of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For the plugin's author.
    Debug,
    /// For the record.
    Info,
    /// For an operator to look at eventually.
    Warn,
    /// For an operator to look at now.
    Error,
}

impl LogLevel {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: EnvelopeHead<'_> = EnvelopeHead {
        platform: "openim",
        command: "callbackBeforeAddFriendCommand",
        phase: Phase::After,
        operation_id: "op \"1\"",
        arrived_unix_ms: u64::MAX,
        client_address: "127.0.0.1",
        query: &[],
    };

    fn is_head(envelope: &Envelope<'_>) {
        let Envelope { platform, command, phase, operation_id, arrived_unix_ms, client_address, query, facts: _, body } =
            envelope;
        assert_eq!((&**platform, &**command, *phase), (HEAD.platform, HEAD.command, HEAD.phase));
        assert_eq!((&**operation_id, *arrived_unix_ms), (HEAD.operation_id, HEAD.arrived_unix_ms));
        assert_eq!((&**client_address, query.map(Raw::get), *body), (HEAD.client_address, Some("[]"), "{\"a\":1}"));
    }

    #[test]
    fn an_envelope_is_read_in_its_order_and_in_any_other() {
        let json = HEAD.before_body() + "{\"a\":1}}";
        is_head(&Envelope::in_order(&json).expect("the order in which it is written"));
        is_head(&Envelope::parse(&json).unwrap());
        is_head(&Envelope::in_any_order(&json).unwrap());
        let (platform, rest) = json.split_once(",\"command\"").unwrap();
        let (rest, body) = rest.rsplit_once(",\"body\"").unwrap();
        let platform = platform.strip_prefix('{').unwrap();
        // An unknown member whose name is as long as the expected one.
        for json in [
            format!("{{\"command\"{rest},{platform},\"body\"{body}"),
            format!("{{\"platfarm\":\"tencent\",{platform},\"command\"{rest},\"body\"{body}"),
            format!("{{ {platform} , \"command\"{rest},\"later\":[{{}}],\"body\"{body}"),
        ] {
            assert!(Envelope::in_order(&json).is_none(), "{json}");
            is_head(&Envelope::parse(&json).unwrap_or_else(|error| panic!("{json}: {error}")));
        }
    }

    #[test]
    fn what_is_no_envelope_is_said_so() {
        let json = HEAD.before_body() + "{}}";
        for (from, to) in [("\"after\"", "\"aft\""), ("\"openim\"", "7"), ("18446744073709551615", "-1")] {
            let error = Envelope::parse(&json.replace(from, to)).unwrap_err().to_string();
            assert!(error.starts_with("the envelope's member `"), "{error}");
        }
        assert!(Envelope::parse("{\"platform\":\"openim\"}").is_err());
    }
}
