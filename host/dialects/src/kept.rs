//! A callback without its body, to be stored and reopened: plugins then see exactly what they saw before.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::callback::{Callback, check_batch, object};
use crate::commands::Commands;
use crate::refusal::Refusal;

/// What plugins receive of a callback besides its body. It contains nothing that authenticates the sender, and no
/// secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptHead {
    /// The command's name: the current one, or as it was sent if it is unknown.
    pub command: String,
    /// The chat server's tracing ID; empty if it sent none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub operation_id: String,
    /// Address of the user's client; empty if the chat server does not send it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub client_address: String,
    /// Query parameters, in order, without those that authenticate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// When it arrived, in milliseconds since 1970-01-01 UTC.
    pub arrived_unix_ms: u64,
}

impl Callback {
    /// What is stored of it besides its body.
    #[must_use]
    pub fn kept_head(&self) -> KeptHead {
        KeptHead {
            command: self.name.clone().into_owned(),
            operation_id: self.operation_id.clone(),
            client_address: self.client_address.clone(),
            query: self.query.to_vec(),
            arrived_unix_ms: self.arrived_unix_ms,
        }
    }

    /// Reopens a stored callback: its chain gets, byte for byte, what it got when the callback arrived. It was
    /// authenticated then. A name that was unknown when it was stored may be known now.
    ///
    /// # Errors
    /// If the body is not valid for this command, so that it is not the callback that was stored.
    pub fn reopen(commands: &Commands, head: KeptHead, body: impl Into<bytes::Bytes>) -> Result<Self, Refusal> {
        let KeptHead { command: name, operation_id, client_address, query, arrived_unix_ms } = head;
        let body = Body::new(body)?;
        let command = commands.find(&name);
        let members = object(body.as_str())?;
        // An element of a batch is stored separately, under the name of its request.
        check_batch(command, &members)?;
        drop(members);
        let name = command.map_or(name.into(), |command| command.name.into());
        Ok(Self { name, command, operation_id, client_address, query: Arc::from(query), body, arrived_unix_ms })
    }
}

#[cfg(test)]
mod tests {
    use callgate_catalogue::wire::{EnvelopeHead, Phase};

    use super::*;
    use crate::table::CHAT_SERVERS;

    fn envelope(callback: &Callback) -> String {
        let head = EnvelopeHead {
            platform: "a",
            command: callback.name(),
            phase: callback.command().map_or(Phase::After, |command| command.phase),
            operation_id: callback.operation_id(),
            arrived_unix_ms: callback.arrived_unix_ms(),
            client_address: callback.client_address(),
            query: callback.query(),
        };
        head.before_body() + callback.body() + "}"
    }

    #[test]
    fn a_kept_callback_is_opened_again_to_the_byte() {
        for server in CHAT_SERVERS {
            for command in server.protocol().commands {
                let callback = Callback {
                    name: command.name.into(),
                    command: Some(command),
                    operation_id: "op \"1\"\u{7f}\n".to_owned(),
                    client_address: "::1".to_owned(),
                    query: Arc::from([("contenttype".to_owned(), "json".to_owned()), ("ä".to_owned(), String::new())]),
                    body: Body::part("{ \"a\" : 1.50e+3,\"a\":\"\\u0041\",\t\"b\":{} }"),
                    arrived_unix_ms: u64::MAX,
                };
                let json = serde_json::to_string(&callback.kept_head()).unwrap();
                let head: KeptHead = serde_json::from_str(&json).unwrap();
                let again = Callback::reopen(server.commands(), head, callback.body().as_bytes().to_vec()).unwrap();
                assert_eq!(envelope(&again), envelope(&callback));
                assert_eq!(again.command(), callback.command());
                assert_eq!(again.kept_head(), callback.kept_head());
            }
        }
    }

    #[test]
    fn elements_of_a_batch_are_opened_as_they_were_split() {
        let server = CHAT_SERVERS.iter().find(|server| server.commands().find("Push.OfflinePush").is_some()).unwrap();
        let command = server.commands().find("Push.OfflinePush").unwrap();
        let batch = Callback::local(command, r#"{"Events":[{"MsgKey":"a", "x":1},{"MsgKey":"b"}]}"#).unwrap();
        for part in batch.split().unwrap() {
            let again = Callback::reopen(server.commands(), part.kept_head(), part.body().as_bytes().to_vec()).unwrap();
            assert_eq!(envelope(&again), envelope(&part));
        }
    }

    #[test]
    fn what_is_damaged_is_not_opened() {
        let commands = CHAT_SERVERS.first().unwrap().commands();
        for body in [&b"\xff"[..], b"[]", b"{", b""] {
            assert!(Callback::reopen(commands, KeptHead::default(), body).is_err());
        }
    }
}
