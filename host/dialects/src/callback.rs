//! A callback: an authenticated and parsed request.

use std::borrow::Cow;
use std::sync::Arc;

use callgate_catalogue::Object;
use callgate_catalogue::catalogue::Command;
use callgate_catalogue::object::Raw;
use callgate_catalogue::wire::Phase;

use crate::body::Body;
use crate::json;
use crate::refusal::{BATCH_MAX, Refusal};

/// A callback that a dialect has authenticated and parsed. For network requests, only
/// [`Admitted::open`](crate::Admitted::open) creates one.
#[derive(Debug, Clone)]
pub struct Callback {
    pub(crate) name: Cow<'static, str>,
    pub(crate) command: Option<&'static Command>,
    pub(crate) operation_id: String,
    pub(crate) client_address: String,
    pub(crate) query: Arc<[(String, String)]>,
    pub(crate) body: Body,
    pub(crate) arrived_unix_ms: u64,
}

impl Callback {
    /// A callback that did not come over the network, for operators and authors who try something out. It is not
    /// authenticated.
    ///
    /// # Errors
    /// If `body` is not a JSON object, or a batch whose elements are too many or no objects.
    pub fn local(command: &'static Command, body: impl Into<bytes::Bytes>) -> Result<Self, Refusal> {
        let body = Body::new(body)?;
        check_batch(Some(command), &object(body.as_str())?)?;
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
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The command's entry in the catalogue; `None` for an unknown command.
    #[must_use]
    pub fn command(&self) -> Option<&'static Command> {
        self.command
    }

    /// From the catalogue; an unknown command counts as an after-callback.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.command.map_or(Phase::After, |command| command.phase)
    }

    /// The chat server's tracing ID; empty if it sent none.
    #[must_use]
    pub fn operation_id(&self) -> &str {
        &self.operation_id
    }

    /// Address of the user's client, if the chat server sends it.
    #[must_use]
    pub fn client_address(&self) -> &str {
        &self.client_address
    }

    /// Query parameters, without those that authenticate.
    #[must_use]
    pub fn query(&self) -> &[(String, String)] {
        &self.query
    }

    /// The chat server's JSON object.
    #[must_use]
    pub fn body(&self) -> &str {
        self.body.as_str()
    }

    /// The same, as bytes that are shared, not copied.
    #[must_use]
    pub fn body_bytes(&self) -> bytes::Bytes {
        self.body.bytes()
    }

    /// When it arrived, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn arrived_unix_ms(&self) -> u64 {
        self.arrived_unix_ms
    }

    /// The same callback with a copy of its body, which as it was read may be a small part of a large buffer.
    #[must_use]
    pub fn detached(self) -> Self {
        Self { body: Body::part(self.body.as_str()), ..self }
    }

    /// Its elements, if the request carries several callbacks; `None` if it carries just one.
    #[must_use]
    pub fn split(&self) -> Option<Vec<Self>> {
        let list = self.command?.batch?;
        let elements =
            Object::parse("batch", self.body()).and_then(|body| body.read::<Vec<Raw<'_>>>(list)).unwrap_or_default();
        Some(elements.iter().map(|element| Self { body: Body::part(element.get()), ..self.clone() }).collect())
    }
}

/// Checks that a text is a JSON object that is safe to pass on, and returns its members.
pub(crate) fn object(text: &str) -> Result<Object<'_>, Refusal> {
    // Plugins rely on this: the text is not checked again.
    json::check(text.as_bytes()).map_err(|problem| match problem {
        json::Problem::NotJson if json::comment_line(text.as_bytes()).is_some() => Refusal::Commented,
        json::Problem::NotJson => Refusal::NotJson,
        json::Problem::TooDeep => Refusal::TooDeep,
    })?;
    Object::parse("the body", text).map_err(|_| Refusal::NotObject)
}

/// Checks that the callbacks in one request are not too many, and objects, each of them: plugins rely on that.
pub(crate) fn check_batch(command: Option<&Command>, members: &Object<'_>) -> Result<(), Refusal> {
    let Some(list) = command.and_then(|command| command.batch) else { return Ok(()) };
    let elements = members.read_or_empty::<Vec<Raw<'_>>>(list).unwrap_or_default();
    if elements.len() > BATCH_MAX {
        return Err(Refusal::BatchTooLong);
    }
    match elements.iter().all(|element| element.get().starts_with('{')) {
        true => Ok(()),
        false => Err(Refusal::NotObject),
    }
}
