//! What one chat server sends and understands. Everything between `open` and `render` is the same for all of them.

pub(crate) mod openim;
mod tencent_chat;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::body::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use plugin_sdk::catalogue::{Command, PROTOCOLS, Protocol};
use plugin_sdk::object::Raw;
use plugin_sdk::wire::Phase;
use tokio::time::Instant;

use crate::json;
use crate::settings::Platform;
use crate::verdict::Verdict;

/// A request for one platform, as it was read.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// What follows the platform's path, without slashes at its ends.
    pub subpath: String,
    /// The query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or why it could not be read.
    pub body: Result<Bytes, Refusal>,
    /// When the head had been read.
    pub arrived: Instant,
    /// The same moment for people and signatures.
    pub arrived_unix_ms: u64,
}

/// A callback that a dialect has authenticated and parsed. Only dialects can make one.
#[derive(Debug, Clone)]
pub struct Callback {
    name: Cow<'static, str>,
    command: Option<&'static Command>,
    operation_id: String,
    client_address: String,
    query: Arc<[(String, String)]>,
    body: Bytes,
    arrived_unix_ms: u64,
}

impl Callback {
    /// A callback that did not come over the network: for an operator or author who tries something out. There is
    /// nobody to authenticate.
    ///
    /// # Errors
    /// If `body` is not a JSON object.
    pub fn local(command: &'static Command, body: impl Into<Bytes>) -> Result<Self, Refusal> {
        let body = body.into();
        check_body(&body)?;
        Ok(Self {
            name: command.name.into(),
            command: Some(command),
            operation_id: String::new(),
            client_address: String::new(),
            query: Arc::new([]),
            body,
            arrived_unix_ms: 0,
        })
    }

    /// The command's name on the wire.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The command's entry in the catalogue; `None` for a command that is not known.
    pub fn command(&self) -> Option<&'static Command> {
        self.command
    }

    /// From the catalogue; a command that is not known counts as done.
    pub fn phase(&self) -> Phase {
        self.command.map_or(Phase::After, |command| command.phase)
    }

    /// The chat server's tracing ID.
    pub fn operation_id(&self) -> &str {
        &self.operation_id
    }

    /// Address of the user's client, where the chat server tells it.
    pub fn client_address(&self) -> &str {
        &self.client_address
    }

    /// Query parameters that are of use to plugins.
    pub fn query(&self) -> &[(String, String)] {
        &self.query
    }

    /// The chat server's JSON object.
    pub fn body(&self) -> &str {
        // Checked when it was parsed.
        simdutf8::basic::from_utf8(&self.body).unwrap_or_default()
    }

    /// When it arrived.
    pub fn arrived_unix_ms(&self) -> u64 {
        self.arrived_unix_ms
    }

    /// Its elements, where one request carries several callbacks; `None` where it carries one, itself.
    pub fn split(&self) -> Option<Vec<Self>> {
        let list = self.command?.batch?;
        let elements = plugin_sdk::Object::parse("batch", self.body())
            .and_then(|body| body.read::<Vec<Raw<'_>>>(list))
            .unwrap_or_default();
        let of = |element: &Raw<'_>| Self { body: Bytes::copy_from_slice(element.get().as_bytes()), ..self.clone() };
        Some(elements.iter().map(of).collect())
    }
}

/// An answer, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status. Verdicts have 200.
    pub status: StatusCode,
    /// A JSON object that the chat server can decode.
    pub body: Vec<u8>,
}

/// One chat server's protocol.
pub trait Dialect: Send + Sync + std::fmt::Debug {
    /// Authenticates a request, then parses it.
    ///
    /// # Errors
    /// What the caller did wrong.
    fn open(&self, request: Request) -> Result<Callback, Refusal>;

    /// Writes a verdict, in exactly the form that this server understands.
    fn render(&self, callback: &Callback, verdict: &Verdict) -> Response;

    /// Writes a refusal: a form that this server does not take for an allowance.
    fn refuse(&self, refusal: &Refusal) -> Response;
}

/// The dialect of a platform.
pub fn of(platform: &Platform) -> Box<dyn Dialect> {
    match platform.kind.name {
        "openim" => Box::new(openim::OpenIm::new(platform)),
        _ => Box::new(tencent_chat::TencentChat::new(platform)),
    }
}

/// How callbacks of a platform come in, for somebody whose callbacks do not.
pub fn expected(platform: &Platform) -> String {
    let path = &platform.path;
    match platform.kind.name {
        "openim" => format!("POST {path}/{{command}} or {path}?command={{command}}"),
        _ => format!("POST {path}?SdkAppid={{id}}&CallbackCommand={{command}}"),
    }
}

/// What a caller did wrong. Its text may be read by the caller: it holds nothing of the settings or the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A path below the platform's that is no command's.
    #[error("there is nothing at this path: callbacks are posted to the platform's path, or one segment below it")]
    NoSuchPath,
    /// Not a POST.
    #[error("callbacks are sent with POST")]
    Method,
    /// A body that says it is not JSON.
    #[error("callbacks are JSON: send them with the content type application/json, or with none")]
    ContentType,
    /// Too long a body.
    #[error("the body is longer than {bytes_max} bytes (`body_bytes_max`)")]
    TooLarge {
        /// What is allowed.
        bytes_max: usize,
    },
    /// The body ended early, or did not come in time.
    #[error("the body did not arrive whole")]
    Incomplete,
    /// Too many callbacks at once.
    #[error("too many callbacks at once (`in_flight_max`)")]
    Busy,
    /// Bytes that are no text.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Text that is no JSON.
    #[error("the body is not valid JSON")]
    NotJson,
    /// JSON that is no object.
    #[error("the body is not a JSON object")]
    NotObject,
    /// JSON that nests too deeply.
    #[error("the body nests deeper than {} levels", json::DEPTH_MAX)]
    TooDeep,
    /// More callbacks in one request than any chat server sends.
    #[error("the request carries more than {BATCH_MAX} callbacks")]
    BatchTooLong,
    /// No command anywhere.
    #[error("there is no command: name it in the path, the query or the body")]
    NoCommand,
    /// Two different commands.
    #[error("path, query and body name different commands")]
    CommandsDiffer,
    /// An application that is not ours.
    #[error("this application is not served here: check its id in the settings")]
    WrongApp,
    /// A signature is needed and not there.
    #[error("the callback is not signed: Sign and RequestTime are needed")]
    NotSigned,
    /// A signature that does not fit.
    #[error("the signature does not fit: check the token on both sides")]
    WrongSignature,
    /// A signature of another time.
    #[error("the callback was signed more than {SIGNATURE_SECONDS_MAX} s from now: check the clocks")]
    Stale,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Incomplete => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotUtf8
            | Self::NotJson
            | Self::NotObject
            | Self::TooDeep
            | Self::BatchTooLong
            | Self::NoCommand
            | Self::CommandsDiffer => StatusCode::BAD_REQUEST,
            Self::WrongApp => StatusCode::FORBIDDEN,
            Self::NotSigned | Self::WrongSignature | Self::Stale => StatusCode::UNAUTHORIZED,
        }
    }

    /// The name in metrics and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoSuchPath => "no_such_path",
            Self::Method => "method",
            Self::ContentType => "content_type",
            Self::TooLarge { .. } => "too_large",
            Self::Incomplete => "incomplete",
            Self::Busy => "busy",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::NotObject => "not_object",
            Self::TooDeep => "too_deep",
            Self::BatchTooLong => "batch_too_long",
            Self::NoCommand => "no_command",
            Self::CommandsDiffer => "commands_differ",
            Self::WrongApp => "wrong_app",
            Self::NotSigned => "not_signed",
            Self::WrongSignature => "wrong_signature",
            Self::Stale => "stale",
        }
    }
}

/// Most callbacks in one request, as Tencent's pages say of its push results.
pub const BATCH_MAX: usize = 100;

/// Farthest that a signature's time may lie from now, in seconds, as Tencent's pages say.
pub const SIGNATURE_SECONDS_MAX: u64 = 60;

/// A POST whose content type, if it has one, is JSON.
fn check_head(request: &Request) -> Result<(), Refusal> {
    if request.method != Method::POST {
        return Err(Refusal::Method);
    }
    let Some(content_type) = request.headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let is_json = ["application/json", "text/json"].iter().any(|json| essence.eq_ignore_ascii_case(json))
        || essence.to_ascii_lowercase().ends_with("+json");
    if is_json { Ok(()) } else { Err(Refusal::ContentType) }
}

/// Checks that `body` is a JSON object that is safe to hand on, and gives its members.
fn check_body(body: &Bytes) -> Result<plugin_sdk::Object<'_>, Refusal> {
    let text = simdutf8::basic::from_utf8(body).map_err(|_| Refusal::NotUtf8)?;
    // Plugins rely on this: nobody checks the text again.
    json::check(body).map_err(|problem| match problem {
        json::Problem::NotJson => Refusal::NotJson,
        json::Problem::TooDeep => Refusal::TooDeep,
    })?;
    plugin_sdk::Object::parse("the body", text).map_err(|_| Refusal::NotObject)
}

/// The entry for a name, today's or another one. The outer `None`: not a known name at all; an alias without a
/// command of today gives `Some(None)`.
pub fn find_command(protocol: &Protocol, name: &str) -> Option<Option<&'static Command>> {
    type Names = HashMap<&'static str, Option<&'static Command>>;
    fn names(protocol: &Protocol) -> Names {
        let today: Names = protocol.commands.iter().map(|command| (command.name, Some(*command))).collect();
        let aliases = protocol.aliases.iter().map(|(alias, name)| (*alias, today.get(name).copied().flatten()));
        // A name of today counts before an alias.
        aliases.collect::<Names>().into_iter().chain(today).collect()
    }
    static NAMES: LazyLock<Vec<Names>> = LazyLock::new(|| PROTOCOLS.iter().map(|protocol| names(protocol)).collect());
    let (_, names) = PROTOCOLS.iter().zip(&*NAMES).find(|(known, _)| **known == protocol)?;
    names.get(name).copied()
}
