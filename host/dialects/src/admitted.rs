//! The two steps that every request goes through: its head is checked, then its body is parsed.

use crate::body::Body;
use crate::callback::{Callback, check_batch, object};
use crate::dialect::{Dialect, Identity};
use crate::head::Head;
use crate::refusal::Refusal;

/// A request whose head a dialect has checked: it comes from this chat server, and its body is worth reading.
#[derive(Debug)]
pub struct Admitted<'d> {
    dialect: &'d dyn Dialect,
    head: Head,
}

impl<'d> Admitted<'d> {
    /// Checks path, method, content type and the caller's authentication.
    ///
    /// # Errors
    /// What the caller did wrong.
    pub fn check(dialect: &'d dyn Dialect, head: Head) -> Result<Self, Refusal> {
        dialect.check(&head)?;
        Ok(Self { dialect, head })
    }

    /// The callback without its body, as far as the head tells which one it is: to refuse it before the body is read.
    /// Its body is an empty object.
    #[must_use]
    pub fn unread(&self) -> Option<Callback> {
        let Identity { name, command, operation_id, client_address } = self.dialect.identify_head(&self.head)?;
        Some(Callback {
            name: command.map_or(name.into(), |command| command.name.into()),
            command,
            operation_id,
            client_address,
            query: [].into(),
            body: Body::part("{}"),
            arrived_unix_ms: self.head.arrived_unix_ms,
        })
    }

    /// Parses the body and finds its command.
    ///
    /// # Errors
    /// What is wrong with the body, or with the command's name.
    pub fn open(self, body: impl Into<bytes::Bytes>) -> Result<Callback, Refusal> {
        let body = Body::new(body)?;
        let Identity { name, command, operation_id, client_address } = {
            let members = object(body.as_str())?;
            let identity = self.dialect.identify(&self.head, &members)?;
            check_batch(identity.command, &members)?;
            identity
        };
        let is_secret = |name: &str| self.dialect.secret_parameters().iter().any(|it| name.eq_ignore_ascii_case(it));
        let query = self.head.query.into_iter().filter(|(name, _)| !is_secret(name)).collect();
        let name = command.map_or(name.into(), |command| command.name.into());
        let arrived_unix_ms = self.head.arrived_unix_ms;
        Ok(Callback { name, command, operation_id, client_address, query, body, arrived_unix_ms })
    }
}
